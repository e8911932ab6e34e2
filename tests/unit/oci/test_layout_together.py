"""What is attached together is attached as one by one, all of it or nothing, and waits once."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lading_oci.aside import Flushes
from lading_oci.digest import digest_of, referrers_tag
from lading_oci.errors import IntegrityError, MalformedError
from lading_oci.interface import Descriptor
from lading_oci.layout import Layout
from support.oci_images import make_image, push_image

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading_oci.interface import Attached

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
IMAGE = make_image("together")
BLOBS = [b"bom", b"provenance", b"seal"]


def attach(layout: Layout, subject: Descriptor, content: bytes) -> Attached:
    return layout.attach(subject, content, artifact_type=KIND, blob_media_type=KIND, annotations={})


def attach_all(layout: Layout, subject: Descriptor) -> list[Attached]:
    with layout.together():
        return [attach(layout, subject, content) for content in BLOBS]


def blobs(path: Path) -> set[str]:
    return {one.name for one in (path / "blobs" / "sha256").iterdir()}


@pytest.fixture
def subject(tmp_path: Path) -> Descriptor:
    return push_image(Layout(tmp_path / "l"), IMAGE, tag="v1")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "l")


def test_it_is_as_one_by_one_without_the_lists_on_the_way(
    layout: Layout, subject: Descriptor, tmp_path: Path
) -> None:
    single = Layout(tmp_path / "single")
    push_image(single, IMAGE, tag="v1")
    expected = [attach(single, subject, content) for content in BLOBS]
    assert attach_all(layout, subject) == expected

    index = (tmp_path / "l" / "index.json").read_bytes()
    assert index == (tmp_path / "single" / "index.json").read_bytes()
    passing = blobs(tmp_path / "single") - blobs(tmp_path / "l")
    assert len(passing) == 2, "the referrers tag with one, and with two"
    assert blobs(tmp_path / "l") < blobs(tmp_path / "single")
    listed = json.loads(layout.manifest(referrers_tag(subject.digest)).content)["manifests"]
    assert [one["digest"] for one in listed] == [one.descriptor.digest for one in expected]
    assert layout.referrers(subject.digest) == single.referrers(subject.digest)
    assert not list((tmp_path / "l" / "ingest").iterdir())


def test_others_see_it_at_the_end(layout: Layout, subject: Descriptor, tmp_path: Path) -> None:
    other = Layout(tmp_path / "l")
    with layout.together():
        with layout.together():
            attached = attach(layout, subject, b"x")
        assert layout.manifest(attached.descriptor.digest).descriptor.size
        assert layout.has_blob(attached.blob)
        assert layout.read_blob(attached.blob, limit=9) == b"x"
        assert not other.has_blob(attached.blob)
        assert other.referrers(subject.digest) == []
    assert [one.digest for one in other.referrers(subject.digest)] == [attached.descriptor.digest]


def test_a_failure_leaves_nothing_of_it(
    layout: Layout, subject: Descriptor, tmp_path: Path
) -> None:
    before, index = blobs(tmp_path / "l"), (tmp_path / "l" / "index.json").read_bytes()

    def begin() -> None:
        with layout.together():
            attach(layout, subject, b"bom")
            raise RuntimeError("no signature for the seal")

    with pytest.raises(RuntimeError, match="no signature"):
        begin()

    assert blobs(tmp_path / "l") == before
    assert (tmp_path / "l" / "index.json").read_bytes() == index
    assert not list((tmp_path / "l" / "ingest").iterdir())
    assert attach(layout, subject, b"bom").existed is False
    assert len(layout.referrers(subject.digest)) == 1


def test_a_disk_that_fails_leaves_nothing_that_is_named(
    layout: Layout, subject: Descriptor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def failing(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(5, "Input/output error")
        real(descriptor)

    index = (tmp_path / "l" / "index.json").read_bytes()
    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(MalformedError, match="cannot be used"):
        attach_all(layout, subject)
    monkeypatch.undo()

    assert (tmp_path / "l" / "index.json").read_bytes() == index
    assert layout.referrers(subject.digest) == []
    assert not list((tmp_path / "l" / "ingest").iterdir())


def test_the_same_twice_leaves_one(layout: Layout, subject: Descriptor) -> None:
    with layout.together():
        first, second = attach(layout, subject, b"x"), attach(layout, subject, b"x")

    assert (first.existed, second.existed) == (False, True)
    assert first.descriptor == second.descriptor
    assert len(layout.referrers(subject.digest)) == 1


def test_a_blob_of_other_bytes_is_refused_at_once(layout: Layout) -> None:
    with layout.together(), pytest.raises(IntegrityError):
        layout.send_blob(Descriptor(KIND, digest_of(b"x"), 1), b"y")


def test_another_thread_holds_nothing_back(
    layout: Layout, subject: Descriptor, tmp_path: Path
) -> None:
    done: list[Any] = []
    with layout.together():
        attach(layout, subject, b"mine")
        thread = threading.Thread(target=lambda: done.append(attach(layout, subject, b"theirs")))
        thread.start()
        thread.join()
        (theirs,) = Layout(tmp_path / "l").referrers(subject.digest)
    assert theirs == done[0].descriptor
    assert len(layout.referrers(subject.digest)) == 2


def test_the_disk_is_waited_for_as_if_it_were_one_file(
    layout: Layout, subject: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All files at once, the blobs' directory, the index's: three times, however many files."""
    waited: list[int] = []
    wait = Flushes.wait

    def counted(self: Flushes, paths: Iterable[str]) -> None:
        listed = list(paths)
        waited.append(len(listed))
        wait(self, listed)

    monkeypatch.setattr(Flushes, "wait", counted)
    attach_all(layout, subject)

    # three blobs and manifests, the empty object, the referrers tag, index.json
    assert waited == [9, 1, 1]
    assert digest_of(b"{}").removeprefix("sha256:") in blobs(layout.path)


def test_what_names_is_never_on_the_disk_before_what_it_names(
    layout: Layout, subject: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the power fails, ``index.json`` is whole, and so is all that it lists."""
    done: list[tuple[str, str]] = []
    fsync, replace = os.fsync, os.replace

    def flushed(descriptor: int) -> None:
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)
        done.append(("on the disk", path))

    def renamed(source: str, target: Path) -> None:
        replace(source, target)
        done.append((source, str(target)))

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "replace", renamed)
    attach_all(layout, subject)

    at = {step: number for number, step in enumerate(done)}
    renames = {step: number for step, number in at.items() if step[0] != "on the disk"}
    for (source, _), number in renames.items():
        assert at["on the disk", source] < number, "a file has its name when it is whole"
    *blobs, index = sorted(renames, key=renames.__getitem__)
    assert index[1] == str(layout.path / "index.json")
    place = layout.path / "blobs" / "sha256"
    assert {place} == {Path(path).parent for _, path in blobs}
    directory = at["on the disk", str(place)]
    assert max(renames[step] for step in blobs) < directory < renames[index]
    assert done[-1] == ("on the disk", str(layout.path))


def test_the_disk_begins_before_the_end(
    layout: Layout, subject: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is signed next need not wait for what was signed before, nor the other way round."""
    begun = threading.Event()
    fsync = os.fsync

    def flushed(descriptor: int) -> None:
        begun.set()
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", flushed)
    with layout.together():
        attach(layout, subject, b"bom")
        assert begun.wait(30)
        assert Layout(layout.path).referrers(subject.digest) == []
    assert len(layout.referrers(subject.digest)) == 1


def test_writers_beside_each_other_lose_nothing(
    subject: Descriptor, layout: Layout, tmp_path: Path
) -> None:
    """Each as a process of its own would: another object, another lock on the same file."""
    start = threading.Barrier(4, timeout=30)
    done: list[str] = []

    def write(number: int) -> None:
        own = Layout(tmp_path / "l")
        with own.together():
            made = [attach(own, subject, b"%d %d" % (number, at)) for at in range(3)]
            start.wait()  # all hold back what the others do not know of
        done.extend(one.descriptor.digest for one in made)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(done) == 12
    assert {one.digest for one in layout.referrers(subject.digest)} == set(done)
    listed = json.loads(layout.manifest(referrers_tag(subject.digest)).content)["manifests"]
    assert {one["digest"] for one in listed} == set(done)
