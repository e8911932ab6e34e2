"""CatBoost's ``.cbm``: ``CBM1``, a length, a FlatBuffer; model.fbs of catboost/catboost.

Or the same as JSON, whose names are sorted: ``features_info`` comes first. The trees
are vectors of numbers; what describes the model is a map of texts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.flatbuffer import Table, follow
from lading.models.jsonstream import JsonObject, parse_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "json_like", "parse", "parse_json_model"]

FORMAT: Final = "catboost"
MAGIC: Final = b"CBM1"
_JSON: Final = re.compile(
    rb'\{\s*"features_info"\s*:\s*\{\s*"(?:categorical|ctrs|embedding|float|text)\w*"\s*:'
)
_RELEASE: Final = re.compile(r"tags/v(\d[\d.]{0,16}\d)")


def parse(source: Source, report: Report) -> None:
    """Read the map of texts."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "catboost", "")
    if source.exactly(4) != MAGIC:
        raise Malformed("not CBM1")
    size = int.from_bytes(source.exactly(4), "little")
    if source.size is not None and size > source.size:
        raise Malformed(f"the model declares {size} bytes")
    data = source.read(min(size, LIMITS.flatbuffer))
    follow(data, lambda core: _core(core, report), whole=len(data) == size)
    source.skip(size - len(data))


def _core(core: Table, report: Report) -> None:
    report.fact(v.FORMAT_VERSION, printable(core.text(0, 64)), "FormatVersion")
    for pair in core.vector(2).tables():
        _describe(pair.text(0, 256), pair.text(1, LIMITS.fact_text), report)


def json_like(head: bytes) -> bool:
    """Whether ``head`` starts the JSON form."""
    return _JSON.match(head) is not None


def parse_json_model(source: Source, report: Report) -> None:
    """Walk the members; the trees are too large to be looked at, and say nothing."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "catboost", "")
    for path, value in JsonObject(source).enter(("model_info",)):
        if len(path) == 2:
            _describe(path[1], value, report)


def _describe(key: str, value: Any, report: Report) -> None:
    if key == "catboost_version_info":
        found = _RELEASE.search(value) if isinstance(value, str) else None
        report.declared(v.PRODUCER, f"catboost {found[1]}" if found else None, key)
    elif key == "params":
        try:
            params = parse_json(value) if isinstance(value, str) else value
        except Malformed:
            return  # longer than what was kept of it
        loss = _get(params, "loss_function", "type")
        report.declared(v.ARCHITECTURE, "GradientBoostedTrees", key)
        report.declared(v.OBJECTIVE, loss if isinstance(loss, str) else None, f"{key}.loss")


def _get(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document
