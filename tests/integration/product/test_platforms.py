"""Multi-platform images: each platform has its BOM, one seal covers the index and all of them."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading_oci import open_registry, parse_reference
from lading_oci.manifests import descriptor_json, index_manifest, parse_descriptor
from lading_oci.mediatypes import OCI_INDEX
from support.engines import NAMESPACE
from support.oci_images import make_image, push_image, push_index
from support.product import MODEL, cosign_verify
from support.schemas import conforms

if TYPE_CHECKING:
    from lading_oci.interface import Repository
    from support.oci_images import Image
    from support.product import Lading

BOM = "https://cyclonedx.org/bom"
SEAL = "https://slsa.dev/verification_summary/v1"
KEY = ("--signing-key", "lading.key")
VERIFY = ("verify", "--key", "lading.pub")


def _image(architecture: str, text: str = "") -> Image:
    weights = (parts.ROOT / "examples" / "ml-service" / MODEL).read_bytes()
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        member = tarfile.TarInfo(f"srv/{architecture}/model.safetensors")
        member.size = len(weights)
        tar.addfile(member, io.BytesIO(weights))
    return make_image(f"{architecture} {text}", architecture=architecture, layer=layer.getvalue())


@dataclass(frozen=True, slots=True)
class Index:
    """An index in a registry, what `lading attest` said of it, and its images by platform."""

    name: str
    digest: str
    repository: Repository
    images: dict[str, Image]
    summary: dict[str, Any]

    def pinned(self, digest: str) -> str:
        return f"registry:{self.name.rpartition(':')[0]}@{digest}"


@pytest.fixture(scope="module")
def index(lading: Lading, registry_referrers) -> Index:
    name = f"{registry_referrers.host}/acme/several:1"
    repository = open_registry(parse_reference(name))
    images = {one: _image(one) for one in ("amd64", "arm64")}
    digest = push_index(repository, images, tag="1").digest
    summary = lading.ok("attest", *KEY, f"registry:{name}", "--json").json()
    return Index(name, digest, repository, images, summary)


def _kinds(document: dict[str, Any]) -> list[str]:
    return [one["predicate_type"] for one in document["attestations"]]


def test_index_manifests_and_configurations_are_subjects(index: Index) -> None:
    expected = {index.digest}
    for image in index.images.values():
        config = json.loads(image.manifest)["config"]["digest"]
        expected |= {image.descriptor.digest, config}

    assert set(index.summary["subjects"]) == expected
    assert index.summary["digest"] == index.digest
    assert [one["platform"] for one in index.summary["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert [one["models"] for one in index.summary["platforms"]] == [1, 1]
    # at the index two BOMs and a seal, at each platform its own BOM and seal
    assert len(index.summary["attestations"]) == 3 + 2 * 2


@pytest.mark.parametrize("words", [(), ("--full",), ("--all-platforms",)])
def test_the_index_is_verified(lading: Lading, index: Index, words: tuple[str, ...]) -> None:
    document = lading.ok(*VERIFY, *words, f"registry:{index.name}", "--json").json()

    assert document["digest"] == index.digest
    assert _kinds(document)[0] == SEAL
    assert _kinds(document)[1:] == ([BOM, BOM] if words == ("--full",) else [])


@pytest.mark.parametrize("platform", ["linux/arm64", "arm64", "linux/aarch64", "linux/arm64/v8"])
def test_one_platform_is_asked_for(lading: Lading, index: Index, platform: str) -> None:
    document = lading.ok(*VERIFY, "--platform", platform, f"registry:{index.name}", "--json").json()

    assert document["platforms"] == [index.images["arm64"].descriptor.digest]
    assert _kinds(document) == [SEAL]


def test_each_platform_has_its_own_bom(lading: Lading, index: Index) -> None:
    asked = (*VERIFY, "--type", "bom", f"registry:{index.name}", "--json")

    every = lading.ok(*asked, "--all-platforms").json()
    one = lading.ok(*asked, "--platform", "linux/arm64").json()

    assert _kinds(every) == [BOM, BOM]
    assert len({found["digest"] for found in every["attestations"]}) == 2
    assert _kinds(one) == [BOM]


def test_every_platform_is_looked_into(lading: Lading, index: Index) -> None:
    target = f"registry:{index.name}"
    document = lading.ok("inspect", "--all-platforms", target, "--json").json()

    conforms("inspect-platforms", document)
    assert document["digest"] == index.digest
    found = {one["platform"]: one["models"] for one in document["platforms"]}
    assert list(found) == ["linux/amd64", "linux/arm64"]
    for architecture in index.images:
        [model] = found[f"linux/{architecture}"]
        path = f"srv/{architecture}/model.safetensors"
        assert [one["path"] for one in model["files"]] == [path]
    pinned = index.pinned(index.images["arm64"].descriptor.digest)
    one = lading.ok("inspect", "--all-platforms", pinned, "--json").json()
    assert [each["platform"] for each in one["platforms"]] == ["linux/arm64"]
    assert one["digest"] == index.images["arm64"].descriptor.digest


def test_every_platform_has_a_bom_written(lading: Lading, index: Index) -> None:
    target = f"registry:{index.name}"
    document = lading.ok("bom", "--all-platforms", target, "-o", "boms", "--json").json()

    conforms("bom-platforms", document)
    assert document["digest"] == index.digest
    assert sorted(path.name for path in (lading.cwd / "boms").iterdir()) == [
        "linux-amd64.cdx.json",
        "linux-arm64.cdx.json",
    ]
    for file, (architecture, image) in zip(document["files"], index.images.items(), strict=True):
        bom = json.loads((lading.cwd / file["path"]).read_text())
        assert file["image"] == bom["metadata"]["component"]["version"] == image.descriptor.digest
        assert f"srv/{architecture}/model.safetensors" in json.dumps(bom)


def test_a_platform_is_verified_by_its_own_digest(lading: Lading, index: Index) -> None:
    digest = index.images["arm64"].descriptor.digest

    document = lading.ok(*VERIFY, "--full", index.pinned(digest), "--json").json()

    assert document["digest"] == digest
    assert _kinds(document) == [SEAL, BOM]


def test_content_is_compared_for_every_platform(lading: Lading, index: Index) -> None:
    document = lading.ok(*VERIFY, "--content", f"registry:{index.name}", "--json").json()
    one = lading.ok(
        *VERIFY, "--content", "--platform", "arm64", f"registry:{index.name}", "--json"
    ).json()

    compared = [(found["platform"], found["files"]) for found in document["content"]]
    assert compared == [("linux/amd64", 1), ("linux/arm64", 1)]
    assert [found["platform"] for found in one["content"]] == ["linux/arm64"]


@pytest.mark.interop
def test_cosign_verifies_the_index(lading: Lading, index: Index) -> None:
    repository = index.name.rpartition(":")[0]
    for digest in (index.digest, index.images["arm64"].descriptor.digest):
        ran = cosign_verify(lading, f"{repository}@{digest}")

        assert ran.status == 0, ran.err


def test_a_platform_that_is_not_there(lading: Lading, index: Index) -> None:
    ran = lading(*VERIFY, "--platform", "linux/s390x", f"registry:{index.name}")

    assert ran.status == 22
    assert "linux/s390x" in ran.err


def test_an_image_without_an_index_has_one_platform(lading: Lading, released_once) -> None:
    name = f"registry:{released_once.name}"

    assert lading(*VERIFY, "--platform", "linux/amd64", name).status == 0
    assert lading(*VERIFY, "--all-platforms", name).status == 0
    assert lading(*VERIFY, "--platform", "linux/arm64", name).status == 22


def test_platform_and_all_platforms_exclude_each_other(lading: Lading, index: Index) -> None:
    ran = lading(*VERIFY, "--platform", "arm64", "--all-platforms", f"registry:{index.name}")

    assert ran.status == 2


def _copy_evidence(
    repository: Repository, source: str, target: str, *, to: Repository | None = None
) -> None:
    there = to or repository
    for referrer in repository.referrers(source):
        layer = parse_descriptor(repository.manifest(referrer.digest).json()["layers"][0])
        there.attach(
            there.resolve(target),
            repository.read_blob(layer, limit=10_000_000),
            artifact_type=referrer.artifact_type or "",
            blob_media_type=layer.media_type,
            annotations=referrer.annotations,
        )


def test_an_index_with_a_foreign_platform_is_refused(lading: Lading, index: Index) -> None:
    """The attested amd64 beside somebody's arm64, with all of the genuine evidence copied."""
    images = {"amd64": index.images["amd64"], "arm64": _image("arm64", "foreign")}
    forged = push_index(index.repository, images, tag="forged").digest
    name = f"registry:{index.name.rpartition(':')[0]}:forged"
    assert lading(*VERIFY, name).status == 11

    _copy_evidence(index.repository, index.digest, forged)
    _copy_evidence(index.repository, images["amd64"].descriptor.digest, forged)

    for words in ((), ("--platform", "linux/amd64"), ("--all-platforms",), ("--type", "bom")):
        ran = lading(*VERIFY, *words, name, "--json")
        assert (ran.status, ran.json()["error"]["code"]) == (10, "subject")


def test_evidence_of_one_platform_is_not_evidence_of_another(
    lading: Lading, registry_referrers
) -> None:
    """Only amd64 was attested, by itself; its evidence proves nothing of the index around it."""
    name = f"{registry_referrers.host}/acme/partly:1"
    repository = open_registry(parse_reference(name))
    amd64, arm64 = _image("amd64", "partly"), _image("arm64", "partly")
    attested = push_image(repository, amd64)
    pinned = f"registry:{name.rpartition(':')[0]}@{attested.digest}"
    lading.ok("attest", *KEY, pinned)
    assert lading(*VERIFY, pinned).status == 0
    index = push_index(repository, {"amd64": amd64, "arm64": arm64}, tag="1")

    _copy_evidence(repository, attested.digest, index.digest)

    for words in ((), ("--platform", "linux/amd64"), ("--platform", "linux/arm64")):
        assert lading(*VERIFY, *words, f"registry:{name}").status == 10


@pytest.fixture(scope="module")
def nested(lading: Lading, registry_referrers) -> Index:
    """An index of indexes: amd64 in one, arm64 in another that tells no platform, both in one."""
    name = f"{registry_referrers.host}/acme/nested:1"
    repository = open_registry(parse_reference(name))
    images = {one: _image(one, "nested") for one in ("amd64", "arm64")}
    inner = [push_index(repository, {one: image}) for one, image in images.items()]
    entries = [descriptor_json(one) for one in inner]
    middle = repository.push_manifest(index_manifest(entries[1:]), OCI_INDEX)
    entries[1:] = [descriptor_json(middle)]
    digest = repository.push_manifest(index_manifest(entries), OCI_INDEX, tag="1").digest
    summary = lading.ok("attest", *KEY, f"registry:{name}", "--json").json()
    return Index(name, digest, repository, images, summary)


def test_indexes_in_an_index_are_gone_down_into(lading: Lading, nested: Index) -> None:
    target = f"registry:{nested.name}"
    platforms = ["linux/amd64", "linux/arm64"]
    digests = [image.descriptor.digest for image in nested.images.values()]

    assert nested.summary["digest"] == nested.digest
    assert [one["platform"] for one in nested.summary["platforms"]] == platforms
    assert {nested.digest, *digests} < set(nested.summary["subjects"])
    looked = lading.ok("inspect", "--all-platforms", target, "--json").json()
    assert [one["platform"] for one in looked["platforms"]] == platforms
    assert looked["digest"] == nested.digest
    written = lading.ok("bom", "--all-platforms", target, "-o", "nested", "--json").json()
    assert [one["image"] for one in written["files"]] == digests
    every = lading.ok(*VERIFY, "--all-platforms", target, "--json").json()
    assert every["platforms"] == digests
    compared = lading.ok(*VERIFY, "--content", target, "--json").json()["content"]
    assert [found["platform"] for found in compared] == platforms
    listed = lading.ok("tree", target, "--json").json()["platforms"]
    assert {one["digest"] for one in listed if one["referrers"]} == {*digests, *_inner(nested)}


@pytest.mark.parametrize("platform", ["amd64", "arm64"])
def test_one_platform_of_indexes_in_an_index(lading: Lading, nested: Index, platform: str) -> None:
    target, digest = f"registry:{nested.name}", nested.images[platform].descriptor.digest

    verified = lading.ok(*VERIFY, "--platform", platform, target, "--json").json()
    assert verified["platforms"] == [digest]
    looked = lading.ok("inspect", "--platform", platform, target, "--json").json()
    assert looked["platform"] == f"linux/{platform}"
    [model] = looked["models"]
    assert [one["path"] for one in model["files"]] == [f"srv/{platform}/model.safetensors"]
    assert lading(*VERIFY, "--platform", "s390x", target).status == 22


def _inner(nested: Index) -> dict[str, list[str]]:
    """The digests of the indexes within the index, each with its platforms."""
    amd64, middle = nested.repository.manifest(nested.digest).json()["manifests"]
    [arm64] = nested.repository.manifest(middle["digest"]).json()["manifests"]
    platforms = {name: image.descriptor.digest for name, image in nested.images.items()}
    return {
        amd64["digest"]: [platforms["amd64"]],
        middle["digest"]: [platforms["arm64"]],
        arm64["digest"]: [platforms["arm64"]],
    }


@pytest.mark.parametrize(
    "words",
    [(), ("--all-platforms",), ("--full",), ("--type", "bom"), ("--content",)],
    ids=" ".join,
)
def test_an_index_in_an_index_is_verified_by_its_own_digest(
    lading: Lading, nested: Index, words: tuple[str, ...]
) -> None:
    for digest, platforms in _inner(nested).items():
        assert digest in nested.summary["subjects"]
        found = lading.ok(*VERIFY, *words, nested.pinned(digest), "--json").json()
        assert (found["digest"], found["verified"]) == (digest, True)
        if words == ("--all-platforms",):
            assert found["platforms"] == platforms


def test_evidence_of_an_index_in_an_index_is_no_more_than_that(
    lading: Lading, nested: Index
) -> None:
    """What holds for a part holds neither for another part nor for a new whole around it."""
    repository, (amd64, middle, arm64) = nested.repository, _inner(nested)
    foreign = push_image(repository, _image("arm64", "foreign to the nested"))
    forged = repository.push_manifest(
        index_manifest([descriptor_json(repository.resolve(amd64)), descriptor_json(foreign)]),
        OCI_INDEX,
    ).digest
    assert lading(*VERIFY, nested.pinned(forged)).status == 11
    for part in (amd64, middle, arm64, nested.digest):
        _copy_evidence(repository, part, forged)
    for words in ((), ("--all-platforms",), ("--full",), ("--type", "bom")):
        assert lading(*VERIFY, *words, nested.pinned(forged)).status == 10

    # elsewhere, where the parts have no evidence of their own: that of one names no other
    apart = open_registry(parse_reference(f"{nested.name.rpartition('/')[0]}/apart"))
    for one in nested.images.values():
        push_image(apart, one)
    for digest in (arm64, middle, amd64, nested.digest):
        apart.push_manifest(repository.manifest(digest).content, OCI_INDEX)
    for digest in (middle, arm64):
        _copy_evidence(repository, amd64, digest, to=apart)
        assert lading(*VERIFY, "--full", f"registry:{apart.name}@{digest}").status == 10


def test_indexes_that_go_down_for_ever_are_refused(lading: Lading, nested: Index) -> None:
    repository = nested.repository
    deep = repository.resolve("1")
    for _ in range(5):
        content = index_manifest([descriptor_json(deep)])
        deep = repository.push_manifest(content, OCI_INDEX, tag="deep")
    entries = []
    for number in range(260):
        entry = {**descriptor_json(deep), "annotations": {"number": str(number)}}
        one = repository.push_manifest(index_manifest([entry]), OCI_INDEX)
        entries.append(descriptor_json(one))
    repository.push_manifest(index_manifest(entries), OCI_INDEX, tag="wide")

    for tag, told in (("deep", "nested too deeply"), ("wide", "too many platforms")):
        target = f"registry:{nested.name.rpartition(':')[0]}:{tag}"
        for words in (
            ("inspect", "--all-platforms", target),
            ("inspect", "--platform", "arm64", target),
            ("bom", "--all-platforms", target, "-o", tag),
            ("attest", *KEY, target),
        ):
            ran = lading(*words)
            assert ran.status == 22, (words, ran.err)
            assert told in ran.err, words


def test_the_engines_image_has_no_other_platforms(lading: Lading, docker_engine, tmp_path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    name = f"{NAMESPACE}/one-platform:1"
    lading.ok("build", *KEY, "-t", name, str(tmp_path))

    ran = lading(*VERIFY, "--all-platforms", f"docker:{name}")

    assert ran.status == 2
    assert "one platform" in ran.err
    looked = lading.ok("inspect", "--all-platforms", f"docker:{name}", "--json").json()
    assert len(looked["platforms"]) == 1
