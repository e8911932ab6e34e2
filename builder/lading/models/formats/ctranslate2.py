"""CTranslate2's ``model.bin``, as faster-whisper and Argos Translate load it.

``model_spec.py`` of OpenNMT/CTranslate2: a version, the name of a specification, its revision, the
variables (name, dimensions, type, bytes), and names that stand for other variables.
"""

from __future__ import annotations

import math
import re
import struct
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGICS", "looks_like", "parse"]

FORMAT: Final = "ctranslate2"
#: Versions since names are written: the first four bytes.
MAGICS: Final = tuple(struct.pack("<I", version) for version in range(2, 9))
_HEAD: Final = re.compile(rb"[\x02-\x08]\x00\x00\x00([\x05-\x40])\x00([A-Z][A-Za-z0-9]{2,62})\x00")
#: DataType of types.h → name, bytes.
_TYPES: Final = (("F32", 4), ("I8", 1), ("I16", 2), ("I32", 4), ("F16", 2), ("BF16", 2))


def looks_like(head: bytes) -> bool:
    """Whether ``head`` has a version and the name of a specification, as long as it says."""
    found = _HEAD.match(head)
    return found is not None and len(found[2]) + 1 == found[1][0]


def parse(source: Source, report: Report) -> None:
    """Walk the variables; those without dimensions are settings."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "ctranslate2", "")
    version = _number(source)
    name = _string(source)
    report.fact(v.ARCHITECTURE, printable(name.removesuffix("Spec")), "name")
    report.fact(v.FORMAT_VERSION, f"{version}, revision {_number(source)}", "version")
    elements: Counter[str] = Counter()
    count = 0
    for _ in range(_count(source)):
        _string(source)
        shape = struct.unpack(f"<{(rank := source.exactly(1)[0])}I", source.exactly(4 * rank))
        kind = source.exactly(1)[0]
        size = _number(source)
        if kind >= len(_TYPES) or size != math.prod(shape) * _TYPES[kind][1]:
            raise Malformed("a variable has another size than its shape and type")
        source.skip(size)
        if shape:
            elements[_TYPES[kind][0]] += math.prod(shape)
            count += 1
    for _ in range(_count(source)):
        _string(source)
        _string(source)
    if not source.at_end():
        raise Malformed("bytes follow the variables")
    report.fact(v.TENSOR_COUNT, count, "variables")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "variables: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "variables: types")


def _number(source: Source) -> int:
    return int.from_bytes(source.exactly(4), "little")


def _count(source: Source) -> int:
    count = _number(source)
    if count > LIMITS.gguf_tensors:
        raise Malformed(f"the model declares {count} variables")
    return count


def _string(source: Source) -> str:
    size = int.from_bytes(source.exactly(2), "little")
    return source.exactly(size).rstrip(b"\0").decode("utf-8", "replace")
