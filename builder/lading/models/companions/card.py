"""Model cards: YAML front matter and a few sections of the text.

https://huggingface.co/docs/hub/model-cards and modelcard template: what the card declares is the
author's word, and noted as declared.
"""

from __future__ import annotations

import datetime
import math
import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions.spdx import spdx
from lading.models.companions.yamltext import parse_yaml
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["FRONT", "parse"]

#: How a file with front matter begins.
FRONT: Final = b"---"

_FRONT_MATTER: Final = re.compile(
    r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL
)
_HEADING: Final = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t#]*$", re.MULTILINE)
_SECTIONS: Final = (
    (v.LIMITATIONS, re.compile(r"limitation|\bbias|\brisks?\b|out-of-scope|caveat", re.IGNORECASE)),
    (v.INTENDED_USE, re.compile(r"intended use|direct use|\buses\b|use cases?", re.IGNORECASE)),
)
_TEXTS: Final = {
    "pipeline_tag": v.TASK, "library_name": v.LIBRARY, "license_name": v.LICENSE_NAME,
    "license_link": v.LICENSE_LINK, "base_model_relation": v.BASE_MODEL_RELATION,
    "model_name": v.NAME,
}  # fmt: skip
#: The Hub's words for a licence that is not in its list.
_NO_LICENSE: Final = frozenset({"other", "unknown"})
_LISTS: Final = {
    "base_model": v.BASE_MODEL, "datasets": v.DATASETS, "language": v.LANGUAGES, "tags": v.TAGS,
}  # fmt: skip


def parse(source: Source, report: Report) -> None:
    """Note what the card declares; a card that is no YAML is a finding, not an error."""
    text = source.read(LIMITS.companion_text).decode("utf-8", "replace")
    report.fact(v.KIND, "card", "")
    found = _FRONT_MATTER.match(text)
    if found:
        try:
            data = parse_yaml(found.group(1))
        except Malformed as error:
            report.find("card-unreadable", f"the card's front matter: {error}", Level.WARNING)
        else:
            if isinstance(data, dict):
                _declared(data, report)
    _sections(text[found.end() :] if found else text, report)


def _declared(data: dict[Any, Any], report: Report) -> None:
    for key, name in _TEXTS.items():
        report.declared(name, _text(data.get(key)), key)
    for key, name in _LISTS.items():
        report.declared(name, _texts(data.get(key)), key)
    licences = [one for one in _texts(data.get("license")) if one.lower() not in _NO_LICENSE]
    if licences:
        report.declared(v.LICENSE, " OR ".join(spdx(one) for one in licences[:8]), "license")
    metrics = _results(data.get("model-index"))
    metrics += [{"type": one} for one in _texts(data.get("metrics"))]
    report.declared(v.METRICS, metrics[: LIMITS.fact_items], "model-index")


def _results(index: Any) -> list[dict[str, Any]]:
    """Return the metrics of a ``model-index``; paperswithcode's model-index.yml shape."""
    found = []
    for model in _dicts(index):
        for result in _dicts(model.get("results")):
            task, data = (_dict(result.get(key)) for key in ("task", "dataset"))
            for metric in _dicts(result.get("metrics")):
                value = metric.get("value")
                if isinstance(value, (datetime.date, bytes)) or not _scalar(value):
                    value = None
                entry = {
                    "type": _text(metric.get("type")),
                    "name": _text(metric.get("name")),
                    "value": value,
                    "dataset": _text(data.get("name")) or _text(data.get("type")),
                    "task": _text(task.get("type")),
                }
                found.append({k: one for k, one in entry.items() if one is not None})
    return found


def _sections(text: str, report: Report) -> None:
    """Note the sections on intended use and on limits, each up to the next of its level."""
    headings = list(_HEADING.finditer(text))[:2000]
    for name, wanted in _SECTIONS:
        for number, heading in enumerate(headings):
            if not wanted.search(heading.group(2)):
                continue
            level = len(heading.group(1))
            after = (h for h in headings[number + 1 :] if len(h.group(1)) <= level)
            following = next(after, None)
            body = text[heading.end() : following.start() if following else len(text)].strip()
            if body:
                report.declared(name, body, f"section “{heading.group(2)[:80]}”")
                break


def _scalar(value: Any) -> bool:
    return isinstance(value, (str, int, bool)) or (
        isinstance(value, float) and math.isfinite(value)
    )


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)


def _texts(value: Any) -> list[str]:
    many = value if isinstance(value, list) else [value]
    return [text for text in (_text(one) for one in many) if text]


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[dict[Any, Any]]:
    many = value if isinstance(value, list) else []
    return [one for one in many[:1000] if isinstance(one, dict)]
