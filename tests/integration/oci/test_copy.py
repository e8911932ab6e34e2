"""Copies between every two kinds of store: nothing lost, nothing sent twice, nothing half done."""

from __future__ import annotations

import io
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest

from lading_oci import copy_image, mediatypes
from lading_oci.digest import digest_of
from lading_oci.errors import ConflictError, IntegrityError, LimitExceeded, NotFound
from lading_oci.interface import Descriptor
from lading_oci.layout import Layout
from lading_oci.limits import LIMITS
from lading_oci.manifests import descriptor_json, dump
from support.oci_images import LAYER, describe, make_image, push_image, push_index
from support.oci_stores import Requests, open_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading_oci.interface import Repository
    from support.oci_stores import Store
    from support.registries import Registry

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"


def attach(repository: Repository, subject: Descriptor, content: bytes) -> Descriptor:
    return repository.attach(
        subject,
        content,
        artifact_type=KIND,
        blob_media_type=KIND,
        annotations={"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    ).descriptor


def attested_index(repository: Repository) -> tuple[Descriptor, set[str]]:
    """Push an index of two platforms with evidence on each, and evidence on evidence."""
    images = {one: make_image("copied", architecture=one) for one in ("amd64", "arm64")}
    index = push_index(repository, images, tag="v1")
    on_index = attach(repository, index, b"on the index")
    attached = {
        on_index.digest,
        attach(repository, images["amd64"].descriptor, b"on amd64").digest,
        attach(repository, images["arm64"].descriptor, b"on arm64").digest,
        attach(repository, on_index, b"on the evidence").digest,
    }
    return index, attached


def everything_attached(repository: Repository, root: Descriptor) -> set[str]:
    found: set[str] = set()
    waiting = [root.digest]
    while waiting:
        digest = waiting.pop()
        document = repository.manifest(digest).json()
        waiting += [one["digest"] for one in document.get("manifests", [])]
        for referrer in repository.referrers(digest):
            found.add(referrer.digest)
            waiting.append(referrer.digest)
    return found


def test_out_and_back_loses_nothing(store: Store, tmp_path: Path) -> None:
    """From the store to a layout, and from there to a new repository of the store."""
    source = store.fresh()
    index, attached = attested_index(source)
    between = Layout(tmp_path / "between")
    out = copy_image(source, "v1", between, tag="v1")
    assert out.descriptor.digest == index.digest
    assert {one.descriptor.digest for one in out.referrers} == attached
    assert out.skipped == ()
    assert everything_attached(between, index) == attached
    target = store.fresh()
    back = copy_image(between, index.digest, target, tag="again")
    assert target.resolve("again").digest == index.digest
    assert everything_attached(target, index) == attached
    assert len(back.manifests) == 3 + len(attached)
    assert back.bytes_sent > 0
    layer = describe(make_image("copied", architecture="arm64").layer, LAYER)
    assert target.read_blob(layer, limit=1000) == b"layer of copied"


def test_a_second_copy_sends_nothing(store: Store, tmp_path: Path) -> None:
    source = Layout(tmp_path / "source")
    _, attached = attested_index(source)
    target = store.fresh()
    copy_image(source, "v1", target, tag="v1")
    again = copy_image(source, "v1", target, tag="v1")
    assert (again.blobs_sent, again.blobs_mounted, again.bytes_sent) == (0, 0, 0)
    assert {one.descriptor.digest for one in again.referrers} == attached
    assert len(target.referrers(source.resolve("v1").digest)) == 1


def test_one_platform(store: Store, tmp_path: Path) -> None:
    source = Layout(tmp_path / "source")
    index, _ = attested_index(source)
    target = store.fresh()
    report = copy_image(source, "v1", target, tag="arm", platform="linux/arm64/v8")
    chosen = make_image("copied", architecture="arm64").descriptor
    assert target.resolve("arm") == chosen
    assert len(target.referrers(chosen.digest)) == 1
    assert [one.what for one in report.skipped] == [index.digest]
    with pytest.raises(NotFound, match="linux/amd64, linux/arm64"):
        copy_image(source, "v1", target, platform="linux/s390x")


def test_within_a_registry_blobs_are_mounted(registry_referrers: Registry) -> None:
    requests = Requests()
    source = open_at(registry_referrers.host, "mount/source", requests=requests)
    content = b"m" * 3_000_000
    image = make_image("mounted", layer=content)
    push_image(source, image, tag="v1")
    target = source.sibling("mount/target")
    with requests.counted() as seen:
        report = copy_image(source, "v1", target, tag="v1")
    assert (report.blobs_mounted, report.blobs_sent) == (2, 0)
    assert not any("GET v2/mount/source/blobs" in line for line in seen)
    assert target.read_blob(describe(content, LAYER), limit=len(content)) == content


def test_a_copy_that_breaks_is_continued(store: Store, tmp_path: Path) -> None:
    source = Layout(tmp_path / "source")
    index, attached = attested_index(source)
    first = make_image("copied", architecture="amd64")
    damaged = source.path / "blobs" / describe(first.config, "").digest.replace(":", "/")
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b"!")
    target = store.fresh()
    with pytest.raises(IntegrityError):
        copy_image(source, "v1", target, tag="v1")
    with pytest.raises(NotFound):
        target.resolve("v1")
    damaged.write_bytes(whole)
    report = copy_image(source, "v1", target, tag="v1")
    assert report.blobs_existing > 0, "what had arrived was not sent again"
    assert everything_attached(target, index) == attached


def test_cosigns_older_tags_come_along(store: Store, tmp_path: Path) -> None:
    source, target = Layout(tmp_path / "source"), store.fresh()
    image = push_image(source, make_image("cosigned"), tag="v1")
    tag = f"{image.digest.replace(':', '-')}.sig"
    signature = push_image(source, make_image("signature"), tag=tag)
    report = copy_image(source, "v1", target, tag="v1")
    assert target.resolve(tag).digest == signature.digest
    assert [one.tag for one in report.manifests if one.role == "tagged"] == [tag]
    other = push_image(source, make_image("another signature"), tag=tag)
    report = copy_image(source, "v1", target, tag="v1")
    assert [one.what for one in report.skipped] == [tag], "what the target has is not overwritten"
    assert target.resolve(tag).digest != other.digest


def test_progress_counts_every_byte(store: Store, tmp_path: Path) -> None:
    source, target = Layout(tmp_path / "source"), store.fresh()
    image = make_image("progress", layer=b"p" * 5_000_000)
    push_image(source, image, tag="v1")
    seen: dict[str, int] = {}

    def progress(blob: Descriptor, count: int) -> None:
        seen[blob.digest] = seen.get(blob.digest, 0) + count

    copy_image(source, "v1", target, progress=progress)
    assert seen == {
        digest_of(image.layer): len(image.layer),
        digest_of(image.config): len(image.config),
    }


def test_a_foreign_layer_that_nobody_has_is_reported(tmp_path: Path) -> None:
    source, target = Layout(tmp_path / "source"), Layout(tmp_path / "target")
    config = b"{}"
    source.push_blob(describe(config, mediatypes.OCI_CONFIG), config)
    foreign = Descriptor(
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", digest_of(b"windows"), 7
    )
    manifest = dump(
        {
            "schemaVersion": 2,
            "mediaType": mediatypes.OCI_MANIFEST,
            "config": descriptor_json(describe(config, mediatypes.OCI_CONFIG)),
            "layers": [{**descriptor_json(foreign), "urls": ["https://example.com/base"]}],
        }
    )
    source.push_manifest(manifest, mediatypes.OCI_MANIFEST, tag="v1")
    report = copy_image(source, "v1", target, tag="v1")
    assert [one.what for one in report.skipped] == [foreign.digest]


def test_endless_attachments_are_bounded(tmp_path: Path) -> None:
    source, target = Layout(tmp_path / "source"), Layout(tmp_path / "target")
    subject = push_image(source, make_image("chain"), tag="v1")
    for number in range(6):
        subject = attach(source, subject, f"{number}".encode())
    limits = replace(LIMITS, copy_depth=3)
    with pytest.raises(LimitExceeded):
        copy_image(source, "v1", target, limits=limits)


def test_a_blob_in_the_manifest_needs_no_source(tmp_path: Path) -> None:
    """The empty config carries its data; some writers never push it."""
    source, target = Layout(tmp_path / "source"), Layout(tmp_path / "target")
    subject = push_image(source, make_image("inline"), tag="v1")
    attach(source, subject, b"evidence")
    (source.path / "blobs" / mediatypes.EMPTY_DIGEST.replace(":", "/")).unlink()
    copy_image(source, "v1", target)
    assert (
        target.read_blob(Descriptor(mediatypes.EMPTY, mediatypes.EMPTY_DIGEST, 2), limit=2) == b"{}"
    )
    assert isinstance(target.blob(describe(b"evidence", KIND)), io.BufferedIOBase)


class Slow(Layout):
    """Takes a minute for every layer."""

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        stream = super().blob(descriptor)

        class Dripping(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
                time.sleep(0.05)
                piece = stream.read(min(len(buffer), max(1, descriptor.size // 1200)))
                buffer[: len(piece)] = piece
                return len(piece)

            def close(self) -> None:
                stream.close()
                super().close()

        return cast("BinaryIO", Dripping())


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Python's own handler: a run in the background starts with SIGINT ignored (POSIX sh)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_copy_that_is_interrupted_ends_at_once(tmp_path: Path) -> None:
    source = Slow(tmp_path / "source")
    push_image(source, make_image("slow", layer=b"l" * 2_000_000), tag="v1")
    target = Layout(tmp_path / "target")
    main = threading.get_ident()
    timer = threading.Timer(0.5, signal.pthread_kill, [main, signal.SIGINT])
    timer.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        copy_image(source, "v1", target, tag="v1")
    assert time.monotonic() - started < 9, "the smaller blob alone would take ten seconds"
    assert list((tmp_path / "target" / "ingest").iterdir()) == []
    with pytest.raises(NotFound):
        target.resolve("v1")


class Forgetful(Layout):
    """Says that it took a referrer, and has lost it; ``losses`` times."""

    losses = 0

    def push_manifest(
        self, content: bytes, media_type: str, *, tag: str | None = None
    ) -> Descriptor:
        if b'"subject"' in content and self.losses > 0:
            self.losses -= 1
            return describe(content, media_type)
        return super().push_manifest(content, media_type, tag=tag)


@pytest.mark.parametrize("losses", [2, 10**9])
def test_what_the_target_loses_is_pushed_again_or_told(tmp_path: Path, losses: int) -> None:
    source = Layout(tmp_path / "source")
    target = Forgetful(tmp_path / "target")
    target.losses = losses
    index, attached = attested_index(source)
    limits = replace(LIMITS, settle_least=0.0, settle_most=0.0)
    if losses > 100:
        with pytest.raises(ConflictError, match="does not list them"):
            copy_image(source, "v1", target, tag="v1", limits=limits)
        with pytest.raises(NotFound):
            target.resolve("v1")
    else:
        copy_image(source, "v1", target, tag="v1", limits=limits)
        assert everything_attached(target, index) == attached
