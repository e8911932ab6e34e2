"""``annotations``: warnings and errors as sentences beside the components they are about.

The same findings stand on the components as ``lading:finding`` properties for programs; notes
(:attr:`Level.NOTE`) stand only there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom.text import cut, label, location
from lading.inventory import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.inventory import Finding

__all__ = ["annotate"]


def annotate(
    findings: Iterable[tuple[str, Finding]], *, tool: dict[str, Any], timestamp: str
) -> list[dict[str, Any]]:
    """Return one annotation per distinct text, with every bom-ref that it is about.

    ``findings`` are (bom-ref, finding); ``tool`` is the component that annotates.
    """
    subjects: dict[str, set[str]] = {}
    for ref, finding in findings:
        if finding.level is not Level.NOTE:
            subjects.setdefault(_sentence(finding), set()).add(ref)
    return [
        {
            "subjects": sorted(refs),
            "annotator": {"component": tool},
            "timestamp": timestamp,
            "text": text,
        }
        for text, refs in sorted(subjects.items())
    ]


def _sentence(finding: Finding) -> str:
    where = "" if finding.path is None else f" ({location(finding.path)})"
    return cut(f"{finding.level}: {label(finding.id)}: {label(finding.message)}{where}")
