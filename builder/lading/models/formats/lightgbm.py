"""LightGBM's text format: ``tree``, then lines ``key=value``, then the trees.

``GBDT::SaveModelToString`` of microsoft/LightGBM.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "lightgbm"
_START: Final = re.compile(rb"tree\r?\nversion=(v\d{1,3})\r?\n")
#: Lines before the first tree; names of features may fill one.
_LINES: Final = 64


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a model."""
    return _START.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Read the header's lines."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "lightgbm", "")
    report.fact(v.ARCHITECTURE, "GradientBoostedTrees", "")
    for _ in range(_LINES):
        line = source.line(LIMITS.companion_text).decode("utf-8", "replace").strip()
        key, found, value = line.partition("=")
        if key == "Tree" or line == "end of trees":
            return
        if not found:
            continue
        if key == "version":
            report.fact(v.FORMAT_VERSION, printable(value, 16), key)
        elif key == "objective":
            report.fact(v.OBJECTIVE, printable(value), key)
        elif key == "feature_names":
            names = value.split()[: LIMITS.fact_items]
            report.fact(v.INPUTS, [printable(name) for name in names], key)
    raise Malformed("no tree follows the header")
