"""OCI layouts: what others wrote, what is damaged or hostile, two writers at once."""

from __future__ import annotations

import io
import json
import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lading_oci import mediatypes
from lading_oci.digest import digest_of, referrers_tag
from lading_oci.errors import IntegrityError, LimitExceeded, MalformedError, NotFound, OciError
from lading_oci.interface import Descriptor
from lading_oci.layout import Layout
from lading_oci.manifests import descriptor_json, index_manifest, referrer_manifest
from support.oci_images import LAYER, describe, make_image, push_image

if TYPE_CHECKING:
    from pathlib import Path

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
IMAGE = make_image("layout")


def attach(layout: Layout, subject: Descriptor, content: bytes) -> Descriptor:
    return layout.attach(
        subject, content, artifact_type=KIND, blob_media_type=KIND, annotations={}
    ).descriptor


def blob_path(root: Path, digest: str) -> Path:
    return root / "blobs" / digest.replace(":", "/")


def test_a_layout_that_is_not_there_is_empty_and_not_made(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "absent")
    assert layout.tags() == []
    assert layout.referrers(digest_of(b"x")) == []
    with pytest.raises(NotFound):
        layout.resolve("v1")
    assert not (tmp_path / "absent").exists()


def test_the_files_are_those_of_the_specification(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "l")
    pushed = push_image(layout, IMAGE, tag="v1")
    attach(layout, pushed, b"x")
    assert json.loads((tmp_path / "l" / "oci-layout").read_bytes()) == {
        "imageLayoutVersion": "1.0.0"
    }
    index = json.loads((tmp_path / "l" / "index.json").read_bytes())
    assert index["schemaVersion"] == 2
    tagged, referrer, listing = index["manifests"]
    assert tagged["annotations"] == {"org.opencontainers.image.ref.name": "v1"}
    assert referrer["artifactType"] == KIND
    assert "annotations" not in referrer
    assert listing["annotations"] == {
        "org.opencontainers.image.ref.name": referrers_tag(pushed.digest)
    }
    listed = json.loads(blob_path(tmp_path / "l", listing["digest"]).read_bytes())
    assert [one["digest"] for one in listed["manifests"]] == [referrer["digest"]]
    for path in (tmp_path / "l" / "blobs" / "sha256").iterdir():
        assert digest_of(path.read_bytes()) == f"sha256:{path.name}"
    assert not list((tmp_path / "l" / "ingest").iterdir()), "nothing unfinished is left"


def test_a_manifest_that_loses_its_tag_is_still_there(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    first = push_image(layout, make_image("first"), tag="v1")
    attach(layout, first, b"evidence")
    push_image(layout, make_image("second"), tag="v1")
    push_image(layout, make_image("second"), tag="v2")
    assert layout.tags() == ["v1", "v2"]
    assert layout.manifest(first.digest).descriptor == first
    assert len(layout.referrers(first.digest)) == 1


def test_pushing_the_same_twice_changes_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    push_image(layout, IMAGE, tag="v1")
    before = (tmp_path / "index.json").read_bytes()
    push_image(layout, IMAGE, tag="v1")
    push_image(layout, IMAGE)
    assert (tmp_path / "index.json").read_bytes() == before


def test_referrers_under_the_referrers_tag(tmp_path: Path) -> None:
    """Some tools write the tag of the registries' schema into layouts."""
    layout = Layout(tmp_path)
    subject = push_image(layout, IMAGE, tag="v1")
    blob = Descriptor(KIND, digest_of(b"x"), 1)
    manifest = referrer_manifest(subject, blob, artifact_type=KIND, annotations={})
    listed = describe(manifest, mediatypes.OCI_MANIFEST)
    layout.push_blob(listed, manifest)
    tag = referrers_tag(subject.digest)
    layout.push_manifest(index_manifest([descriptor_json(listed)]), mediatypes.OCI_INDEX, tag=tag)
    (found,) = layout.referrers(subject.digest)
    assert (found.digest, found.artifact_type) == (listed.digest, KIND)
    assert layout.tags() == ["v1"], "that tag names no image"


def test_other_fields_of_the_index_are_kept(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    push_image(layout, IMAGE)
    path = tmp_path / "index.json"
    document = json.loads(path.read_bytes())
    document["annotations"] = {"by": "others"}
    document["manifests"][0]["x-extra"] = [1]
    path.write_text(json.dumps(document))
    push_image(layout, make_image("more"), tag="v1")
    document = json.loads(path.read_bytes())
    assert document["annotations"] == {"by": "others"}
    assert document["manifests"][0]["x-extra"] == [1]


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    pushed = push_image(layout, IMAGE, tag="v1")
    layer = describe(IMAGE.layer, LAYER)
    blob_path(tmp_path, layer.digest).write_bytes(IMAGE.layer[:-1] + b"!")
    with pytest.raises(IntegrityError):
        layout.read_blob(layer, limit=1000)
    blob_path(tmp_path, pushed.digest).write_bytes(IMAGE.manifest + b" ")
    with pytest.raises(IntegrityError):
        layout.manifest("v1")


@pytest.mark.parametrize("content", [b"short", b"x" * 10_000])
def test_a_changed_length_is_noticed(tmp_path: Path, content: bytes) -> None:
    layout = Layout(tmp_path)
    push_image(layout, IMAGE)
    layer = describe(IMAGE.layer, LAYER)
    blob_path(tmp_path, layer.digest).write_bytes(content)
    with pytest.raises(IntegrityError):
        layout.read_blob(layer, limit=1000)
    assert not layout.has_blob(layer), "so that a push repairs it"
    layout.push_blob(layer, IMAGE.layer)
    assert layout.read_blob(layer, limit=1000) == IMAGE.layer


@pytest.mark.parametrize("kind", ["fifo", "directory", "device", "dangling"])
def test_a_blob_that_is_no_file_neither_hangs_nor_crashes(tmp_path: Path, kind: str) -> None:
    layout = Layout(tmp_path)
    push_image(layout, IMAGE)
    layer = describe(IMAGE.layer, LAYER)
    path = blob_path(tmp_path, layer.digest)
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.symlink_to("/nowhere")
    with pytest.raises(OciError):
        layout.read_blob(layer, limit=1000)
    assert not layout.has_blob(layer)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "not json", '{"manifests":7}', '{"manifests":[],"manifests":[]}'],
)
def test_a_damaged_index_is_an_error(tmp_path: Path, text: str) -> None:
    layout = Layout(tmp_path)
    push_image(layout, IMAGE)
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(MalformedError):
        layout.resolve("v1")
    with pytest.raises(MalformedError):
        layout.referrers(digest_of(b"x"))
    with pytest.raises(MalformedError):
        push_image(layout, make_image("more"))
    assert (tmp_path / "index.json").read_text() == text, "what we cannot read we do not replace"


def test_broken_entries_hide_no_others(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    subject = push_image(layout, IMAGE, tag="v1")
    attach(layout, subject, b"good")
    bad = attach(layout, subject, b"bad")
    blob_path(tmp_path, bad.digest).write_bytes(b"damaged")
    document = json.loads((tmp_path / "index.json").read_bytes())
    document["manifests"] += [7, {}, {"digest": "x"}, {"annotations": 7}]
    (tmp_path / "index.json").write_text(json.dumps(document))
    assert len(layout.referrers(subject.digest)) == 1
    assert layout.resolve("v1") == subject


def test_a_manifest_has_a_bound(tmp_path: Path) -> None:
    from dataclasses import replace

    from lading_oci.limits import LIMITS

    push_image(Layout(tmp_path), IMAGE, tag="v1")
    with pytest.raises(LimitExceeded):
        Layout(tmp_path, limits=replace(LIMITS, manifest=100)).manifest("v1")


def test_a_directory_with_other_things_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(MalformedError, match="not empty"):
        push_image(Layout(tmp_path), IMAGE)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_file_where_the_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    layout = Layout(tmp_path / "file")
    with pytest.raises(MalformedError):
        push_image(layout, IMAGE)
    with pytest.raises(MalformedError):
        layout.tags()


def test_a_source_that_is_not_what_it_should_be_leaves_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    blob = describe(b"right", LAYER)
    for wrong in (b"wrong", b"righ", b"right!"):
        with pytest.raises(IntegrityError):
            layout.push_blob(blob, partial(io.BytesIO, wrong))
        assert not layout.has_blob(blob)
    assert not list((tmp_path / "ingest").iterdir())


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    subject = push_image(Layout(tmp_path), IMAGE, tag="v1")
    errors: list[BaseException] = []

    def write(number: int) -> None:
        try:
            attach(Layout(tmp_path), subject, f"{number}".encode())
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(Layout(tmp_path).referrers(subject.digest)) == 16


def test_a_reader_never_sees_half_an_index(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    subject = push_image(layout, IMAGE, tag="v1")
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            attach(layout, subject, f"{number}".encode())
            number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _ in range(100):
            assert Layout(tmp_path).resolve("v1") == subject
    finally:
        stop.set()
        thread.join()


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    push_image(layout, make_image("first"), tag="v1")
    ages = {"lading-dead": 2, "lading-alive": 0, "of-another-tool": 2}
    for name, days in ages.items():
        path = tmp_path / "ingest" / name
        path.write_bytes(b"half")
        then = time.time() - days * 86_400
        os.utime(path, (then, then))
    push_image(Layout(tmp_path), make_image("second"), tag="v2")
    left = {path.name for path in (tmp_path / "ingest").iterdir()}
    assert left == {"lading-alive", "of-another-tool"}


def test_a_referrer_is_found_however_its_subject_is_written(tmp_path: Path) -> None:
    """JSON may escape any character; what cannot name the subject is not read at all."""
    layout = Layout(tmp_path)
    subject = push_image(layout, IMAGE, tag="v1")
    plain = attach(layout, subject, b"x")
    manifest = layout.manifest(plain.digest).content
    digits = subject.digest.removeprefix("sha256:")
    escaped = "".join(f"\\u{ord(digit):04x}" for digit in digits)
    odd = manifest.replace(digits.encode(), escaped.encode())
    assert digits.encode() not in odd
    layout.push_manifest(odd, mediatypes.OCI_MANIFEST)
    other = attach(layout, push_image(layout, make_image("other")), b"y")

    found = {one.digest for one in layout.referrers(subject.digest)}
    assert found == {plain.digest, digest_of(odd)}
    blob_path(tmp_path, other.digest).write_bytes(b"damaged")
    assert {one.digest for one in layout.referrers(subject.digest)} == found
    os.truncate(blob_path(tmp_path, plain.digest), 20)
    assert {one.digest for one in layout.referrers(subject.digest)} == {digest_of(odd)}
