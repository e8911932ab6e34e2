"""CRFsuite's models: 48 bytes of header, then features, two databases of texts, references.

``header_t`` of chokkan/crfsuite, ``crf1d_model.c``; little-endian. A library that reads one looks
texts and weights up: it is data.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "crfsuite"
_MAGIC: Final = b"lCRF"
#: First-order Markov CRF with dyad features: the only kind there is.
_KIND: Final = b"FOMC"
_HEADER: Final = struct.Struct("<4sI4s9I")
_CHUNK: Final = struct.Struct("<4sII")
_FEATURE: Final = 20


def looks_like(head: bytes) -> bool:
    """Whether both of the header's marks are there."""
    return head.startswith(_MAGIC) and head[8:12] == _KIND


def parse(source: Source, report: Report) -> None:
    """Read the header, and how many features there are."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "crfsuite", "")
    report.fact(v.ARCHITECTURE, "LinearChainCRF", "type")
    report.fact(v.TASK, "token-classification", "type")
    fields = _HEADER.unpack(source.exactly(_HEADER.size))
    size, version, offsets = fields[1], fields[3], fields[7:]
    if max(offsets) > size or min(offsets) < _HEADER.size:
        raise Malformed(f"the model declares {size} bytes and parts at {offsets}")
    report.fact(v.FORMAT_VERSION, str(version), "version")
    source.skip(offsets[0] - _HEADER.size)
    name, length, count = _CHUNK.unpack(source.exactly(_CHUNK.size))
    if name != b"FEAT" or length != _CHUNK.size + count * _FEATURE or offsets[0] + length > size:
        raise Malformed(f"{count} features are declared to be {length} bytes")
    if size != source.total():
        raise Malformed(f"the model declares {size} bytes, and has {source.total()}")
    report.fact(v.PARAMETERS, count, "features")
    report.fact(v.DTYPE, "F64", "features")
