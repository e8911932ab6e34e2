"""Torch's format before 0.1.10: a tar of ``sys_info``, ``pickle``, ``storages``, ``tensors``.

``storages``: the number of storages, then for each a pickle (key, location, type) and a 64-bit
count with that many elements; at the end a pickle of views. ``tensors``: their number, then for
each a pickle (key, storage, type), the number of dimensions in eight bytes, sizes, strides and an
offset of eight bytes each. All of them are read by an unpickler.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.torch import TYPES
from lading.models.pickles.machine import Seen
from lading.models.pickles.scan import judge_all, walk_one
from lading.models.pickles.values import Global
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["storages", "tensors"]

_DIMENSIONS: Final = 64


def storages(source: Source, report: Report) -> None:
    """Walk the pickles between the storages' bytes, and pass over those."""
    with _walk(source, report) as walk:
        _storages(source, walk)


def tensors(source: Source, report: Report) -> None:
    """Walk the pickles before the tensors' shapes, and count their elements."""
    with _walk(source, report) as walk:
        _tensors(source, report, walk)


@contextmanager
def _walk(source: Source, report: Report) -> Iterator[Callable[[], Any]]:
    """Give what walks the next pickle; judge what all of them import, and what follows them."""
    report.format, seen = "pytorch-tar", Seen()
    try:
        yield lambda: walk_one(source, report, seen)
    finally:
        judge_all(seen, report)
    if not source.at_end():
        report.find("pickle-trailing-data", "bytes follow the last entry")


def _storages(source: Source, walk: Callable[[], Any]) -> None:
    for _ in range(_count(walk())):
        kind = _kind(walk())
        if kind not in TYPES:
            raise Malformed("a storage of a type whose size is not known")
        count = struct.unpack("<q", source.exactly(8))[0]
        if count < 0:
            raise Malformed("a storage of negative size")
        source.skip(count * TYPES[kind][1])
    walk()  # the views of storages into others


def _tensors(source: Source, report: Report, walk: Callable[[], Any]) -> None:
    elements: Counter[str] = Counter()
    count = _count(walk())
    for _ in range(count):
        kind = _kind(walk())
        dimensions = struct.unpack("<i4x", source.exactly(8))[0]
        if not 0 <= dimensions <= _DIMENSIONS:
            raise Malformed(f"a tensor of {dimensions} dimensions")
        numbers = struct.unpack(f"<{2 * dimensions + 1}q", source.exactly(16 * dimensions + 8))
        if min(numbers) < 0:
            raise Malformed("a tensor of negative size")
        elements[TYPES.get(kind, ("unknown", 0))[0]] += math.prod(numbers[:dimensions])
    report.fact(v.TENSOR_COUNT, count, "tensors")
    if elements:
        report.fact(v.PARAMETERS, min(elements.total(), 1 << 63), "tensors: sizes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "tensors: types")


def _count(count: Any) -> int:
    if type(count) is not int or not 0 <= count <= LIMITS.gguf_tensors:
        raise Malformed("it does not begin with a number of entries")
    return count


def _kind(entry: Any) -> str:
    """Return the storage class that an entry (key, where, type) is of; tensors name their own."""
    if type(entry) is not tuple or len(entry) != 3 or type(entry[2]) is not Global:
        raise Malformed("an entry is no key, place and type")
    return entry[2].name.replace("Tensor", "Storage")
