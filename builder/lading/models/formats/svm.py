r"""LIBSVM's and LIBLINEAR's models in text: ``key value`` lines, then ``SV`` or ``w`` and numbers.

``svm_save_model`` of cjlin1/libsvm, ``save_model`` of cjlin1/liblinear. They are data.
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

FORMAT: Final = "libsvm"
_START: Final = re.compile(
    rb"svm_type (?:c_svc|nu_svc|one_class|epsilon_svr|nu_svr)\r?\nkernel_type \w+\r?\n"
    rb"|solver_type [A-Z0-9_]{4,40}\r?\nnr_class \d+\r?\n"
)
_LINES: Final = 32
#: Keys whose numbers say how many lines follow the header.
_COUNTS: Final = frozenset({"total_sv", "nr_feature", "bias"})


def looks_like(head: bytes) -> bool:
    """Whether ``head`` has the two lines that a model begins with."""
    return _START.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Read the lines before the numbers, and count those with numbers."""
    report.format = FORMAT
    counts: dict[str, float] = {}
    for _ in range(_LINES):
        line = source.line(LIMITS.text_line).decode("utf-8", "replace").strip()
        key, _, value = line.partition(" ")
        if line in ("SV", "w"):
            _count(source, counts, vectors=line == "SV")
            return
        if key in _COUNTS:
            counts[key] = _number(value)
        if key in ("svm_type", "solver_type"):
            report.fact(v.LIBRARY, "libsvm" if key == "svm_type" else "liblinear", key)
            report.fact(v.ARCHITECTURE, printable(value), key)
            regression = value.endswith(("svr", "SVR_DUAL", "SVR"))
            report.fact(v.TASK, f"tabular-{'regression' if regression else 'classification'}", key)
    raise Malformed("no support vectors follow the header")


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise Malformed(f"a number in the header is none: {printable(value, 40)}") from None


def _count(source: Source, counts: dict[str, float], *, vectors: bool) -> None:
    """Hold the lines that follow to the header: support vectors, or weights of features."""
    if source.at_end():
        raise Malformed("nothing follows the header")
    declared = counts.get("total_sv" if vectors else "nr_feature")
    if declared is not None and not vectors and counts.get("bias", -1) >= 0:
        declared += 1
    lines, last = source.tally(b"\n")
    if last != b"\n":
        raise Malformed("it ends inside a line")
    if declared is not None and lines < declared:
        raise Malformed(f"{int(declared)} lines of numbers are declared, and {lines} follow")
