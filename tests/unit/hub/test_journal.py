"""An interrupted attestation goes on where it was; a changed file is read again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError
from lading.hub.interface import IGNORED
from lading.hub.tree import list_directory
from lading.usecases.journal import Journal
from lading.usecases.source_facts import examine_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lading.hub.interface import Listed
    from lading.inventory import ModelFile


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files that were last changed a while ago, as the machine's clock has it."""
    monkeypatch.setattr("lading.usecases.journal._SETTLED_NS", 0)
    directory = tmp_path / "data"
    directory.mkdir()
    for name in ("a", "b", "c"):
        (directory / name).write_text(name * 1000)
    return directory


def _examine(data: Path, journal: Journal | None) -> tuple[list[ModelFile], int]:
    told: list[int] = []
    files = examine_files(list_directory(data, IGNORED).files, told.append, journal)
    return files, sum(told)


def _interrupted(data: Path, journal: Journal) -> None:
    def boom(_count: int) -> None:
        raise InputError("the power is gone")

    files: Sequence[Listed] = list_directory(data, IGNORED).files
    examine_files(files[:2], lambda _count: None, journal)
    with pytest.raises(InputError):
        examine_files(files[2:], boom, journal)


def test_what_was_read_is_not_read_again(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    _interrupted(data, Journal(path))
    wanted, _ = _examine(data, None)

    resumed, read = _examine(data, Journal(path))

    assert resumed == wanted
    assert read == 1000  # the third file alone


def test_a_file_that_changed_since_is_read_again(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    _interrupted(data, Journal(path))
    before = (data / "a").stat()
    (data / "a").write_text("x" * 1000)
    os.utime(data / "a", ns=(before.st_atime_ns, before.st_mtime_ns))  # hides it from mtime alone

    resumed, read = _examine(data, Journal(path))

    assert resumed == _examine(data, None)[0]
    assert read == 2000


def test_a_file_changed_just_now_is_not_remembered(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lading.usecases.journal._SETTLED_NS", 60 * 10**9)
    _interrupted(data, Journal(tmp_path / "journal"))

    assert not (tmp_path / "journal").exists()


@pytest.mark.parametrize("junk", ["", "{", "[]\n{}\n", "\x00", '{"version": 1}', "[" * 10**5])
def test_a_broken_journal_is_none(data: Path, tmp_path: Path, junk: str) -> None:
    path = tmp_path / "journal"
    _interrupted(data, Journal(path))
    path.write_text(junk + "\n" + path.read_text()[: -len('"}}\n')])

    resumed, _ = _examine(data, Journal(path))

    assert resumed == _examine(data, None)[0]


def test_a_journal_that_cannot_be_written_is_none(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    assert _examine(data, Journal(tmp_path / "file" / "journal"))[1] == 3000


def test_it_is_gone_when_all_is_done(data: Path, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    _examine(data, journal)
    assert (tmp_path / "journal").exists()

    journal.remove()
    journal.remove()

    assert not (tmp_path / "journal").exists()
