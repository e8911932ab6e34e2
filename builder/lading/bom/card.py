"""``modelCard``: what a model's header and card say, in the places that CycloneDX has for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.bom.properties import Properties
from lading.bom.taxonomy import card_properties
from lading.bom.text import as_text, label
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.inventory import Fact

__all__ = ["add_datasets", "model_card"]

# Headings of card sections that speak of more than technical limits.
_RISK = re.compile(r"\b(?:bias|ethic|fairness|harm|risk)", re.IGNORECASE)


def model_card(known: Mapping[str, Fact]) -> dict[str, Any]:
    """Return the ``modelCard`` of a model, without the parts that nothing is known of.

    Data sets are added by :func:`add_datasets`, once their bom-refs are known.
    """
    parameters = {
        "task": facts.line(known, vocabulary.TASK),
        "architectureFamily": facts.line(known, vocabulary.ARCHITECTURE_FAMILY),
        "modelArchitecture": facts.line(known, vocabulary.ARCHITECTURE),
        "inputs": _formats(known, vocabulary.INPUTS),
        "outputs": _formats(known, vocabulary.OUTPUTS),
    }
    considerations = {
        "useCases": facts.paragraphs(known, vocabulary.INTENDED_USE),
        "technicalLimitations": facts.paragraphs(known, vocabulary.LIMITATIONS),
        "ethicalConsiderations": _risks(known),
        "environmentalConsiderations": _emissions(known),
    }
    properties = Properties()
    for name, value in card_properties(known):
        properties.add(name, value)
    card = {
        "modelParameters": _filled(parameters),
        "quantitativeAnalysis": _filled({"performanceMetrics": _metrics(known)}),
        "considerations": _filled(considerations),
        "properties": properties.render(),
    }
    return _filled(card)


def add_datasets(component: dict[str, Any], datasets: Sequence[str]) -> None:
    """Refer from a component's model card to ``data`` components, given by bom-ref."""
    if datasets:
        parameters = component.setdefault("modelCard", {}).setdefault("modelParameters", {})
        parameters["datasets"] = [{"ref": ref} for ref in datasets]


def _emissions(known: Mapping[str, Fact]) -> dict[str, Any]:
    """Return what training emitted; the field for energy asks for joules, which no card has."""
    said = facts.line(known, vocabulary.EMISSIONS)
    return {"properties": [{"name": "co2_eq_emissions", "value": said}]} if said else {}


def _risks(known: Mapping[str, Fact]) -> list[dict[str, str]]:
    """Return the section on ethics, bias or risks; that on limits, where its heading names them."""
    if ethics := facts.paragraphs(known, vocabulary.ETHICS):
        return [{"name": text} for text in ethics]
    section = known.get(vocabulary.LIMITATIONS)
    if section is None or not _RISK.search(section.where):
        return []
    return [{"name": text} for text in facts.paragraphs(known, vocabulary.LIMITATIONS)]


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def _formats(known: Mapping[str, Fact], name: str) -> list[dict[str, str]]:
    """Return inputs or outputs: a text as it is, a tensor as ``name: type[shape]``."""
    found = []
    for item in facts.items(known, name):
        if isinstance(item, dict):
            kind = label(as_text(item.get("type")) or "")
            shape = item.get("shape")
            tail = label(as_text(shape) or "") if isinstance(shape, list | tuple) else ""
            text = ": ".join(part for part in (_line(item.get("name")), kind + tail) if part)
        else:
            text = _line(item)
        if text:
            found.append({"format": text})
    return found


def _metrics(known: Mapping[str, Fact]) -> list[dict[str, str]]:
    """Return the declared results; a metric without a value says what was measured."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for item in facts.items(known, vocabulary.METRICS):
        if not isinstance(item, dict):
            item = {"type": item}
        metric = _filled(
            {
                "type": _line(item.get("type")) or _line(item.get("name")),
                "value": _line(item.get("value")),
                "slice": _line(item.get("dataset")) or _line(item.get("task")),
            }
        )
        if "type" in metric:
            found[tuple(metric.get(key, "") for key in ("type", "slice", "value"))] = metric
    return [metric for _, metric in sorted(found.items())]


def _line(value: Any) -> str:
    return label(as_text(value) or "")
