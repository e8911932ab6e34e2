"""Programs are found where a shell finds them; what they write goes where nobody else looks."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lading.programs import on_path, private_directory

if TYPE_CHECKING:
    import pytest


def test_a_program_is_the_first_on_the_path_that_can_be_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, mode in (("directory", None), ("text", 0o644), ("first", 0o755), ("second", 0o755)):
        (tmp_path / name).mkdir()
        if mode is None:
            (tmp_path / name / "tool").mkdir()
        else:
            (tmp_path / name / "tool").write_text("#!/bin/sh\n")
            (tmp_path / name / "tool").chmod(mode)
    places = [str(tmp_path / name) for name in ("none", "directory", "text", "first", "second")]
    monkeypatch.setenv("PATH", ":".join(places))

    assert on_path("tool") == str(tmp_path / "first" / "tool") == shutil.which("tool")
    assert on_path("another") is None
    assert on_path("tool", places[4]) == f"{places[4]}/tool"
    for named in (f"{places[3]}/tool", f"{places[2]}/tool", f"{places[1]}/tool"):
        assert on_path(named) == shutil.which(named)
    monkeypatch.chdir(places[3])
    for path in ("", ":", ".", f"{places[2]}:"):
        assert on_path("tool", path) == shutil.which("tool", path=path), path
    monkeypatch.setenv("PATH", "")
    assert on_path("tool") is None
    monkeypatch.delenv("PATH")
    assert on_path("sh") == shutil.which("sh") is not None


def test_what_programs_write_is_private_and_goes_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with private_directory("lading-") as name:
        place = Path(name)
        assert (place.parent, place.stat().st_mode & 0o777) == (tmp_path, 0o700)
        (place / "deep").mkdir()
        (place / "deep" / "file").touch()

    assert not list(tmp_path.iterdir())


def test_another_place_is_taken_where_the_first_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "missing"))
    with private_directory("lading-") as name:
        assert Path(name).is_dir()
    assert not Path(name).exists()
