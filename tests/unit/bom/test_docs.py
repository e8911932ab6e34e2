"""``docs/formats/bom.md`` names every property that is written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from lading import bom
from lading.inventory import Inspection
from support import bom_inspections as samples

DOCS = Path(__file__).parents[3] / "docs" / "formats" / "bom.md"


def _names(document: Any) -> set[str]:
    if isinstance(document, list):
        return {name for child in document for name in _names(child)}
    if isinstance(document, dict):
        found = {name for child in document.values() for name in _names(child)}
        found |= {one["name"] for one in document.get("properties", ())}
        return found
    return set()


def test_every_property_is_documented() -> None:
    text = DOCS.read_text(encoding="utf-8")
    documented = [
        re.compile(re.escape(name).replace("NNN", r"\d{3}").replace("NAME", ".+"))
        for name in re.findall(r"`((?:lading|spdx|genai):[^` ]+)`", text)
    ]
    odd = samples.package("x", purl="none", properties={"lading:python:installer": "uv", "a": "b"})
    inspections = (samples.full(), Inspection("x", samples.image(), packages=(odd,)))
    written = {
        name
        for inspection in inspections
        for name in _names(bom.render(inspection, timestamp=samples.MOMENT))
    }
    missing = {n for n in written if not any(one.fullmatch(n) for one in documented)}
    assert missing == set()
    other = {n.rpartition(":")[2] for n in written if n.startswith(("spdx:", "genai:"))}
    assert all(f"`{name}`" in text for name in other)
