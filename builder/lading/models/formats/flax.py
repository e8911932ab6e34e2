"""MessagePack walked on a stream, as Flax keeps arrays in it.

``flax.serialization.to_bytes``: maps of names, whose leaves are arrays, in an extension of type 1
that holds ``[shape, type's name, bytes]`` (type 3: one number). Arrays above 1 GiB are maps with
``__msgpack_chunked_array__``, their shape, and their pieces. Restoring one makes arrays and
nothing else.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import msgpack
from lading.models.stream import BytesSource, Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "flax"
_CHUNKED: Final = b"__msgpack_chunked_array__"
_NUMBER: Final = range(0xCC, 0xD0)
#: NumPy's names of types → name, bytes.
_TYPES: Final = {
    b"float32": ("F32", 4), b"float16": ("F16", 2), b"bfloat16": ("BF16", 2),
    b"float64": ("F64", 8), b"int8": ("I8", 1), b"int16": ("I16", 2), b"int32": ("I32", 4),
    b"int64": ("I64", 8), b"uint8": ("U8", 1), b"uint16": ("U16", 2), b"uint32": ("U32", 4),
    b"uint64": ("U64", 8), b"bool": ("BOOL", 1), b"complex64": ("C64", 8),
    b"complex128": ("C128", 16), b"float8_e4m3fn": ("F8_E4M3", 1), b"float8_e5m2": ("F8_E5M2", 1),
    b"int4": ("I4", 1), b"uint4": ("U4", 1),
}  # fmt: skip
_ARRAY, _SCALAR = 1, 3
#: Bytes of a name that is looked at; longer ones are no names of parameters.
_NAME: Final = 4096


def looks_like(head: bytes) -> bool:
    """Whether an array follows names and numbers only, at the start of ``head``."""
    walk = _Walk(BytesSource(head))
    try:
        while not walk.arrays and walk.step():
            pass
    except Malformed:
        pass  # the head ends inside the first array
    return walk.arrays > 0


def parse(source: Source, report: Report) -> None:
    """Walk all names, and count the arrays."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "flax", "")
    walk = _Walk(source)
    for _ in range(LIMITS.json_members):
        if not walk.step():
            break
    else:
        raise Malformed(f"more than {LIMITS.json_members} values")
    if not source.at_end():
        raise Malformed("bytes follow the arrays")
    report.fact(v.TENSOR_COUNT, walk.arrays, "arrays")
    if walk.elements:
        report.fact(v.PARAMETERS, walk.elements.total(), "arrays: shapes")
        report.fact(v.DTYPE, walk.elements.most_common(1)[0][0], "arrays: types")


class _Walk:
    """Goes from value to value of nested maps; holds how many entries each still has."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._left: list[int] = []  # entries of the maps and arrays that are open; one is all
        self._maps: list[bool] = []
        self._pieces = 0  # depth of an array in pieces, 0 outside of any
        self.arrays = 0
        self.elements: Counter[str] = Counter()
        self._open(1, is_map=False)

    def step(self) -> bool:
        """Read the next value; False at the end of the outermost map."""
        while self._left and not self._left[-1]:
            self._left.pop()
            self._maps.pop()
            if len(self._left) < self._pieces:
                self._pieces = 0
        if not self._left:
            return False
        self._left[-1] -= 1
        if self._maps[-1] and self._key() == _CHUNKED and not self._pieces:
            self._pieces = len(self._left)
            self.arrays += 1
        self._value()
        return True

    def _key(self) -> bytes:
        tag = self._source.exactly(1)[0]
        if 0xA0 <= tag <= 0xBF:
            return self._source.exactly(tag & 0x1F)
        if tag not in (0xD9, 0xDA):
            raise Malformed(f"a name has the tag {tag:#x}")
        size = msgpack.length(self._source, tag)
        if size > _NAME:
            raise Malformed(f"a name of {size} bytes")
        return self._source.exactly(size)

    def _value(self) -> None:
        kind, size = msgpack.begin(self._source)
        if kind in (msgpack.ARRAY, msgpack.MAP):
            self._open(size, is_map=kind == msgpack.MAP)
        elif kind == msgpack.EXTENSION:
            self._extension(size)
        else:
            self._source.skip(size)

    def _open(self, entries: int, *, is_map: bool) -> None:
        if len(self._left) >= LIMITS.json_depth:
            raise Malformed(f"nested deeper than {LIMITS.json_depth}")
        self._left.append(entries)
        self._maps.append(is_map)

    def _extension(self, size: int) -> None:
        source = self._source
        kind = source.exactly(1)[0]
        end = source.offset + size
        if kind in (_ARRAY, _SCALAR):
            self._array()
        if source.offset > end:
            raise Malformed("an array is longer than its extension")
        source.skip(end - source.offset)

    def _array(self) -> None:
        """Read ``[shape, type's name, bytes]``; the bytes must be as many as these say."""
        source = self._source
        head = source.exactly(2)
        if head[0] != 0x93 or not 0x90 <= head[1] <= 0x9F:
            raise Malformed("an array has no shape")
        elements = math.prod(self._extent() for _ in range(head[1] & 0x0F))
        name = self._key()
        known = _TYPES.get(name)
        if known is None:
            raise Malformed(f"an array of {name[:32]!r}")
        tag = source.exactly(1)[0]
        if tag not in (0xC4, 0xC5, 0xC6) or msgpack.length(source, tag) != elements * known[1]:
            raise Malformed("an array has another size than its shape and type")
        self.elements[known[0]] += elements
        self.arrays += not self._pieces

    def _extent(self) -> int:
        tag = self._source.exactly(1)[0]
        if tag < 0x80:
            return tag
        if tag not in _NUMBER:
            raise Malformed(f"an extent has the tag {tag:#x}")
        return int.from_bytes(self._source.exactly(msgpack.NUMBERS[tag]), "big")
