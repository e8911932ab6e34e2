"""MXNet and Gluon: ``-symbol.json``, a graph, and ``.params``, a list of arrays.

``MXNDArraySave``: 0x112, a reserved number, the count, the arrays, the names. Each array has a
magic, a storage type, its shape, where it was, and its type before its elements.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.jsonstream import JsonObject
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["params_like", "parse_params", "parse_symbol", "symbol_like"]

FORMAT: Final = "mxnet"
_LIST: Final = struct.pack("<QQ", 0x112, 0)
_ARRAYS: Final = frozenset({0xF993FAC9, 0xF993FACA})
_MOST: Final = 1_000_000
#: mshadow's TypeFlag → name, bytes.
_TYPES: Final = {
    0: ("F32", 4), 1: ("F64", 8), 2: ("F16", 2), 3: ("U8", 1), 4: ("I32", 4), 5: ("I8", 1),
    6: ("I64", 8), 7: ("BOOL", 1), 8: ("I16", 2), 9: ("U16", 2), 10: ("U32", 4), 11: ("U64", 8),
    12: ("BF16", 2),
}  # fmt: skip
_SYMBOL: Final = re.compile(rb'\{\s*"nodes"\s*:\s*\[\s*\{\s*"op"\s*:\s*"')


def params_like(head: bytes) -> bool:
    """Whether ``head`` starts a list of arrays."""
    return head.startswith(_LIST) and int.from_bytes(head[24:28], "little") in _ARRAYS


def symbol_like(head: bytes) -> bool:
    """Whether ``head`` starts a graph; its nodes come first."""
    return _SYMBOL.match(head) is not None


def parse_params(source: Source, report: Report) -> None:
    """Walk the arrays."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "mxnet", "")
    source.exactly(len(_LIST))
    count = int.from_bytes(source.exactly(8), "little")
    if count > _MOST:
        raise Malformed(f"the list declares {count} arrays")
    elements: Counter[str] = Counter()
    for _ in range(count):
        kind, size, width = _array(source)
        elements[kind] += size
        source.skip(size * width)
    report.fact(v.TENSOR_COUNT, count, "list")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "arrays: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "arrays: types")


def _array(source: Source) -> tuple[str, int, int]:
    """Read what stands before an array's elements: type, number, and bytes of one."""
    magic, storage, rank = struct.unpack("<IiI", source.exactly(12))
    if magic not in _ARRAYS or storage != 0 or rank > 32:
        raise Malformed(f"an array of magic {magic:#x}, storage type {storage}, rank {rank}")
    elements = 1
    for extent in struct.unpack(f"<{rank}q", source.exactly(8 * rank)):
        elements = min(elements * max(extent, 0), 1 << 48)
    flag = struct.unpack("<iii", source.exactly(12))[2]
    if flag not in _TYPES:
        raise Malformed(f"an array of type {flag}")
    return _TYPES[flag][0], elements, _TYPES[flag][1]


def parse_symbol(source: Source, report: Report) -> bool:
    """Read the graph's attributes; False when it is another document with nodes."""
    names = set()
    for path, value in JsonObject(source).enter(("attrs",)):
        names.add(path[0])
        if path == ("attrs", "mxnet_version") and isinstance(value, list) and len(value) == 2:
            report.fact(v.FRAMEWORK_VERSION, _version(value[1]), "attrs.mxnet_version")
    if not {"arg_nodes", "heads"} <= names:
        return False
    report.format = FORMAT
    report.fact(v.LIBRARY, "mxnet", "")
    return True


def _version(number: object) -> str | None:
    if type(number) is not int or not 0 <= number < 1_000_000:
        return None
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"
