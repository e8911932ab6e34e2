"""``citations`` (CycloneDX 1.7): which fields of the document rest on which source.

In 1.6 the same stands in the ``lading:fact:…:origin`` properties alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom.text import label
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.inventory import Fact

__all__ = ["citations"]

# Where in a component the facts of each name went. RFC 6901, below the component.
_PLACES = {
    vocabulary.ARCHITECTURE: "modelCard/modelParameters/modelArchitecture",
    vocabulary.ARCHITECTURE_FAMILY: "modelCard/modelParameters/architectureFamily",
    vocabulary.AUTHOR: "authors",
    vocabulary.BASE_MODEL: "pedigree/ancestors",
    vocabulary.DATASETS: "modelCard/modelParameters/datasets",
    vocabulary.DESCRIPTION: "description",
    vocabulary.EMISSIONS: "modelCard/considerations/environmentalConsiderations",
    vocabulary.ETHICS: "modelCard/considerations/ethicalConsiderations",
    vocabulary.INPUTS: "modelCard/modelParameters/inputs",
    vocabulary.INTENDED_USE: "modelCard/considerations/useCases",
    vocabulary.LICENSE: "licenses",
    vocabulary.LIMITATIONS: "modelCard/considerations/technicalLimitations",
    vocabulary.METRICS: "modelCard/quantitativeAnalysis/performanceMetrics",
    vocabulary.OUTPUTS: "modelCard/modelParameters/outputs",
    vocabulary.TAGS: "tags",
    vocabulary.TASK: "modelCard/modelParameters/task",
}


def citations(
    components: Iterable[tuple[int, dict[str, Any], Mapping[str, Fact]]],
    *,
    tool: str,
    timestamp: str,
) -> list[dict[str, Any]]:
    """Return one citation per source, with JSON pointers to all that rests on it.

    ``components`` are (index in ``components``, component, facts); ``tool`` is the bom-ref of
    who read the sources. The ``note`` is the fact's origin and place, as in the properties.
    """
    found: dict[str, set[str]] = {}
    for index, component, facts in components:
        for name, fact in facts.items():
            place = _PLACES.get(name)
            if place and _holds(component, place.split("/")):
                note = label(f"{fact.origin}: {fact.where}")
                found.setdefault(note, set()).add(f"/components/{index}/{place}")
    return [
        {
            "pointers": sorted(pointers),
            "timestamp": timestamp,
            "attributedTo": tool,
            "note": note,
        }
        for note, pointers in sorted(found.items())
    ]


def _holds(component: dict[str, Any], path: list[str]) -> bool:
    here: Any = component
    for part in path:
        if part not in here:
            return False
        here = here[part]
    return True
