"""What may go wrong, or be done, between a yes and an image in the engine: it never gets the name.

The engine and the registry are real. Between lading, the engine and the registry is somebody who
changes answers; the registry can tell lading from the engine, and so can its attacker.
"""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX
from lading.attest.statement import Subject, build_statement
from lading_oci import mediatypes, open_registry, parse_reference
from support.attest_samples import pair, signer
from support.engine_proxy import Break, between
from support.image_tars import layer
from support.oci_images import Image, make_image, push_image, push_index
from support.oci_server import Reply, Request, forwarded, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading_oci.interface import Descriptor, Repository
    from support.engines import DockerEngine
    from support.oci_server import Server
    from support.product import Lading, Ran
    from support.registries import Registry

PULL = ("pull", "--key", "alice.pub", "--json")
KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
NUMBERS = itertools.count()
REGISTRY, ENGINE = 20, 21


@dataclass
class Scene:
    """One attested image and one that is not, in a registry that somebody stands before."""

    lading: Lading
    engine: DockerEngine
    repository: Repository
    server: Server
    name: str
    good: Image
    evil: Image
    interfere: Callable[[Request], Reply | None] | None = None

    def attest(self, image: Descriptor, *platforms: Descriptor) -> None:
        subjects = [Subject("svc", dict([one.digest.split(":")])) for one in (image, *platforms)]
        bom = {"bomFormat": "CycloneDX", "specVersion": "1.6"}
        bundle = signer().sign(build_statement(subjects, CYCLONEDX, bom))
        self.repository.attach(
            image, bundle, artifact_type=KIND, blob_media_type=KIND, annotations={}
        )

    def index(self, *architectures: str) -> dict[str, Image]:
        """Put an attested index under the tag; return its images by architecture."""
        images = {one: image(f"{self.name} {os.urandom(4).hex()}", one) for one in architectures}
        index = push_index(self.repository, images, tag="1")
        self.attest(index, *(one.descriptor for one in images.values()))
        return images

    def pull(self, *words: str, name: str | None = None, **env: str) -> Ran:
        return self.lading(*PULL, name or self.name, *words, env=env or None)

    def held(self) -> str | None:
        """Return the ID of what the engine has under the name."""
        if not self.engine.has_image(self.name):
            return None
        return self.engine.docker("inspect", "-f", "{{.Id}}", self.name)

    def has(self, image: Image) -> bool:
        """Return whether the engine has an image, under whatever name."""
        listed = self.engine.docker("images", "--all", "--quiet", "--no-trunc").split()
        return config(image) in listed


def image(text: str, architecture: str = "amd64") -> Image:
    """Return an image that an engine can hold, with a layer that it has not seen yet."""
    return make_image(text, architecture=architecture, layer=layer({"text": text}))


def config(image: Image) -> str:
    return str(json.loads(image.manifest)["config"]["digest"])


@pytest.fixture
def scene(
    lading: Lading, docker_engine: DockerEngine, registry_referrers: Registry
) -> Iterator[Scene]:
    number = next(NUMBERS)
    path = f"pulled/attacked-{number}"
    repository = open_registry(parse_reference(f"{registry_referrers.host}/{path}"))
    good, evil = (image(f"{one} {os.urandom(4).hex()}") for one in ("good", "evil"))
    push_image(repository, good, tag="1")
    push_image(repository, evil, tag="evil")
    (lading.cwd / "alice.pub").write_bytes(pair("alice").public_pem)
    scenes: list[Scene] = []

    def answer(request: Request) -> Reply:
        interfere = scenes[0].interfere
        return (interfere and interfere(request)) or forwarded(registry_referrers.host, request)

    with serve(answer) as server:
        name = f"{server.host}/{path}:1"
        scenes.append(Scene(lading, docker_engine, repository, server, name, good, evil))
        scenes[0].attest(good.descriptor)
        yield scenes[0]


def by_engine(request: Request) -> bool:
    return request.headers.get("user-agent", "").startswith("docker/")


def test_without_an_attack_the_image_arrives(scene: Scene) -> None:
    ran = scene.pull()

    assert ran.status == 0, ran.err
    assert scene.held() == config(scene.good)
    assert any(by_engine(one) for one in scene.server.requests), "the engine came this way, too"


def test_a_tag_that_moves_between_the_yes_and_the_pull(scene: Scene) -> None:
    """The tag is asked once; whoever moves it then has moved it too late."""

    def move(request: Request) -> Reply | None:
        if request.path.endswith("/manifests/1"):
            scene.interfere = None
            scene.repository.push_manifest(scene.evil.manifest, mediatypes.OCI_MANIFEST, tag="1")
            digest = {"Docker-Content-Digest": scene.good.descriptor.digest}
            kind = {"Content-Type": mediatypes.OCI_MANIFEST}
            moved.append(Reply(200, scene.good.manifest, {**kind, **digest}))
            return moved[0]
        return None

    moved: list[Reply] = []
    scene.interfere = move
    ran = scene.pull()

    assert ran.status == 0, ran.err
    assert len(moved) == 1
    assert sum(one.path.endswith("/manifests/1") for one in scene.server.requests) == 1
    assert scene.repository.resolve("1").digest == scene.evil.descriptor.digest
    assert scene.held() == config(scene.good)
    assert not scene.has(scene.evil)


@pytest.mark.parametrize("part", ["manifest", "config", "layer"])
def test_a_registry_that_gives_the_engine_something_else(scene: Scene, part: str) -> None:
    """Lading is shown the attested image, and the engine another one under the same digests."""
    good, evil = json.loads(scene.good.manifest), json.loads(scene.evil.manifest)
    manifest = scene.good.descriptor.digest
    asked, given = {
        "manifest": (f"/manifests/{manifest}", scene.evil.manifest),
        "config": (f"/blobs/{config(scene.good)}", scene.evil.config),
        "layer": (f"/blobs/{good['layers'][0]['digest']}", bytes(10752)),
    }[part]

    def lie(request: Request) -> Reply | None:
        if not (by_engine(request) and request.path.endswith(asked)):
            return None
        lies.append(request.path)
        digest = {"Docker-Content-Digest": manifest} if part == "manifest" else {}
        kind = good["mediaType"] if part == "manifest" else "application/octet-stream"
        return Reply(200, given, {"Content-Type": kind, **digest})

    lies: list[str] = []
    scene.interfere = lie
    ran = scene.pull()

    assert lies, "the engine was lied to"
    assert evil["config"]["digest"] != good["config"]["digest"]
    assert ran.status == REGISTRY, ran.err
    assert (ran.json()["verified"], ran.json()["pulled"]) == (False, None)
    assert scene.held() is None
    assert not scene.has(scene.evil)


def test_a_layer_that_is_missing(scene: Scene) -> None:
    def miss(request: Request) -> Reply | None:
        missing = by_engine(request) and "/blobs/" in request.path
        return Reply(404, b'{"errors":[{"code":"BLOB_UNKNOWN"}]}') if missing else None

    scene.interfere = miss
    ran = scene.pull()

    assert ran.status == REGISTRY, ran.err
    assert ran.json()["pulled"] is None
    assert scene.held() is None


def test_another_image_under_the_tag_gives_way_to_the_verified_one(scene: Scene) -> None:
    scene.engine.docker("import", "-", scene.name, stdin=bytes(10240))
    other = scene.held()
    assert other not in {None, config(scene.good)}

    assert scene.pull().status == 0
    assert scene.held() == config(scene.good)
    assert scene.engine.docker("inspect", "-f", "{{.RepoTags}}", str(other)) == "[]"
    scene.engine.docker("rmi", str(other))


def test_a_no_leaves_what_is_under_the_tag(scene: Scene) -> None:
    scene.engine.docker("import", "-", scene.name, stdin=bytes(10240))
    other = scene.held()

    ran = scene.lading("pull", "--key", "stranger.pub", "--json", scene.name)

    assert (ran.status, ran.json()["error"]["code"]) == (10, "signer")
    assert scene.held() == other
    assert not scene.has(scene.good)


@pytest.mark.parametrize(
    ("where", "fate", "pulled"),
    [
        ("/images/create?", Break.LOST, False),
        ("/images/create?", Break.CUT, None),
        ("/images/create?", Break.FAILED, False),
        ("/json", Break.LOST, True),
        ("/tag?", Break.LOST, True),
        ("/tag?", Break.FAILED, True),
    ],
    ids=lambda one: one.name.lower() if isinstance(one, Break) else str(one).strip("/?"),
)
def test_an_engine_that_fails_in_the_middle(
    scene: Scene, tmp_path: Path, where: str, fate: Break, pulled: bool | None
) -> None:
    """Whether the layers came or not, nothing is called by the name that was asked for."""
    with between(scene.engine.host, tmp_path) as proxy:
        proxy.breaks[where] = fate
        ran = scene.pull(DOCKER_HOST=proxy.host)
        assert any(where in line for line in proxy.lines)

    assert ran.status == ENGINE, ran.err
    assert ran.json()["pulled"] is None
    assert ran.json()["verified"] is False
    assert scene.held() is None
    if pulled is not None:
        assert scene.has(scene.good) is pulled
    again = scene.pull()
    assert again.status == 0, again.err
    assert scene.held() == config(scene.good)


def test_of_an_index_the_engine_takes_its_own_platform(scene: Scene) -> None:
    images = scene.index("s390x", "amd64", "arm64")
    own = scene.engine.docker("version", "-f", "{{.Server.Arch}}")

    ran = scene.pull()

    assert ran.status == 0, ran.err
    assert ran.json()["pulled"]["image_id"] == scene.held() == config(images[own])


def test_an_index_without_the_engines_platform(scene: Scene) -> None:
    scene.index("s390x")

    ran = scene.pull()

    assert ran.status in {REGISTRY, ENGINE}
    assert ran.json()["pulled"] is None
    assert scene.held() is None


def test_a_registry_that_gives_the_engine_another_platform(scene: Scene) -> None:
    """Both are attested: what was asked for, and verified, is one of them."""
    images = scene.index("amd64", "arm64")
    wanted, other = images["arm64"], images["amd64"]
    digest = wanted.descriptor.digest

    def lie(request: Request) -> Reply | None:
        if by_engine(request) and request.path.endswith(f"/manifests/{digest}"):
            return Reply(200, other.manifest, {"Content-Type": mediatypes.OCI_MANIFEST})
        return None

    scene.interfere = lie
    ran = scene.pull("--platform", "linux/arm64")

    assert ran.status == REGISTRY, ran.err
    assert scene.held() is None


def test_a_digest_beside_the_tag_is_what_counts(scene: Scene) -> None:
    """The name says which image it is for; the registry's tag is not asked at all."""
    digest = scene.good.descriptor.digest
    scene.repository.push_manifest(scene.evil.manifest, mediatypes.OCI_MANIFEST, tag="1")

    ran = scene.pull(name=f"{scene.name}@{digest}")

    assert ran.status == 0, ran.err
    assert ran.json()["digest"] == digest
    assert scene.held() == config(scene.good)
    assert not [one for one in scene.server.requests if one.path.endswith("/manifests/1")]
