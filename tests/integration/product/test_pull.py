"""`lading pull`: what the engine gets is what was verified, and nothing when the answer is no."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

import parts
from lading_oci import open_registry, parse_reference
from support.oci_images import make_image, push_image, push_index
from support.product import MODEL, write_context

if TYPE_CHECKING:
    from pathlib import Path

    from support.engines import DockerEngine
    from support.product import Lading

KEY = ("--signing-key", "lading.key")
PULL = ("pull", "--key", "lading.pub")


def _conforms(document: object) -> None:
    schemas = parts.ROOT / "docs" / "schemas"
    whole = json.loads((schemas / "pull.schema.json").read_text())
    del whole["allOf"]
    verify = json.loads((schemas / "verify.schema.json").read_text())
    for schema in (whole, verify):
        jsonschema_rs.validator_for(schema).validate(document)


@pytest.fixture
def pushed(
    lading: Lading, docker_engine: DockerEngine, registry_referrers, tmp_path: Path
) -> tuple[str, str]:
    """A name of its own in the registry, and the image's ID; the engine has forgotten it."""
    name = f"{registry_referrers.host}/pull/{tmp_path.name.lower()}:1"
    context = write_context(tmp_path / "context")
    (context / "os-release").write_text(f"ID=debian\nNAME={tmp_path.name}\n")
    lading.ok("build", *KEY, "-t", name, "--push", str(context))
    image_id = docker_engine.docker("inspect", "-f", "{{.Id}}", name)
    docker_engine.docker("rmi", name)
    assert not docker_engine.has_image(name)
    return name, image_id


def test_the_engine_gets_what_was_verified(
    lading: Lading, docker_engine: DockerEngine, pushed: tuple[str, str]
) -> None:
    name, image_id = pushed

    document = lading.ok(*PULL, name, "--json").json()

    _conforms(document)
    assert document["pulled"]["image_id"] == image_id
    assert document["pulled"]["name"] == name
    assert document["pulled"]["reference"].endswith(document["digest"])
    assert docker_engine.docker("inspect", "-f", "{{.Id}}", name) == image_id
    verified = lading.ok("verify", "--key", "lading.pub", name, "--json").json()
    assert verified["engine_checked"] is True
    assert name in lading.ok(*PULL, name).out  # again, where everything is there already


def test_by_digest_no_tag_is_made(
    lading: Lading, docker_engine: DockerEngine, pushed: tuple[str, str]
) -> None:
    name, image_id = pushed
    repository = name.rpartition(":")[0]
    digest = open_registry(parse_reference(name)).resolve("1").digest

    document = lading.ok(*PULL, f"{repository}@{digest}", "--json").json()

    assert document["pulled"] == {
        "image_id": image_id,
        "reference": f"{repository}@{digest}",
        "name": None,
    }
    assert not docker_engine.has_image(name)
    docker_engine.docker("inspect", f"{repository}@{digest}")


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--key", "stranger.pub"), 10),
        (("--key", "lading.pub", "--type", "openvex"), 11),
        (("--key", "lading.pub", "--max-age", "0m"), 10),
        (("--key", "lading.pub", "--platform", "linux/s390x"), 22),
        ((), 2),
    ],
)
def test_nothing_is_pulled_when_the_answer_is_no(
    lading: Lading,
    docker_engine: DockerEngine,
    pushed: tuple[str, str],
    words: tuple[str, ...],
    status: int,
) -> None:
    name, _ = pushed

    ran = lading("pull", *words, name, "--json")

    assert ran.status == status, ran.err
    document = ran.json()
    _conforms(document)
    assert document["pulled"] is None
    assert document["verified"] is False
    assert not docker_engine.docker("images", "--quiet", name.rpartition(":")[0])


def test_a_tag_that_was_moved_does_not_reach_the_engine(
    lading: Lading, docker_engine: DockerEngine, pushed: tuple[str, str], tmp_path: Path
) -> None:
    name, image_id = pushed
    lading.ok(*PULL, name)
    weights = tmp_path / "context" / MODEL
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    docker_engine.docker("build", "-q", "-t", f"{name}-evil", str(tmp_path / "context"))
    docker_engine.docker("push", f"{name}-evil")
    repository = open_registry(parse_reference(name))
    evil = repository.manifest(repository.resolve("1-evil").digest)
    repository.push_manifest(evil.content, evil.descriptor.media_type, tag="1")
    docker_engine.docker("rmi", f"{name}-evil")

    ran = lading(*PULL, name)

    assert ran.status == 11
    assert docker_engine.docker("inspect", "-f", "{{.Id}}", name) == image_id


def test_one_platform_of_an_index(
    lading: Lading, docker_engine: DockerEngine, registry_referrers
) -> None:
    name = f"{registry_referrers.host}/pull/index:1"
    repository = open_registry(parse_reference(name))
    images = {
        one: make_image(f"pull {one}", architecture=one, layer=b"\0" * 1024)
        for one in ("amd64", "arm64")
    }
    push_index(repository, images, tag="1")
    lading.ok("attest", *KEY, f"registry:{name}")

    for platform, image in images.items():
        config = json.loads(image.manifest)["config"]["digest"]
        document = lading.ok(*PULL, "--platform", f"linux/{platform}", name, "--json").json()

        assert document["pulled"]["image_id"] == config
        shown = docker_engine.docker("inspect", "-f", "{{.Architecture}}", name)
        assert shown == platform


def test_without_an_engine_a_yes_pulls_nothing(lading: Lading, pushed: tuple[str, str]) -> None:
    name, _ = pushed

    ran = lading(*PULL, name, env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})

    assert ran.status == 21


def test_what_only_an_engine_has_cannot_be_pulled(lading: Lading) -> None:
    assert lading(*PULL, "docker:something:1").status == 2


def test_an_unattested_image_is_not_pulled(
    lading: Lading, docker_engine: DockerEngine, registry_referrers
) -> None:
    name = f"{registry_referrers.host}/pull/unattested:1"
    push_image(open_registry(parse_reference(name)), make_image("unattested"), tag="1")

    assert lading(*PULL, name).status == 11
    assert not docker_engine.has_image(name)
