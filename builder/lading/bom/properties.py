"""CycloneDX properties named ``lading:…``, in one order; ``docs/formats/bom.md`` lists them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lading.bom.text import as_text, cut, label, location, prose

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.inventory import Fact, Finding

__all__ = ["Properties"]


class Properties:
    """Collects name-value pairs; what is None or empty is left out."""

    __slots__ = ("_pairs",)

    def __init__(self) -> None:
        self._pairs: set[tuple[str, str]] = set()

    def add(self, name: str, value: Any) -> Properties:
        """Add one pair; ``value`` is written as :func:`lading.bom.text.as_text` says."""
        text = as_text(value)
        if text is not None:
            self._pairs.add((label(name), text))
        return self

    def facts(self, facts: Mapping[str, Fact]) -> Properties:
        """Add each fact as ``lading:fact:NAME`` and where it came from as ``…:origin``."""
        for name, fact in facts.items():
            self.add(f"lading:fact:{name}", fact.value)
        return self.origins(facts)

    def origins(self, facts: Mapping[str, Fact]) -> Properties:
        """Add only where each fact came from, for values that stand elsewhere in the document."""
        for name, fact in facts.items():
            if as_text(fact.value) is not None:
                self.add(f"lading:fact:{name}:origin", f"{fact.origin}: {label(fact.where)}")
        return self

    def findings(self, findings: Iterable[Finding]) -> Properties:
        """Add each finding as ``lading:finding``, one JSON object each."""
        for finding in findings:
            self._pairs.add(("lading:finding", _finding_value(finding)))
        return self

    def render(self) -> list[dict[str, str]]:
        """Return the schema's array, sorted by name, then value."""
        return [{"name": name, "value": value} for name, value in sorted(self._pairs)]


def _finding_value(finding: Finding) -> str:
    """Return a finding as the JSON text that ``lading:finding`` holds."""
    value = {
        "id": label(finding.id),
        "level": str(finding.level),
        "message": cut(prose(finding.message), 2000),
        "path": None if finding.path is None else location(finding.path),
        "layer": finding.layer,
    }
    known = {name: text for name, text in value.items() if text is not None}
    return prose(json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
