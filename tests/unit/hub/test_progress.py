"""The bar of a long reading: on a terminal only, and gone when it is done."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from lading.cli.progress import read_progress

if TYPE_CHECKING:
    import pytest


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
