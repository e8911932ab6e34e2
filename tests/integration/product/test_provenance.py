"""Provenance of real builds: what `lading build` says about how an image came about."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading_oci import open_registry, parse_reference
from lading_oci.manifests import parse_descriptor
from support.git_repos import git
from support.product import cosign_verify, write_context

if TYPE_CHECKING:
    from pathlib import Path

    from support.engines import DockerEngine
    from support.product import Lading

KEY = ("--signing-key", "lading.key")
KIND = "https://slsa.dev/provenance/v1"


def _statement(name: str, digest: str) -> dict[str, Any]:
    repository = open_registry(parse_reference(name))
    (referrer,) = [
        one
        for one in repository.referrers(digest)
        if one.annotations["dev.sigstore.bundle.predicateType"] == KIND
    ]
    layer = parse_descriptor(repository.manifest(referrer.digest).json()["layers"][0])
    bundle = json.loads(repository.read_blob(layer, limit=10_000_000))
    return dict(json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"])))


def _build(lading: Lading, tmp_path: Path, *words: str) -> dict[str, Any]:
    summary = tmp_path / "summary.json"
    lading.ok("build", *KEY, "--summary-json", str(summary), *words)
    return dict(json.loads(summary.read_text()))


def _dependencies(statement: dict[str, Any]) -> dict[str, dict[str, Any]]:
    listed = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    return {one["name"]: one for one in listed}


def test_a_build_from_a_commit_on_a_pushed_base(
    lading: Lading, docker_engine: DockerEngine, registry_referrers, base_image: str, tmp_path: Path
) -> None:
    host = registry_referrers.host
    base = f"{host}/base:1"
    docker_engine.docker("tag", base_image, base)
    docker_engine.docker("push", base)
    base_digest = open_registry(parse_reference(base)).resolve("1").digest
    context = write_context(tmp_path / "context", base="${BASE}")
    dockerfile = context / "Dockerfile"
    dockerfile.write_text("ARG BASE\n" + dockerfile.read_text())
    parts.require("git")
    git(context, "init", "-q")
    git(context, "add", ".")
    git(context, "commit", "-qm", "First")
    (context / "os-release").write_text("ID=other\n")
    name = f"{host}/provenance:1"

    document = _build(
        *(lading, tmp_path, "--build-arg", f"BASE={base}", "--build-arg", "TOKEN=hunter2"),
        *("-t", name, "--push", str(context)),
    )

    statement = _statement(name, document["digest"])
    found = _dependencies(statement)
    assert found["context"]["digest"] == {"gitCommit": git(context, "rev-parse", "HEAD")}
    assert found["context"]["annotations"]["dirty"] is True
    assert found["context"]["annotations"]["changed"] == 1
    sha256 = hashlib.sha256(dockerfile.read_bytes()).hexdigest()
    assert found["Dockerfile"]["digest"] == {"sha256": sha256}
    assert found[base]["digest"] == {"sha256": base_digest.removeprefix("sha256:")}
    assert "hunter2" not in json.dumps(statement)
    subjects = {one["digest"]["sha256"] for one in statement["subject"]}
    assert {f"sha256:{one}" for one in subjects} == set(document["subjects"])

    asked = lading.ok(
        *("verify", "--key", "lading.pub", "--type", "provenance", f"registry:{name}", "--json")
    )
    assert [one["predicate_type"] for one in asked.json()["attestations"]] == [KIND]


def test_what_nobody_knows_is_a_name_and_a_reason(
    lading: Lading, registry_referrers, base_image: str, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context", base=base_image)
    name = f"{registry_referrers.host}/provenance-local:1"

    document = _build(lading, tmp_path, "-t", name, "--push", str(context))

    found = _dependencies(_statement(name, document["digest"]))
    assert "digest" not in found[base_image]
    assert "no one digest" in found[base_image]["annotations"]["unresolved"]
    assert "no commit" in found["context"]["annotations"]["unresolved"]


def test_a_dockerfile_from_standard_input_is_not_known(
    lading: Lading, docker_engine: DockerEngine, registry_referrers, tmp_path: Path
) -> None:
    name = f"{registry_referrers.host}/provenance-stdin:1"
    summary = tmp_path / "summary.json"
    archive = subprocess.run(
        ["tar", "-C", str(write_context(tmp_path / "context")), "-cf", "-", "."],
        capture_output=True,
        check=True,
    ).stdout
    words = ("build", *KEY, "--summary-json", str(summary), "-t", name, "--push", "-")
    done = subprocess.run(
        ["lading", *words],
        cwd=lading.cwd,
        env=lading.env,
        input=archive,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    statement = _statement(name, json.loads(summary.read_text())["digest"])
    assert statement["predicate"]["buildDefinition"]["externalParameters"]["context"] == "stdin"
    assert "unresolved" in _dependencies(statement)["Dockerfile"]["annotations"]


@pytest.mark.interop
def test_buildkits_builds_name_their_builder(
    lading: Lading, docker_buildx: DockerEngine, registry_referrers, base_image: str, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context", base=base_image)
    name = f"{registry_referrers.host}/provenance-buildkit:1"
    env = {"DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": docker_buildx.env["DOCKER_CONFIG"]}
    summary = tmp_path / "summary.json"

    ran = lading(
        *("build", *KEY, "--summary-json", str(summary), "-t", name, "--push", str(context)),
        env=env,
    )

    assert ran.status == 0, ran.err
    statement = _statement(name, json.loads(summary.read_text())["digest"])
    how = statement["predicate"]["buildDefinition"]["internalParameters"]
    assert how["builder"] == "docker"
    assert base_image in _dependencies(statement)


@pytest.mark.interop
def test_cosign_verifies_the_provenance(lading: Lading, released_once) -> None:
    ran = cosign_verify(lading, released_once.name, "slsaprovenance1")

    assert ran.status == 0, ran.err
