"""Tesseract's ``.traineddata``: a table of offsets, then the parts of one language's model.

``TessdataManager`` of tesseract-ocr/tesseract: how many offsets there are, then each as 64 bits,
-1 for a part that is absent; little-endian. The recognizer and its word lists are data.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "tesseract"
#: How many parts there may be: 11 in the oldest files that are still read, 24 since 4.0.
_COUNTS: Final = range(9, 25)
_PARTS: Final = (
    "config", "unicharset", "unicharambigs", "inttemp", "pffmtable", "normproto", "punc-dawg",
    "word-dawg", "number-dawg", "freq-dawg", "fixed-length-dawgs", "cube-unicharset",
    "cube-word-dawg", "shapetable", "bigram-dawg", "unambig-dawg", "params-model", "lstm",
    "lstm-punc-dawg", "lstm-word-dawg", "lstm-number-dawg", "lstm-unicharset", "lstm-recoder",
    "version",
)  # fmt: skip
_VERSION: Final = re.compile(r"[\w.+-]{1,32}(?::([a-z]{3}(?:_[a-z]+)?):[\w:.-]*)?")


def _offsets(head: bytes) -> dict[str, int]:
    """Return where the parts begin; empty when the table is none."""
    count = int.from_bytes(head[:4], "little")
    if count not in _COUNTS or len(head) < 4 + 8 * count:
        return {}
    values = struct.unpack_from(f"<{count}q", head, 4)
    there = {_PARTS[number]: at for number, at in enumerate(values) if at != -1}
    begins = list(there.values())
    if not begins or begins[0] != 4 + 8 * count or begins != sorted(set(begins)):
        return {}
    return there


def looks_like(head: bytes) -> bool:
    """Whether ``head`` is such a table, of parts among which is a recognizer."""
    return not _offsets(head).keys().isdisjoint({"lstm", "inttemp"})


def parse(source: Source, report: Report) -> None:
    """Read the table, and the version if there is one."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "tesseract", "")
    report.fact(v.TASK, "image-to-text", "")
    parts = _offsets(source.peek(4 + 8 * _COUNTS[-1]))
    if not parts:
        raise Malformed("its table of parts is none")
    report.fact(v.ARCHITECTURE, "LSTM" if "lstm" in parts else "Tesseract", "parts")
    report.fact(v.MEMBERS, list(parts), "parts")
    if "version" in parts:
        source.skip(parts["version"])
        text = source.read(64).decode("ascii", "replace").strip()
        report.declared(v.PRODUCER, f"tesseract {printable(text, 64)}", "version")
        found = _VERSION.fullmatch(text)
        report.declared(v.LANGUAGES, [found[1]] if found and found[1] else None, "version")
    if max(parts.values()) >= source.total():
        raise Malformed("its table of parts leads out of the file")
