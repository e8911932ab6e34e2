"""The main job, on every kind of registry: build, find, sign, push, verify; refuse the rest."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

import parts
from lading import bom
from lading_oci import open_registry, parse_reference
from lading_oci.manifests import parse_descriptor
from support.product import MODEL, cosign_verify

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor, Repository
    from support.engines import DockerEngine
    from support.product import Lading
    from support.registries import Registry

BOM = "https://cyclonedx.org/bom"
SEAL = "https://slsa.dev/verification_summary/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"


def _conforms(name: str, document: object) -> None:
    schema = json.loads((parts.ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(document)


def test_build_says_what_it_found_and_where_it_attached(released) -> None:
    assert "Successfully built" in released.out  # docker's own output, untouched
    assert "support-desk/ticket-router-tiny" in released.err or "ticket-router" in released.err
    assert "safetensors" in released.err
    assert released.digest in released.err
    _conforms("build", released.summary)


def test_verify_says_yes_by_tag_and_by_digest(lading: Lading, released) -> None:
    for name in (released.name, f"{released.repository}@{released.digest}"):
        ran = lading("verify", "--key", "lading.pub", name, "--json")

        assert ran.status == 0, ran.err
        document = ran.json()
        _conforms("verify", document)
        assert document["verified"] is True
        assert document["digest"] == released.digest
        assert [one["predicate_type"] for one in document["attestations"]] == [SEAL]
        assert len(document["sealed"]) == 2


def test_verify_asks_a_registry_with_the_referrers_api_once(lading: Lading, released_once) -> None:
    by_digest = f"registry:{released_once.repository}@{released_once.digest}"
    for name, requests in ((by_digest, 1), (f"registry:{released_once.name}", 2)):
        ran = lading.ok("verify", "--key", "lading.pub", name, "--json")

        assert ran.json()["requests"] == requests


def test_full_verification_fetches_what_the_seal_names(lading: Lading, released) -> None:
    ran = lading.ok("verify", "--key", "lading.pub", "--full", released.name, "--json")

    document = ran.json()
    seal, *sealed = document["attestations"]
    assert seal["predicate_type"] == SEAL
    assert {one["predicate_type"] for one in sealed} == {BOM, PROVENANCE}
    assert document["sealed"] == sorted(one["digest"] for one in sealed)


def test_the_bom_can_be_asked_for_itself(lading: Lading, released_once) -> None:
    ran = lading.ok("verify", "--key", "lading.pub", "--type", "bom", released_once.name, "--json")

    document = ran.json()
    assert [one["predicate_type"] for one in document["attestations"]] == [BOM]
    assert document["sealed"] is None


def test_tree_shows_the_attestation_and_who_signed_it(lading: Lading, released) -> None:
    document = lading.ok("tree", "--key", "lading.pub", released.name, "--json").json()

    _conforms("tree", document)
    assert [one["verified"] for one in document["referrers"]] == [True, True, True]
    assert [one["predicate_type"] for one in document["referrers"]] == [SEAL, PROVENANCE, BOM]
    assert document["digest"] == released.digest


@pytest.mark.parametrize(
    ("kind", "more"), [(BOM, set()), (PROVENANCE, set()), (SEAL, {"dev.lading.seal"})]
)
def test_the_referrers_are_exactly_the_format(released, kind: str, more: set[str]) -> None:
    repository = open_registry(parse_reference(released.name))
    referrer = _attached(repository, released.digest)[kind]
    manifest = repository.manifest(referrer.digest).json()

    media_type = "application/vnd.dev.sigstore.bundle.v0.3+json"
    assert manifest["artifactType"] == media_type
    assert [layer["mediaType"] for layer in manifest["layers"]] == [media_type]
    assert manifest["subject"]["digest"] == released.digest
    assert manifest["config"]["data"] == "e30="
    assert manifest["annotations"].keys() == {
        "org.opencontainers.image.created",
        "dev.sigstore.bundle.content",
        "dev.sigstore.bundle.predicateType",
        *more,
    }
    blob = repository.read_blob(_descriptor(manifest["layers"][0]), limit=10_000_000)
    for carried in more:
        assert base64.b64decode(manifest["annotations"][carried]) == blob


def test_a_strangers_key_is_refused(lading: Lading, released_once) -> None:
    ran = lading("verify", "--key", "stranger.pub", released_once.name, "--json")

    assert ran.status == 10
    document = ran.json()
    _conforms("verify", document)
    assert document["error"]["code"] == "signer"
    assert "not signed by a trusted key" in ran.err


def test_a_changed_model_under_the_same_tag_is_refused_and_so_is_a_moved_attestation(
    lading: Lading, released, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    context = tmp_path / "context"
    shutil.copytree(released.context, context)
    weights = context / MODEL
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    tag = f"{released.repository}:attacked"
    try:
        docker_engine.docker("tag", released.name, tag)
        docker_engine.docker("push", tag)
        assert lading("verify", "--key", "lading.pub", tag).status == 0

        docker_engine.docker("build", "--quiet", "--tag", tag, str(context))
        docker_engine.docker("push", tag)
        changed = lading("verify", "--key", "lading.pub", tag, "--json")
        assert changed.status == 11
        assert changed.json()["verified"] is False

        repository = open_registry(parse_reference(released.name))
        for genuine in repository.referrers(released.digest):
            blob = repository.manifest(genuine.digest).json()["layers"][0]
            repository.attach(
                repository.resolve("attacked"),
                repository.read_blob(_descriptor(blob), limit=10_000_000),
                artifact_type=genuine.artifact_type or "",
                blob_media_type=blob["mediaType"],
                annotations=genuine.annotations,
            )
        refused = lading("verify", "--key", "lading.pub", tag, "--json")
        assert refused.status == 10
        assert refused.json()["error"]["code"] == "subject"
        moved = _attached(repository, repository.resolve("attacked").digest)[BOM]
        assert moved.digest in refused.err.replace("\n  ", "")
    finally:
        docker_engine.docker("rmi", tag)


def _descriptor(layer: dict[str, object]) -> Descriptor:
    return parse_descriptor(layer)


def _attached(repository: Repository, digest: str) -> dict[str, Descriptor]:
    """Return what is attached by the predicate type that its annotation claims."""
    return {
        one.annotations["dev.sigstore.bundle.predicateType"]: one
        for one in repository.referrers(digest)
    }


def test_inspect_lists_models_and_packages(lading: Lading, released_once) -> None:
    document = lading.ok("inspect", released_once.name, "--json").json()

    _conforms("inspect", document)
    formats = sorted(model["format"] for model in document["models"])
    assert formats == ["pickle", "safetensors"]
    purls = {package["purl"].partition("?")[0] for package in document["packages"]}
    assert "pkg:pypi/tiny-pkg@1.2" in purls
    assert any(purl.startswith("pkg:deb/debian/libc6@2.36-9") for purl in purls)


def test_bom_is_valid_and_the_same_every_time(lading: Lading, released_once) -> None:
    env = {"SOURCE_DATE_EPOCH": "1700000000"}
    first = lading("bom", released_once.name, env=env).out
    second = lading("bom", released_once.name, env={**env, "LADING_NO_CACHE": "1"}).out

    bom.validate(first.encode())
    assert first == second
    kinds = {component["type"] for component in json.loads(first)["components"]}
    assert {"machine-learning-model", "library"} <= kinds


def _judges_can_read(registry: Registry) -> None:
    if registry.kind == "olareg-without-referrers":
        pytest.skip("oras and cosign do not look for the referrers tag after a 405")


@pytest.mark.interop
def test_cosign_verifies_what_we_pushed(lading: Lading, released, registry: Registry) -> None:
    _judges_can_read(registry)
    ran = cosign_verify(lading, released.name)

    assert ran.status == 0, ran.err
    assert "payload" in ran.out


@pytest.mark.interop
def test_oras_and_crane_see_what_we_pushed(
    released, registry: Registry, docker_engine: DockerEngine
) -> None:
    _judges_can_read(registry)

    def run(*words: str) -> str:
        done = subprocess.run(
            words, env=docker_engine.env, capture_output=True, text=True, check=True
        )
        return done.stdout

    oras, crane = (str(parts.require(name)) for name in ("oras", "crane"))
    ours = _attached(open_registry(parse_reference(released.name)), released.digest).values()
    listed = json.loads(run(oras, "discover", "--plain-http", "--format", "json", released.name))
    assert {one["digest"] for one in listed["referrers"]} == {one.digest for one in ours}
    for referrer in ours:
        shown = json.loads(run(crane, "manifest", f"{released.repository}@{referrer.digest}"))
        assert shown["subject"]["digest"] == released.digest


@pytest.mark.interop
def test_syft_converts_our_bom(lading: Lading, released_once, tmp_path: Path) -> None:
    path = tmp_path / "bom.json"
    lading.ok("bom", released_once.name, "-o", str(path))
    ran = subprocess.run(
        [str(parts.require("syft")), "convert", str(path), "-o", "syft-json"],
        env={"PATH": "/usr/bin", "SYFT_CHECK_FOR_APP_UPDATE": "false"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "tiny-pkg" in {artifact["name"] for artifact in json.loads(ran.stdout)["artifacts"]}
