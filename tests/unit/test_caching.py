"""Small files kept between runs: where, for whom, whole, and not too many."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from lading.caching import prune, read_bounded, room_cache, write_atomic

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_place_of_a_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/somebody")
    assert room_cache("syft") == "/var/cache/somebody/lading/syft"
    monkeypatch.setenv("HOME", "/home/somebody")
    for unusable in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", unusable)
        assert room_cache("syft") == "/home/somebody/.cache/lading/syft"


def test_a_file_is_this_users_alone(tmp_path: Path) -> None:
    place = tmp_path / "room" / "one"
    assert write_atomic(place, b"first")
    assert write_atomic(place, b"second")
    assert read_bounded(place, 6) == b"second"
    assert read_bounded(place, 5) is None
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert names(place.parent) == ["one"]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    assert not write_atomic(taken, b"a directory is not replaced")
    assert names(tmp_path) == ["taken"]


def test_only_files_of_these_endings_are_pruned(tmp_path: Path) -> None:
    for at, name in enumerate(("versions.json", "dead.tmp", "old.packages", "new.packages")):
        (tmp_path / name).write_bytes(bytes(40))
        os.utime(tmp_path / name, (at, at))
    prune(tmp_path, 120, (".packages", ".tmp"))
    assert len(names(tmp_path)) == 4
    prune(tmp_path, 100, (".packages", ".tmp"))
    assert names(tmp_path) == ["new.packages", "old.packages", "versions.json"]
    prune(tmp_path / "nothing", 0)
