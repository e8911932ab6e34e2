"""Models in images: known as what was attested, refused where that is required."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from support.engines import NAMESPACE
from support.product import PASSWORD, Lading

if TYPE_CHECKING:
    from support.engines import DockerEngine
    from support.hub_server import Hub
    from support.registries import Registry

NAME = "acme/ticket-router-tiny"


@pytest.fixture
def lading(tmp_path: Path, hub: Hub, docker_engine: DockerEngine) -> Lading:
    env = {
        **docker_engine.env,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), docker_engine.env["PATH"])),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": hub.url,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "LADING_KEY_PASSWORD": PASSWORD,
        "LADING_SIGNING_KEY": "ci.key",
        "LADING_KEY": f"approver.pub{os.pathsep}ci.pub",
        "DOCKER_BUILDKIT": "0",
    }
    run = Lading(tmp_path, env)
    run.ok("keygen", "-o", "ci")
    run.ok("keygen", "-o", "approver")
    return run


@pytest.fixture
def context(model: Path, tmp_path: Path) -> Path:
    directory = tmp_path / "context"
    shutil.copytree(model, directory / "model")
    (directory / "Dockerfile").write_text("FROM scratch\nCOPY model /srv/model\n")
    return directory


def _build(lading: Lading, context: Path, *words: str) -> Any:
    return lading("build", "--bom-output", "bom.json", *words, str(context))


def _model(lading: Lading) -> dict[str, Any]:
    document = json.loads((lading.cwd / "bom.json").read_text())
    (found,) = (one for one in document["components"] if one["type"] == "machine-learning-model")
    return dict(found)


def test_a_model_in_an_image_is_known_as_the_attested_one(
    lading: Lading, hub: Hub, context: Path, files: dict[str, bytes]
) -> None:
    commit = hub.add(NAME).commit(files)
    lading.ok("attest", f"hf:{NAME}", "--signing-key", "approver.key")

    ran = _build(lading, context, "--require-attested-models", "-t", f"{NAMESPACE}/match:1")

    assert ran.status == 0, ran.err
    found = _model(lading)
    assert found["purl"] == f"pkg:huggingface/{NAME}@{commit}"
    (identity,) = found["evidence"]["identity"]
    assert identity["concludedValue"] == found["purl"]
    assert identity["methods"][0]["technique"] == "hash-comparison"
    properties = {one["name"]: one["value"] for one in found["properties"]}
    assert properties["lading:fact:attested"] == f"hf:{NAME}@{commit}"
    assert properties["lading:fact:attested:origin"].startswith("matched: sha256:")


def test_what_is_not_attested_is_refused_before_the_push(
    lading: Lading, context: Path, registry_referrers: Registry
) -> None:
    image = f"{registry_referrers.host}/acme/refused:1"

    ran = _build(lading, context, "--require-attested-models", "-t", image, "--push")

    assert ran.status == 12
    assert "in no signed list" in " ".join(ran.err.split())
    assert lading("verify", f"registry:{image}").status == 20  # nothing was pushed
    assert _build(lading, context, "-t", f"{NAMESPACE}/unknown:1").status == 0
    assert "identity" not in _model(lading).get("evidence", {})


@pytest.mark.parametrize(
    ("name", "content"),
    [("README.md", b"---\nlicense: agpl-3.0\n---\n"), ("config.json", b'{"model_type": "x"}')],
)
def test_one_other_file_and_it_is_not_the_attested_model(
    lading: Lading, model: Path, context: Path, name: str, content: bytes
) -> None:
    lading.ok("attest", f"dir:{model}", "--signing-key", "approver.key")
    (context / "model" / name).write_bytes(content)

    ran = _build(lading, context, "--require-attested-models", "-t", f"{NAMESPACE}/other:1")

    assert ran.status == 12
    assert f"not as attested: srv/model/{name}" in " ".join(ran.err.split())


def test_a_strangers_list_does_not_count(lading: Lading, model: Path, context: Path) -> None:
    lading.ok("keygen", "-o", "stranger")
    lading.ok("attest", f"dir:{model}", "--signing-key", "stranger.key")

    ran = _build(lading, context, "--require-attested-models", "-t", f"{NAMESPACE}/stranger:1")

    assert ran.status == 12
    assert "1 signed lists by others do not count" in " ".join(ran.err.split())


def test_a_registry_of_models(
    lading: Lading, model: Path, context: Path, registry_referrers: Registry
) -> None:
    place = f"{registry_referrers.host}/models/approved"
    image = f"{registry_referrers.host}/acme/accepted:1"
    lading.ok("attest", f"dir:{model}", "--signing-key", "approver.key", "--evidence", place)
    words = ("--require-attested-models", "--model-evidence", place)

    ran = _build(lading, context, *words, "-t", image, "--push")

    assert ran.status == 0, ran.err
    identity = _model(lading)["evidence"]["identity"][0]
    assert identity["field"] == "name"
    assert identity["concludedValue"] == "dir:ticket-router-tiny"
    lading.ok("verify", image)
