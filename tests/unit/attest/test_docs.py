"""The pages about verification name tests and error codes that exist, and all of the codes."""

from __future__ import annotations

import re

import pytest

import parts

DOCS = parts.ROOT / "docs"
SOURCES = parts.ROOT / "builder" / "lading"


def test_every_attack_has_the_test_that_is_named() -> None:
    text = (DOCS / "threat-model.md").read_text()
    tests = {
        f"{path.name}::{name}"
        for path in (parts.ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    named = set(re.findall(r"`(test_\w+\.py::test_\w+)`", text))

    assert len(named) > 40
    assert named <= tests


@pytest.mark.parametrize("room", ["attest", "trust"])
def test_every_reason_for_a_no_is_explained(room: str) -> None:
    text = (DOCS / "verification.md").read_text()
    codes = {
        code
        for path in (SOURCES / room).rglob("*.py")
        for code in re.findall(r'code="([a-z-]+)"', path.read_text())
    }

    assert {code for code in codes if f"`{code}`" not in text} == set()


def test_every_reason_in_the_page_exists() -> None:
    text = (DOCS / "verification.md").read_text()
    cells = re.findall(r"^\| (?:\d+|[a-h]) \|.*\| ([^|]*) \|$", text, re.MULTILINE)
    named = {code for cell in cells for code in re.findall(r"`([a-z-]+)`", cell)}
    source = "\n".join(path.read_text() for path in SOURCES.rglob("*.py"))

    assert len(named) > 15
    assert {code for code in named if f'"{code}"' not in source} == set()
