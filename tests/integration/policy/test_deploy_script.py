"""The deploy script of ``lading init``: only what verifies is started, and by its digest."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from lading_oci import open_registry, parse_reference

from .conftest import Shop, model_files

if TYPE_CHECKING:
    from pathlib import Path

RECORD = '#!/bin/sh\nprintf "%s\\n" "$@" > "$RECORD"\n'


@pytest.fixture
def deploy(shop: Shop, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run the script; a program named docker writes down how it was called."""
    shop.run.ok("init", "deploy-script", "--directory", str(tmp_path))
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(RECORD)
    docker.chmod(0o755)
    record = tmp_path / "record"

    def run(*words: str, **extra: str) -> tuple[int, list[str], str]:
        path = os.pathsep.join([str(docker.parent), shop.run.env["PATH"]])
        done = subprocess.run(
            [str(tmp_path / "deploy" / "verify-and-run.sh"), *words],
            env={**shop.run.env, "PATH": path, "RECORD": str(record), **extra},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        called = record.read_text().splitlines() if record.exists() else []
        return done.returncode, called, done.stderr

    return run


def test_a_verified_image_is_run_by_the_digest_that_was_verified(shop: Shop, deploy) -> None:  # type: ignore[no-untyped-def]
    image = shop.release("acme/deployed:1", model_files()).removeprefix("registry:")
    digest = open_registry(parse_reference(image)).resolve("1").digest

    status, called, err = deploy(image, "--rm", "-p", "80:80")

    assert status == 0, err
    assert called == ["run", "--rm", "-p", "80:80", f"{image.rpartition(':')[0]}@{digest}"]


def test_what_does_not_verify_is_not_started(shop: Shop, deploy, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    image = shop.release("acme/refused:1", model_files()).removeprefix("registry:")
    policy = tmp_path / "p.yaml"
    policy.write_text("version: 1\nname: none\nrules:\n  - rule: model-formats\n    deny: ['*']\n")

    stranger = deploy(image, LADING_KEY=str(shop.run.cwd / "stranger.pub"))
    refused = deploy(image, LADING_POLICY=str(policy))
    nothing = deploy(f"{shop.host}/acme/never:1")

    assert [one[0] for one in (stranger, refused, nothing)] == [10, 12, 20]
    assert [one[1] for one in (stranger, refused, nothing)] == [[], [], []]
    assert "not started" in refused[2]


@pytest.mark.parametrize("name", ["LADING_POLICY", "LADING_KEY", "LADING_TRUST"])
def test_an_empty_variable_is_not_one_that_is_unset(shop: Shop, deploy, name: str) -> None:  # type: ignore[no-untyped-def]
    image = shop.release("acme/unasked:1", model_files()).removeprefix("registry:")

    status, called, err = deploy(image, **{name: ""})

    assert (status, called) == (2, [])
    assert name in err
    assert "empty" in err
