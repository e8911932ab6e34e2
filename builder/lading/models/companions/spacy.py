"""``meta.json`` of a spaCy pipeline; https://spacy.io/api/data-formats#meta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.jsonstream import JsonObject

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse"]

_TEXTS: Final = {
    "version": v.VERSION, "description": v.DESCRIPTION, "author": v.AUTHOR, "url": v.SOURCE_URL,
}  # fmt: skip
_WANTED: Final = frozenset({"lang", "name", "spacy_version", "license", "performance", *_TEXTS})


def parse(source: Source, report: Report) -> bool:
    """Note what the pipeline says of itself; False when the document is another's."""
    data = {path[0]: value for path, value in JsonObject(source) if path[0] in _WANTED}
    language, name, library = (_text(data.get(key)) for key in ("lang", "name", "spacy_version"))
    if language is None or name is None or library is None:
        return False
    report.role = Role.CONFIG
    report.fact(v.KIND, "spacy", "")
    report.declared(v.NAME, f"{language}_{name}", "lang, name")
    report.declared(v.LANGUAGES, [language], "lang")
    report.declared(v.LIBRARY, "spacy", "")
    report.declared(v.FRAMEWORK_VERSION, library, "spacy_version")
    for key, fact in _TEXTS.items():
        report.declared(fact, _text(data.get(key)), key)
    licence = _text(data.get("license"))
    report.declared(v.LICENSE, licence, "license")
    report.declared(v.METRICS, _metrics(data.get("performance")), "performance")
    return True


def _metrics(performance: Any) -> list[dict[str, Any]]:
    scores = performance.items() if isinstance(performance, dict) else ()
    return [
        {"type": key[:100], "value": value}
        for key, value in list(scores)[:100]
        if type(value) in (int, float) and value == value
    ]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
