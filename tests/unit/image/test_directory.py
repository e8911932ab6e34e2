"""Directories as layers: overlayfs's marks, odd files, changes under our feet."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError, LimitError
from lading.image import directory
from lading.image.directory import FileEntry, walk
from lading.image.interface import EntryKind
from lading.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path


def listed(root: Path, **options: bool) -> list[tuple[str, str, str]]:
    return [(one.path, one.kind.value, one.target) for one in walk(str(root), **options)]


def test_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"x")
    os.link(tmp_path / "a" / "file", tmp_path / "hard")
    (tmp_path / "soft").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
    assert listed(tmp_path) == [
        ("a", "directory", ""),
        ("a/file", "file", ""),
        ("fifo", "other", ""),
        ("hard", "hardlink", "a/file"),
        ("s", "other", ""),
        ("soft", "symlink", "/etc/passwd"),
    ]


def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe")).write_bytes(b"x")
    (only,) = walk(str(tmp_path))
    assert os.fsencode(only.path) == b"\xff\xfe"
    assert repr(only) == "<file '\\udcff\\udcfe', 1 bytes>"


def test_whiteouts_in_the_form_of_tars(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / ".wh.gone").touch()
    (tmp_path / "d" / ".wh.full").write_bytes(b"x")
    assert listed(tmp_path) == [
        ("d", "directory", ""),
        ("d/.wh.full", "file", ""),
        ("d/.wh.gone", "file", ""),
    ]
    assert listed(tmp_path, overlay=True) == [
        ("d", "directory", ""),
        ("d/.wh.full", "file", ""),
        ("d/full", "whiteout", ""),
        ("d/gone", "whiteout", ""),
    ]


def test_the_marks_of_overlayfs(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    try:
        os.setxattr(tmp_path, "user.overlay.opaque", b"y")
        os.setxattr(tmp_path / "d", "user.overlay.opaque", b"y")
    except OSError:
        pytest.skip("this file system has no user xattrs")
    assert listed(tmp_path, overlay=True) == [
        ("", "opaque", ""),
        ("d", "directory", ""),
        ("d", "opaque", ""),
    ]
    assert listed(tmp_path) == [("d", "directory", "")]


def test_reading(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"0123456789")
    for entry in walk(str(tmp_path)):
        assert entry.peek(3) == b"012"
        assert entry.read(4) == b"0123"
        assert entry.read() == b"456789"
        assert entry.read() == entry.peek(1) == b""
        kept = entry
    kept._at = 0
    with pytest.raises(ValueError, match="until the next one"):
        kept.read()


@pytest.mark.parametrize("change", ["truncated", "replaced", "removed", "a link"])
@pytest.mark.parametrize("how", ["peek", "read"])
def test_a_file_that_changes_between_listing_and_reading(
    tmp_path: Path, change: str, how: str
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 100)
    (tmp_path / "g").write_bytes(b"y" * 100)
    entry = next(iter(entries := walk(str(tmp_path))))
    if change == "truncated":
        os.truncate(path, 0)
    else:
        (tmp_path / "new").write_bytes(b"z" * 100)
        if change == "replaced":
            (tmp_path / "new").replace(path)
        else:
            path.unlink()
        if change == "a link":
            path.symlink_to("g")
    with pytest.raises(InputError, match=r"changed while|cannot be read"):
        entry.peek(10) if how == "peek" else entry.read()
    entries.close()


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c" * 20):
        (tmp_path / name).touch()
    monkeypatch.setattr(directory, "LIMITS", Limits(tar_entries=2))
    with pytest.raises(LimitError, match="too many entries"):
        listed(tmp_path)
    monkeypatch.setattr(directory, "LIMITS", Limits(tar_path_length=10))
    with pytest.raises(LimitError, match="too long"):
        listed(tmp_path)


def test_a_directory_that_is_not_there_or_goes_away(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        listed(tmp_path / "none")
    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    entries = walk(str(tmp_path))
    next(entries)
    (tmp_path / "b").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        next(entries)


@pytest.mark.parametrize("number", [13, 5])
def test_what_may_not_be_read_is_said_with_a_hint(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> bytes:
        raise OSError(number, os.strerror(number))

    (tmp_path / "f").write_bytes(b"x")
    entry = next(entries := walk(str(tmp_path)))
    monkeypatch.setattr(os, "pread", refuse)
    with pytest.raises(InputError) as caught:
        entry.peek(1)
    assert ("run as a user" in str(caught.value.hint)) == (number == 13)
    entries.close()
    monkeypatch.setattr(os, "getxattr", refuse)
    with pytest.raises(InputError) as caught:
        listed(tmp_path, overlay=True)
    assert ("run as a user" in str(caught.value.hint)) == (number == 13)


def test_a_sparse_giant_is_refused_before_a_byte_is_read(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(3 * 1024**4)
    (entry,) = [one for one in walk(str(tmp_path)) if one.kind is EntryKind.FILE]
    assert isinstance(entry, FileEntry)
    with pytest.raises(ValueError, match="until the next one"):
        entry.peek(1)
    entry = next(entries := walk(str(tmp_path)))
    with pytest.raises(LimitError, match="too large"):
        entry.peek(1)
    entries.close()
