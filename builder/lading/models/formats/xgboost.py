"""XGBoost: JSON, UBJSON, and the binary format of before version 3.

doc/model.schema of dmlc/xgboost for both documents; ``LearnerModelParamLegacy`` and two texts,
objective and booster, for the binary one.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import ubjson
from lading.models.jsonstream import SKIPPED, JsonObject
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = [
    "BINARY_MAGIC",
    "binary_like",
    "json_like",
    "parse_binary",
    "parse_json",
    "parse_ubjson",
    "ubjson_like",
]

FORMAT: Final = "xgboost"
#: What old language bindings put before the binary format.
BINARY_MAGIC: Final = b"binf"
_JSON: Final = re.compile(rb'\{\s*"learner"\s*:\s*\{\s*"')
_UBJSON: Final = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{"
_PARAMETERS: Final = 136
_OBJECTIVE: Final = re.compile(rb"(?:reg|binary|multi|rank|count|survival):[a-z_-]{1,40}")
_BOOSTERS: Final = (b"gbtree", b"gblinear", b"dart")


def json_like(head: bytes) -> bool:
    """Whether ``head`` starts a model in JSON."""
    return _JSON.match(head) is not None


def ubjson_like(head: bytes) -> bool:
    """Whether ``head`` starts a model in UBJSON."""
    return head.startswith(_UBJSON)


def binary_like(head: bytes) -> bool:
    """Whether ``head`` starts a binary model: its parameters, then the texts that it must have."""
    at = _PARAMETERS + (4 if head.startswith(BINARY_MAGIC) else 0)
    objective, at = _text(head, at)
    booster, _ = _text(head, at)
    return _OBJECTIVE.fullmatch(objective) is not None and booster in _BOOSTERS


def _text(head: bytes, at: int) -> tuple[bytes, int]:
    size = int.from_bytes(head[at : at + 8], "little")
    return (head[at + 8 : at + 8 + size], at + 8 + size) if size <= 64 else (b"", len(head))


def parse_json(source: Source, report: Report) -> bool:
    """Read what describes the model; the trees are skipped. False when it is no model."""
    members = JsonObject(source).enter(
        ("learner",),
        ("learner", "gradient_booster"),
        ("learner", "objective"),
        ("learner", "learner_model_param"),
    )
    return _describe(members, report)


def parse_ubjson(source: Source, report: Report) -> bool:
    """Read what describes the model; the trees are skipped."""
    return _describe(ubjson.walk(source), report)


def _describe(members: Iterable[tuple[tuple[str, ...], Any]], report: Report) -> bool:
    report.format = FORMAT
    booster = objective = None
    features: list[str] = []
    version: list[Any] = []
    for path, value in members:
        if path == ("learner", "gradient_booster", "name"):
            booster = value
        elif path == ("learner", "objective", "name"):
            objective = value
        elif path == ("learner", "feature_names") and value is not SKIPPED:
            features = [printable(one) for one in value] if type(value) is list else []
        elif path == ("learner", "feature_names", "[]") and len(features) < LIMITS.fact_items:
            features.append(printable(value))
        elif path == ("version",) and isinstance(value, list):
            version = value
        elif path == ("version", "[]"):
            version.append(value)
    if booster is None and objective is None:
        return False
    _note(str(booster or ""), str(objective or ""), report)
    report.fact(v.INPUTS, features, "feature_names")
    if len(version) == 3:
        numbers = [str(one) for one in version if type(one) is int and one >= 0]
        report.fact(v.PRODUCER, f"xgboost {'.'.join(numbers)}", "version")
    return True


def _note(booster: str, objective: str, report: Report) -> None:
    report.fact(v.LIBRARY, "xgboost", "")
    report.fact(v.ARCHITECTURE, printable(booster), "gradient_booster.name")
    report.fact(v.OBJECTIVE, printable(objective), "objective.name")


def parse_binary(source: Source, report: Report) -> None:
    """Read parameters, objective and booster."""
    report.format = FORMAT
    if source.peek(4) == BINARY_MAGIC:
        source.exactly(4)
    parameters = source.exactly(_PARAMETERS)
    texts = []
    for _ in range(2):
        size = int.from_bytes(source.exactly(8), "little")
        if size > 64:
            raise Malformed(f"a text of {size} bytes")
        texts.append(source.exactly(size).decode("utf-8", "replace"))
    _note(texts[1], texts[0], report)
    major, minor = struct.unpack_from("<II", parameters, 20)
    if 0 < major < 10 and minor < 100:
        report.fact(v.PRODUCER, f"xgboost {major}.{minor}", "parameters")
