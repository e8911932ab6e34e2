"""Voices of HTS (``.htsvoice``), for hts_engine, Open JTalk, Festival: a text, then its tables.

``HTS_ModelSet_load`` of HTS-engine API: sections in brackets, of which ``[POSITION]`` says where
each table of densities and each tree lies behind ``[DATA]``. All of it is numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "hts-voice"
_START: Final = re.compile(rb"\[GLOBAL\]\r?\nHTS_VOICE_VERSION:([\d.]{1,16})\r?\n")
_DATA: Final = b"\n[DATA]\n"
_PLACES: Final = re.compile(rb"(\d{1,18})-(\d{1,18})(?=[,\r\n])")
_HEADER: Final = 64 * 1024


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a voice."""
    return _START.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Read the version and where the tables end."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "hts_engine", "")
    report.fact(v.TASK, "text-to-speech", "")
    header, found, _ = source.peek(_HEADER).partition(_DATA)
    version = _START.match(header)
    if version is None or not found:
        raise Malformed("its header has no end")
    report.fact(v.FORMAT_VERSION, printable(version[1].decode()), "HTS_VOICE_VERSION")
    places = header.partition(b"\n[POSITION]\n")[2] + b"\n"
    ends = [int(end) for _, end in _PLACES.findall(places)]
    if not ends:
        raise Malformed("its header does not say where its tables are")
    source.skip(len(header) + len(_DATA) + max(ends) + 1)
    if not source.at_end():
        raise Malformed("bytes follow the last table")
