"""Bytes of files: as many as were listed, or an error."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError
from lading.hub.interface import IGNORED, Listed
from lading.hub.streams import CHUNK, RawStream, hash_stream, open_regular
from lading.hub.tree import list_directory
from lading.usecases.source_files import hash_files

if TYPE_CHECKING:
    from pathlib import Path


def in_memory(content: bytes) -> contextlib.AbstractContextManager[RawStream]:
    return contextlib.nullcontext(RawStream("x", len(content), io.BytesIO(content)))


def _quiet(_count: int) -> None:
    return


def test_peeking_consumes_nothing() -> None:
    with in_memory(b"abcdef") as stream:
        assert stream.peek(2) == b"ab"
        assert stream.peek(4) == b"abcd"
        assert stream.read(1) == b"a"
        assert stream.read() == b"bcdef"
        assert stream.read() == b""


def test_large_files_are_hashed_whole(tmp_path: Path) -> None:
    content = os.urandom(3 * CHUNK + 17)
    (tmp_path / "x").write_bytes(content)
    told: list[int] = []

    source = list_directory(tmp_path, IGNORED)

    assert hash_files(source.files, told.append) == {"x": hashlib.sha256(content).hexdigest()}
    assert sum(told) == len(content)


@pytest.mark.parametrize("content", [b"", b"short", b"longer than it was before"])
def test_a_file_that_changes_its_size_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"as it was listed")
    source = list_directory(tmp_path, IGNORED)
    file.write_bytes(content)

    with pytest.raises(InputError):
        hash_files(source.files, _quiet)


def test_a_file_that_shrinks_or_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x"
    for change in (b"", b"x" * (2 * CHUNK + 1)):
        file.write_bytes(b"x" * 2 * CHUNK)
        with open_regular("x", str(file), file.lstat()) as stream:
            stream.read(10)
            file.write_bytes(change)
            with pytest.raises(InputError):
                hash_stream(stream)


def test_a_file_replaced_by_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    file = tmp_path / "d" / "x"
    file.write_bytes(b"x")
    source = list_directory(tmp_path / "d", IGNORED)
    file.unlink()
    (tmp_path / "y").write_bytes(b"x")
    file.symlink_to(tmp_path / "y")

    with pytest.raises(InputError):
        hash_files(source.files, _quiet)


def test_an_lfs_object_that_is_another_is_refused() -> None:
    one = Listed("x", 1, hashlib.sha256(b"y").hexdigest(), lambda: in_memory(b"x"))

    with pytest.raises(InputError, match="LFS"):
        hash_files([one], _quiet)


def test_one_unreadable_file_ends_it_all() -> None:
    """No thread is left, and the error is the file's."""
    files = [Listed(str(at), 1, open=lambda: in_memory(b"x")) for at in range(50)]
    short = RawStream("broken", 9, io.BytesIO(b"x"))
    broken = Listed("broken", 9, open=lambda: contextlib.nullcontext(short))

    with pytest.raises(InputError) as refused:
        hash_files([*files, broken], _quiet)

    assert refused.value.where == "broken"
    assert not [one for one in threading.enumerate() if one.name.startswith("read")]


def test_a_hub_snapshots_links_are_followed_into_its_blobs_only(tmp_path: Path) -> None:
    root = tmp_path / "models--org--name"
    snapshot = root / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (root / "blobs").mkdir()
    (root / "blobs" / "abc").write_bytes(b"weights")
    (tmp_path / "secret").write_bytes(b"secret")
    (snapshot / "model.bin").symlink_to("../../blobs/abc")
    (snapshot / "evil.bin").symlink_to("../../../secret")
    (snapshot / "refs").symlink_to("../../refs/main")

    source = list_directory(snapshot, IGNORED)

    assert [one.path for one in source.files] == ["model.bin"]
    assert source.odd.keys() == {"evil.bin", "refs"}
    assert (source.name, source.repository, source.commit) == ("name", "org/name", "0" * 40)
    assert source.links


def test_an_interruption_does_not_wait_for_large_files() -> None:
    """Ctrl-C while a file of a terabyte is read ends the run, not the file."""

    class Endless:
        path, size = "endless", 1 << 40
        reads = 0

        def peek(self, size: int) -> bytes:
            return b""

        def read(self, size: int = -1) -> bytes:
            self.reads += 1
            assert self.reads < 1000
            time.sleep(0.01)
            return b"x"

    endless = Endless()
    broken = RawStream("broken", 9, io.BytesIO(b"x"))
    files = [
        Listed("endless", endless.size, open=lambda: contextlib.nullcontext(endless)),
        Listed("broken", 9, open=lambda: contextlib.nullcontext(broken)),
    ]

    with pytest.raises(InputError):
        hash_files(files, _quiet)
