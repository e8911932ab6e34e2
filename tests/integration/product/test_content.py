"""`lading verify --content`: the bytes in the image against the signed BOM."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.keys import load_private
from lading.attest.signers.key import KeySigner
from lading.attest.statement import Subject
from lading.usecases.attest import attach_statement, bom_statement
from lading_oci import open_registry, parse_reference
from support.product import MODEL, PASSWORD, write_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.engines import DockerEngine
    from support.product import Lading

KEY = ("--signing-key", "lading.key")
CONTENT = ("verify", "--key", "lading.pub", "--content")
BOM = "https://cyclonedx.org/bom"


def test_every_model_file_is_as_signed(lading: Lading, released_once) -> None:
    for name in (released_once.name, f"registry:{released_once.name}"):
        document = lading.ok(*CONTENT, name, "--json").json()

        (compared,) = document["content"]
        assert compared["files"] == len(list((released_once.context / "models").rglob("*.*")))
    assert "are as signed" in lading.ok(*CONTENT, released_once.name).out
    assert (
        lading.ok("verify", "--key", "lading.pub", released_once.name, "--json").json()["content"]
        is None
    )


def test_bytes_that_changed_under_the_engines_feet_are_found(
    lading: Lading, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    weights = context / MODEL
    # a layer of this test's own, for it is about to be damaged
    weights.write_bytes(weights.read_bytes()[:-32] + os.urandom(32))
    name = "damaged-on-disk:1"
    lading.ok("build", *KEY, "-t", name, str(context))
    try:
        lading.ok(*CONTENT, name)
        inspected = json.loads(docker_engine.docker("inspect", name))[0]
        lower = (inspected["GraphDriver"]["Data"] or {}).get("LowerDir", "")
        places = [Path(one) / "srv" / MODEL for one in lower.split(":")]
        found = [one for one in places if one.is_file() and os.access(one, os.W_OK)]
        if not found:
            pytest.skip("the engine's layers are not this user's to change")
        found[0].write_bytes(found[0].read_bytes()[:-1] + b"\x7f")

        assert lading("verify", "--key", "lading.pub", name).status == 0
        ran = lading(*CONTENT, name, "--json")

        assert ran.status == 10
        error = ran.json()["error"]
        assert (error["code"], error["got"]) == ("content", f"changed /srv/{MODEL}")
    finally:
        docker_engine.docker("rmi", "-f", name)


def _without_last(files: list[dict[str, Any]]) -> None:
    files.pop()


def _with_another(files: list[dict[str, Any]]) -> None:
    files.append({**files[0], "bom-ref": "another", "name": "/srv/absent.bin"})


def _with_another_digest(files: list[dict[str, Any]]) -> None:
    files[0]["hashes"] = [{"alg": "SHA-256", "content": "0" * 64}]


@pytest.mark.parametrize(
    ("change", "told"),
    [(_without_last, "extra "), (_with_another, "missing "), (_with_another_digest, "changed ")],
)
def test_a_signed_bom_that_does_not_fit_the_bytes(
    lading: Lading,
    registry_referrers,
    tmp_path: Path,
    change: Callable[[list[dict[str, Any]]], None],
    told: str,
) -> None:
    name = f"{registry_referrers.host}/content/{told.strip()}:1"
    summary = tmp_path / "summary.json"
    bom = tmp_path / "bom.json"
    context = write_context(tmp_path / "context")
    lading.ok(
        *("build", *KEY, "--summary-json", str(summary), "--bom-output", str(bom)),
        *("-t", name, "--push", str(context)),
    )
    lading.ok(*CONTENT, name)
    document = json.loads(bom.read_text())
    models = [one for one in document["components"] if one["type"] == "machine-learning-model"]
    change(models[0]["components"])
    document["metadata"]["timestamp"] = "2100-01-01T00:00:00Z"
    repository = open_registry(parse_reference(name))
    key = load_private(lading.cwd / "lading.key", PASSWORD.encode)
    subjects = [
        Subject(name, dict([one.split(":")])) for one in json.loads(summary.read_text())["subjects"]
    ]
    attach_statement(
        bom_statement(subjects, json.dumps(document).encode()),
        BOM,
        signer=KeySigner(key),
        store=repository,
        subject=repository.resolve("1"),
    )

    ran = lading(*CONTENT, name, "--json")

    assert ran.status == 10
    assert ran.json()["error"]["code"] == "content"
    assert ran.json()["error"]["got"].startswith(told)
