"""Model cards: YAML front matter and a few sections of the text.

https://huggingface.co/docs/hub/model-cards and modelcard template: what the card declares is the
author's word, and noted as declared.
"""

from __future__ import annotations

import bisect
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
#: Facts that are sections of the text, and how their headings read: the first kind that is there.
_SECTIONS: Final = {
    v.LIMITATIONS: (r"limitation|\bbias|\brisks?\b|caveat", r"out-of-scope"),
    v.ETHICS: (r"\bethic|\bbias|\brisks?\b|fairness|\bharm",),
    v.INTENDED_USE: (r"intended use|direct use|\buses\b|use cases?",),
    v.TRAINING: (r"training (?:details|procedure)", r"^(?:model )?training\b"),
    v.PREPROCESSING: (r"pre-?processing",),
    v.EXPLAINABILITY: (r"explainab|interpretab|model examination",),
}
_WANTED: Final = {
    name: [re.compile(kind, re.IGNORECASE) for kind in kinds] for name, kinds in _SECTIONS.items()
}
_FENCE: Final = re.compile(r"^(```|~~~)", re.MULTILINE)
_OPENING, _CLOSING = "<!--", "-->"
#: What the Hub's template for cards has where nothing was written.
_UNWRITTEN: Final = "[more information needed]"
_DEVELOPER: Final = re.compile(
    r"^[-*][ \t]*\*\*(?:developed|created) by[^*:\n]{0,20}:?\*\*:?[ \t]*(\S[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_LINK: Final = re.compile(r"\[([^\[\]]+)\]\([^()\s]*\)")
_TEXTS: Final = {
    "pipeline_tag": v.TASK, "library_name": v.LIBRARY, "license_name": v.LICENSE_NAME,
    "license_link": v.LICENSE_LINK, "base_model_relation": v.BASE_MODEL_RELATION,
    "model_name": v.NAME,
}  # fmt: skip
_EMISSION_DETAILS: Final = ("source", "training_type", "geographical_location", "hardware_used")
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
    measured = {one.get("type") for one in metrics}
    metrics += [{"type": one} for one in _texts(data.get("metrics")) if one not in measured]
    report.declared(v.EMISSIONS, _emissions(data.get("co2_eq_emissions")), "co2_eq_emissions")
    report.declared(v.METRICS, metrics[: LIMITS.fact_items], "model-index")


def _emissions(value: Any) -> str | None:
    """Return what a card says about the carbon dioxide of its training, in grams, and of what."""
    told = value if isinstance(value, dict) else {"emissions": value}
    grams = _text(told.get("emissions"))
    more = ((key, _text(told.get(key))) for key in _EMISSION_DETAILS)
    details = (f"; {key.replace('_', ' ')}: {text}" for key, text in more if text)
    return f"{grams} g of CO2 equivalent{''.join(details)}" if grams else None


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
    """Note what sections say, each up to the next of its level, and who developed the model."""
    text = _uncommented(text)
    fences = [fence.start() for fence in _FENCE.finditer(text)]
    headings = [
        heading
        for heading in _HEADING.finditer(text)
        if bisect.bisect(fences, heading.start()) % 2 == 0  # else it is a comment in some code
    ][:2000]
    for name, kinds in _WANTED.items():
        found = (_section(text, headings, kind) for kind in kinds)
        heading, body = next((one for one in found if one), ("", None))
        report.declared(name, body, f"section “{heading[:80]}”")
    developer = _DEVELOPER.search(text)
    if developer and _UNWRITTEN not in developer[1].lower():
        report.declared(v.AUTHOR, _LINK.sub(r"\1", developer[1]).strip(), "Developed by")


def _section(
    text: str, headings: list[re.Match[str]], wanted: re.Pattern[str]
) -> tuple[str, str] | None:
    """Return heading and text of the first section that is wanted and says something."""
    for number, heading in enumerate(headings):
        if not wanted.search(heading[2]):
            continue
        level = len(heading[1])
        after = (h for h in headings[number + 1 :] if len(h[1]) <= level)
        following = next(after, None)
        body = text[heading.end() : following.start() if following else len(text)].strip()
        if _is_written(body):
            return heading[2], body
    return None


def _is_written(body: str) -> bool:
    lines = (line.strip().lower() for line in body.splitlines())
    return any(line and not line.startswith("#") and _UNWRITTEN not in line for line in lines)


def _uncommented(text: str) -> str:
    """Return text without HTML's comments, where templates say what should be written."""
    kept: list[str] = []
    at = 0
    while (start := text.find(_OPENING, at)) >= 0 and (end := text.find(_CLOSING, start)) >= 0:
        kept.append(text[at:start])
        at = end + len(_CLOSING)
    return "".join([*kept, text[at:]])


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
