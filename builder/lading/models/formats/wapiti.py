"""Wapiti's linear-chain models (CRF, MaxEnt), as GROBID ships them: a text of three parts.

``mdl_save``, ``rdr_save`` and ``qrk_save`` of Jekub/Wapiti: ``#mdl#TYPE#WEIGHTS``, then how to read
data, labels and observations as net strings, then one line ``NUMBER=VALUE`` for each weight that is
not zero. All of it is data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "wapiti"
_HEAD: Final = re.compile(rb"#mdl#(\d)#(\d{1,19})\r?\n#rdr#\d{1,9}/\d{1,9}(?:/\d)?\r?\n")
_KINDS: Final = ("maximum entropy", "maximum entropy Markov", "conditional random field")
_WEIGHT: Final = re.compile(rb"^\d+=[-+\w.]+\r?$", re.MULTILINE)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` has the first lines of a model, and of its reader."""
    return _HEAD.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Note the kind of model, and count the weights."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "wapiti", "")
    found = _HEAD.match(source.peek(256))
    if found is None:
        raise Malformed("it does not begin with a model and its reader")
    kind, declared = int(found[1]), int(found[2])
    report.fact(v.ARCHITECTURE, _KINDS[kind] if kind < len(_KINDS) else None, "mdl")
    report.fact(v.TASK, "token-classification", "mdl")
    report.fact(v.PARAMETERS, declared, "mdl")
    weights, rest = 0, b""
    while piece := source.some():
        whole, _, rest = (rest + piece).rpartition(b"\n")
        weights += sum(1 for _ in _WEIGHT.finditer(whole))
    if rest or weights != declared:
        raise Malformed(f"{declared} weights are declared, and {weights} lines of them follow")
