"""syft looks at an image before its last layer was read, and again only when that says more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError
from lading.image.interface import EntryKind
from lading.packages.syft_find import find_syft
from lading.usecases.contents import ViewReader
from lading.usecases.inspect import inspect_image
from support.images_in_memory import Change, MemoryImage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lading.packages import Syft

STATUS = "var/lib/dpkg/status"
BASE = Change(
    EntryKind.FILE,
    STATUS,
    b"Package: tar\nStatus: install ok installed\nVersion: 1.34\nArchitecture: amd64\n\n",
)
MORE = Change(
    EntryKind.FILE,
    STATUS,
    BASE.content
    + b"Package: sed\nStatus: install ok installed\nVersion: 4.9\nArchitecture: all\n\n",
)
CODE = Change(EntryKind.FILE, "srv/app.py", b"x = 1\n")
RELEASE = Change(EntryKind.FILE, "etc/os-release", b"ID=debian\nVERSION_ID=12\n")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the real syft write down how often it is to scan; nothing is known yet."""
    log, wrapped = tmp_path / "runs", tmp_path / "syft"
    real = find_syft().path
    wrapped.write_text(f'#!/bin/sh\n[ "$1" != scan ] || echo >>{log}\nexec {real} "$@"\n')
    wrapped.chmod(0o755)
    monkeypatch.setenv("LADING_SYFT", str(wrapped))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return log


def layers(*contents: Sequence[Change]) -> dict[str, Sequence[Change]]:
    return {f"sha256:{number}{'0' * 63}": content for number, content in enumerate(contents)}


def names(image: MemoryImage) -> list[str]:
    return [package.name for package in inspect_image(image, "svc:1", find_syft=find_syft).packages]


def test_one_run_is_enough_when_the_last_layer_brings_no_packages(runs: Path) -> None:
    image = MemoryImage(layers([BASE, RELEASE], [], [CODE]))
    assert names(image) == ["tar"]
    assert len(runs.read_text()) == 1


@pytest.mark.parametrize(
    ("top", "expected"),
    [([MORE], ["sed", "tar"]), ([Change(EntryKind.WHITEOUT, "var/lib/dpkg")], [])],
)
def test_a_wrong_guess_counts_for_nothing(
    top: list[Change], expected: list[str], runs: Path
) -> None:
    assert names(MemoryImage(layers([BASE, RELEASE], [CODE], top))) == expected
    assert runs.exists()
    assert not [one for one in threading.enumerate() if one.name == "syft-ahead"]


def test_a_syft_that_fails_is_told_once_and_ends(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "syft").write_text('#!/bin/sh\n[ "$1" != scan ] || { echo no >&2; exit 3; }\n')

    def found() -> Syft:
        from dataclasses import replace

        return replace(real, path=tmp_path / "syft")

    real = find_syft({})
    image = MemoryImage(layers([BASE, RELEASE], [], [CODE]))
    with pytest.raises(InputError, match="could not catalogue"):
        inspect_image(image, "svc:1", find_syft=found)
    assert not [one for one in threading.enumerate() if one.name == "syft-ahead"]
    assert not runs.exists()


def test_an_image_of_one_new_layer_has_nothing_to_be_read_before(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ViewReader, "foresee", lambda *_: pytest.fail("the whole view is read"))
    assert names(MemoryImage(layers([BASE, RELEASE]))) == ["tar"]
    assert len(runs.read_text()) == 1
