"""The same behaviour over every store: registries with and without referrers, a layout."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from lading_oci import mediatypes
from lading_oci.digest import digest_of
from lading_oci.errors import IntegrityError, LimitExceeded, NotFound, ReferenceInvalid
from lading_oci.interface import Descriptor
from support.oci_images import LAYER, describe, make_image, push_image, push_index

if TYPE_CHECKING:
    from support.oci_stores import Store

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


def notes(created: str = "2026-01-02T03:04:05Z", **more: str) -> dict[str, str]:
    return {"org.opencontainers.image.created": created, **more}


def test_an_image_comes_back_as_it_was_pushed(store: Store) -> None:
    repository = store.fresh()
    image = make_image("round trip")
    pushed = push_image(repository, image, tag="v1")
    assert repository.resolve("v1") == image.descriptor
    assert repository.resolve(pushed.digest) == image.descriptor
    manifest = repository.manifest("v1")
    assert manifest.content == image.manifest
    assert repository.manifest(pushed.digest) == manifest
    layer = describe(image.layer, LAYER)
    assert repository.read_blob(layer, limit=1000) == image.layer
    with repository.blob(layer) as stream:
        assert stream.read(3) == image.layer[:3]
        assert stream.read() == image.layer[3:]


def test_a_tag_moves(store: Store) -> None:
    repository = store.fresh()
    first = push_image(repository, make_image("first"), tag="v1")
    second = push_image(repository, make_image("second"), tag="v1")
    assert repository.resolve("v1").digest == second.digest
    assert repository.manifest(first.digest).descriptor.digest == first.digest


def test_an_index_and_its_parts(store: Store) -> None:
    repository = store.fresh()
    images = {one: make_image("multi", architecture=one) for one in ("amd64", "arm64")}
    pushed = push_index(repository, images, tag="multi")
    assert repository.resolve("multi").media_type == mediatypes.OCI_INDEX
    listed = repository.manifest(pushed.digest).json()["manifests"]
    assert [one["platform"]["architecture"] for one in listed] == ["amd64", "arm64"]


def test_tags(store: Store) -> None:
    repository = store.fresh()
    image = make_image("tags")
    for tag in ("a", "b", "c.d_e-f"):
        push_image(repository, image, tag=tag)
    assert sorted(repository.tags()) == ["a", "b", "c.d_e-f"]


def test_what_is_not_there(store: Store) -> None:
    repository = store.fresh()
    push_image(repository, make_image("something"))
    absent = Descriptor(LAYER, digest_of(b"absent"), 6)
    for attempt in (
        lambda: repository.resolve("absent"),
        lambda: repository.manifest("absent"),
        lambda: repository.manifest(absent.digest),
        lambda: repository.blob(absent),
        lambda: repository.read_blob(absent, limit=10),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert not repository.has_blob(absent)
    assert repository.referrers(absent.digest) == []


def test_a_reference_that_is_none(store: Store) -> None:
    repository = store.fresh()
    for text in ("../../etc", "a b", "", "sha256:xyz", "v1/../v2"):
        with pytest.raises(ReferenceInvalid):
            repository.manifest(text)


def test_a_blob_is_sent_once(store: Store) -> None:
    repository = store.fresh()
    content = b"once"
    blob = describe(content, "application/octet-stream")
    opened = []

    def source() -> io.BytesIO:
        opened.append(1)
        return io.BytesIO(content)

    assert repository.push_blob(blob, source)
    assert not repository.push_blob(blob, source)
    assert repository.has_blob(blob)
    assert len(opened) == 1
    assert repository.read_blob(blob, limit=100) == content


@pytest.mark.parametrize("size", [0, 1, 200_000, 5_000_000, 37_000_001])
def test_blobs_of_all_sizes(store: Store, size: int) -> None:
    """Empty, one POST, one PUT, chunks with a short last one."""
    repository = store.fresh()
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    blob = describe(content, "application/octet-stream")
    assert repository.push_blob(blob, lambda: io.BytesIO(content))
    assert repository.read_blob(blob, limit=size) == content


def test_other_bytes_than_promised_are_not_pushed(store: Store) -> None:
    repository = store.fresh()
    blob = describe(b"promised", "application/octet-stream")
    with pytest.raises(IntegrityError):
        repository.push_blob(blob, b"PROMISED")
    assert not repository.has_blob(blob)


def test_a_blob_longer_than_allowed_is_not_read(store: Store) -> None:
    repository = store.fresh()
    blob = describe(b"x" * 100, "application/octet-stream")
    repository.push_blob(blob, b"x" * 100)
    with pytest.raises(LimitExceeded):
        repository.read_blob(blob, limit=99)


def test_a_wrong_size_is_noticed(store: Store) -> None:
    repository = store.fresh()
    blob = describe(b"x" * 100, "application/octet-stream")
    repository.push_blob(blob, b"x" * 100)
    for size in (99, 101):
        wrong = Descriptor(blob.media_type, blob.digest, size)
        with pytest.raises(IntegrityError):
            repository.read_blob(wrong, limit=1000)


def test_attach_and_find(store: Store) -> None:
    repository = store.fresh()
    image = push_image(repository, make_image("attached"), tag="v1")
    done = repository.attach(
        image,
        b'{"bundle":1}',
        artifact_type=BUNDLE,
        blob_media_type=BUNDLE,
        annotations=notes(**{"dev.sigstore.bundle.content": "dsse-envelope"}),
    )
    assert not done.existed
    assert done.fallback is not store.has_referrers
    (found,) = repository.referrers(image.digest)
    assert found.digest == done.descriptor.digest
    assert found.artifact_type == BUNDLE
    assert found.annotations["dev.sigstore.bundle.content"] == "dsse-envelope"
    manifest = repository.manifest(found.digest).json()
    assert manifest["subject"] == {
        "mediaType": image.media_type,
        "digest": image.digest,
        "size": image.size,
    }
    assert manifest["config"]["data"] == "e30="
    (layer,) = manifest["layers"]
    assert layer["digest"] == done.blob.digest
    assert repository.read_blob(done.blob, limit=1000) == b'{"bundle":1}'


def test_attaching_twice_leaves_one(store: Store) -> None:
    repository = store.fresh()
    image = push_image(repository, make_image("twice"), tag="v1")

    def attach(created: str, artifact_type: str = BUNDLE) -> bool:
        return repository.attach(
            image,
            b"same bytes",
            artifact_type=artifact_type,
            blob_media_type=BUNDLE,
            annotations=notes(created),
        ).existed

    assert not attach("2026-01-01T00:00:00Z")
    assert attach("2026-01-01T00:00:00Z")
    assert attach("2026-02-02T00:00:00Z"), "the time is no part of what makes it the same"
    assert not attach("2026-01-01T00:00:00Z", "application/vnd.example+json")
    assert len(repository.referrers(image.digest)) == 2


def test_referrers_by_type_newest_first(store: Store) -> None:
    repository = store.fresh()
    image = push_image(repository, make_image("sorted"))
    for number, kind in enumerate(["application/a", "application/b", "application/a"]):
        repository.attach(
            image,
            f"{number}".encode(),
            artifact_type=kind,
            blob_media_type=kind,
            annotations=notes(f"2026-01-0{number + 1}T00:00:00Z"),
        )
    created = "org.opencontainers.image.created"
    everything = repository.referrers(image.digest)
    assert [one.annotations[created][9] for one in everything] == ["3", "2", "1"]
    some = repository.referrers(image.digest, artifact_type="application/a")
    assert [one.annotations[created][9] for one in some] == ["3", "1"]
    assert repository.referrers(image.digest, artifact_type="application/c") == []


def test_a_referrer_of_a_subject_that_is_not_there(store: Store) -> None:
    """The anchor of evidence for things that are no images (distribution-spec allows it)."""
    repository = store.fresh()
    subject = Descriptor(mediatypes.OCI_MANIFEST, digest_of(b"anchor"), 6)
    done = repository.attach(
        subject, b"x", artifact_type=BUNDLE, blob_media_type=BUNDLE, annotations=notes()
    )
    assert [one.digest for one in repository.referrers(subject.digest)] == [done.descriptor.digest]


def test_a_referrer_of_a_referrer(store: Store) -> None:
    repository = store.fresh()
    image = push_image(repository, make_image("deep"))
    first = repository.attach(
        image, b"1", artifact_type=BUNDLE, blob_media_type=BUNDLE, annotations=notes()
    )
    second = repository.attach(
        first.descriptor,
        b"2",
        artifact_type=BUNDLE,
        blob_media_type=BUNDLE,
        annotations=notes(),
    )
    (found,) = repository.referrers(first.descriptor.digest)
    assert found.digest == second.descriptor.digest
    assert [one.digest for one in repository.referrers(image.digest)] == [first.descriptor.digest]
