"""Result files are there whole, or not at all."""

from __future__ import annotations

import os
import resource
import signal
import stat
from pathlib import Path

import pytest

from lading.cli.files import insist_on_place, write_file
from lading.errors import InputError


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write_file(tmp_path / "bom.json", b"new")
    finally:
        os.umask(umask)
    assert (tmp_path / "bom.json").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "bom.json").stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["bom.json"]


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o600


def test_a_file_of_two_names_keeps_both(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    os.link(tmp_path / "a", tmp_path / "b")
    write_file(tmp_path / "a", b"new")
    assert (tmp_path / "b").read_bytes() == b"new"


def test_a_disk_without_room_keeps_what_was_there(tmp_path: Path) -> None:
    """A limit of the size of files fails as a full disk does, in the middle."""
    (tmp_path / "bom.json").write_bytes(b"old")
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(InputError, match="cannot be written"):
            write_file(tmp_path / "bom.json", bytes(300_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / "bom.json").read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["bom.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_devices_are_written_where_they_are() -> None:
    write_file(Path(os.devnull), b"x")
    with pytest.raises(InputError, match="No space left"):
        write_file(Path("/dev/full"), b"x")
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_file(tmp_path / "no" / "bom.json", b"x")
    assert caught.value.where == str(tmp_path / "no" / "bom.json")
    with pytest.raises(InputError):
        write_file(tmp_path, b"x")


def test_a_pipe_of_the_shells_is_written_to() -> None:
    """What it resolves to (``/proc/…/pipe:[…]``) is no file that there is."""
    reader, writer = os.pipe()
    try:
        place = Path(f"/dev/fd/{writer}")
        insist_on_place(place)
        write_file(place, b"new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
        os.close(writer)


def test_where_no_file_can_be_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"old")
    (tmp_path / "link").symlink_to("not-yet")
    for name in ("new", "old", "link"):
        insist_on_place(tmp_path / name)
    with pytest.raises(InputError) as caught:
        insist_on_place(tmp_path / "nowhere" / "new")
    assert caught.value.got == f"there is no directory {tmp_path / 'nowhere'}"
    with pytest.raises(InputError) as caught:
        insist_on_place(tmp_path)
    assert caught.value.got == "it is a directory"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "old"]


@pytest.mark.parametrize(("name", "got"), [("old", "it may not be"), ("new", "you may not write")])
def test_what_may_not_be_written_is_told_before_the_work(
    name: str, got: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").write_bytes(b"old")
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # root, as tests may run, may write anywhere
    with pytest.raises(InputError) as caught:
        insist_on_place(tmp_path / name)
    assert str(caught.value.got).startswith(got)
