"""The bar of a long reading: on a terminal only, and gone when it is done."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from lading.cli import progress
from lading.cli.progress import look_progress, read_progress
from lading.image import open_image
from lading.image.interface import nothing
from support.image_stores import docker_archive, tar_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from lading.image.interface import Entry, Image


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())

    with read_progress("reading \x1b[31mx", 2 << 20) as tell:
        tell(1 << 20)
        shown = terminal.getvalue()

    assert "1.0 MiB of 2.0 MiB" in shown
    assert "\x1b[31m" not in shown  # a name from elsewhere paints nothing
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", plain := io.StringIO())

    with read_progress("reading x") as tell:
        tell(1 << 20)

    assert plain.getvalue() == ""


def test_a_line_is_cut_to_the_terminals_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second line would stay when the first is rewritten."""
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "40")

    with read_progress("reading " + "x" * 100) as tell:
        tell(1 << 20)
    lines = terminal.getvalue().split("\r\x1b[K")
    assert max(map(len, lines)) == 39
    assert any(line.endswith("…") for line in lines)


def test_what_of_an_image_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(docker_archive([tar_of({"a\x1b.bin": bytes(3000), "b.bin": bytes(1000)})]))
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setattr(progress, "_WORTH_TELLING_SECONDS", 0)
    monkeypatch.setattr(progress, "_REPAINT_SECONDS", 0)
    image = open_image(f"docker-archive:{archive}")
    plain = [entry.size for entries in _scanned(image) for entry in entries]
    with look_progress(image, "svc:1") as watched:
        assert [entry.size for entries in _scanned(watched) for entry in entries] == plain
        assert watched.facts == image.facts
    image.close()

    assert "looked into 2.9 KiB of svc:1: /a\\x1b.bin" in terminal.getvalue()
    assert "looked into 3.9 KiB of svc:1: /b.bin" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_what_is_done_at_once_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(docker_archive([tar_of({"a.bin": bytes(3000)})]))
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    image = open_image(f"docker-archive:{archive}")
    with look_progress(image, "svc:1") as watched:
        assert _scanned(watched)
    image.close()
    assert terminal.getvalue() == ""


def _scanned(image: Image) -> list[list[Entry]]:
    diff_ids = [layer.diff_id for layer in image.facts.layers]
    return list(image.scan(list, diff_ids, nothing).values())
