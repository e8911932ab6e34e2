"""safetensors: an 8-byte length, a JSON header, tensors.

https://huggingface.co/docs/safetensors: the header is a JSON object of tensors, each with
``dtype``, ``shape`` and ``data_offsets``; ``__metadata__`` holds text. Tensors must tile the rest
of the file: no overlap, no hole. Loading runs no code.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from lading.inventory import Level
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.jsonstream import SKIPPED, JsonObject
from lading.models.report import printable
from lading.models.stream import Limited, Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["BITS", "looks_like", "parse"]

FORMAT: Final = "safetensors"

#: Bits of one element.
BITS: Final = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


def looks_like(head: bytes) -> bool:
    """Whether a file that starts with ``head`` claims to be safetensors."""
    if len(head) < 9 or head[8] != 0x7B:
        return False
    declared = int.from_bytes(head[:8], "little")
    return declared >= 2 and declared < 1 << 48 and head[9:10] in (b'"', b"}", b" ", b"\n", b"")


def parse(source: Source, report: Report) -> None:
    """Read the header and check that its tensors tile the rest of the file."""
    size = source.size  # None when only the end of the bytes will tell
    report.format = FORMAT
    declared = int.from_bytes(source.exactly(8), "little")
    if declared > LIMITS.safetensors_header:
        raise Malformed(f"the header declares {declared} bytes")
    if size is not None and declared > size - 8:
        raise Malformed(f"the header declares {declared} bytes in a file of {size}")
    tensors = _Tensors(report, None if size is None else size - 8 - declared)
    header = Limited(source, declared)
    names: set[int] = set()
    members = JsonObject(header, value_limit=LIMITS.json_value)
    for (name,), value in members:
        if len(names) > LIMITS.safetensors_tensors:
            raise Malformed(f"more than {LIMITS.safetensors_tensors} tensors")
        key = hash(name)  # the set of names would cost more than the header
        if key in names:
            report.find("safetensors-duplicate-key", f"two tensors are called {printable(name)}")
        names.add(key)
        if name == "__metadata__":
            _metadata(value, report)
        else:
            tensors.add(name, value)
    if members.rest.strip(" ") or any(piece.strip(b" ") for piece in iter(header.some, b"")):
        raise Malformed("text follows the JSON header")
    tensors.finish(source)


class _Tensors:
    """Counts elements and checks extents, in memory that the number of tensors bounds."""

    def __init__(self, report: Report, data: int | None) -> None:
        self._report = report
        self._data = data  # bytes behind the header, where they are known before they are read
        self._elements: Counter[str] = Counter()
        self._count = 0
        self._next = 0  # where the next tensor starts, if the header lists them in order
        self._starts, self._ends = array("Q"), array("Q")  # those that are not in order

    def add(self, name: str, entry: Any) -> None:
        """Take one member of the header."""
        if entry is SKIPPED or not isinstance(entry, dict):
            raise Malformed(f"tensor {printable(name)} is not described by an object")
        dtype, shape, offsets = (entry.get(k) for k in ("dtype", "shape", "data_offsets"))
        if not (isinstance(dtype, str) and _naturals(shape) and _naturals(offsets)):
            raise Malformed(f"tensor {printable(name)} has no dtype, shape and data_offsets")
        if len(offsets) != 2:
            raise Malformed(f"tensor {printable(name)} has {len(offsets)} offsets")
        elements = _product(shape)
        self._count += 1
        self._elements[dtype if dtype in BITS else "unknown"] += elements
        start, end = offsets
        if start > end or (self._data is not None and end > self._data):
            self._report.find(
                "safetensors-out-of-bounds",
                f"tensor {printable(name)} lies at {start}..{end}, the data has {self._data} bytes",
            )
            return
        bits = BITS.get(dtype)
        if bits is None:
            self._report.find(
                "safetensors-unknown-dtype",
                f"tensor {printable(name)} has the unknown dtype {printable(dtype, 20)}",
                Level.WARNING,
            )
        elif elements * bits != (end - start) * 8:
            self._report.find(
                "safetensors-wrong-size",
                f"tensor {printable(name)} has {end - start} bytes for {elements} of {dtype}",
            )
        self._place(start, end)

    def _place(self, start: int, end: int) -> None:
        if start == self._next:
            self._next = end
        else:
            self._starts.append(start)
            self._ends.append(end)

    def finish(self, source: Source) -> None:
        """Check that the extents tile the data, which come next, and note the facts."""
        report = self._report
        data = source.drain() if self._data is None else self._data
        at = self._next
        for start, end in sorted(zip(self._starts, self._ends, strict=True)):
            if start < at and start != end:
                # Sorted by start: a tensor that begins before the last end shares its bytes.
                report.find("safetensors-overlap", f"tensors overlap at byte {start} of the data")
            elif start > at:
                report.find("safetensors-hole", f"no tensor owns bytes {at}..{start} of the data")
            at = max(at, end)
        if at < data:
            report.find("safetensors-hole", f"no tensor owns bytes {at}..{data} of the data")
        elif at > data:
            text = f"tensors end at {at}, the data has {data} bytes"
            report.find("safetensors-out-of-bounds", text)
        report.fact(v.TENSOR_COUNT, self._count, "header")
        if self._elements:
            report.fact(v.PARAMETERS, self._elements.total(), "header: shapes")
            report.fact(v.DTYPE, self._elements.most_common(1)[0][0], "header: dtype")


def _metadata(value: Any, report: Report) -> None:
    if value is SKIPPED:
        return
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        report.find("safetensors-metadata", "__metadata__ is not an object of text", Level.WARNING)
        return
    for key, name in (
        ("modelspec.title", v.NAME),
        ("modelspec.architecture", v.ARCHITECTURE),
        ("modelspec.author", v.AUTHOR),
        ("modelspec.description", v.DESCRIPTION),
        ("modelspec.license", v.LICENSE),
        ("modelspec.usage_hint", v.INTENDED_USE),
        ("license", v.LICENSE),
        ("format", v.LIBRARY),
    ):
        text = value.get(key, "").strip()
        if key == "format":
            text = {"pt": "pytorch", "tf": "tensorflow", "flax": "flax", "mlx": "mlx"}.get(text, "")
        report.declared(name, text, f"header: __metadata__.{key}")


def _naturals(value: Any) -> TypeGuard[list[int]]:
    """Whether ``value`` is a list of integers from 0 to 2**63."""
    return (
        isinstance(value, list)
        and len(value) <= 64
        and all(type(one) is int and 0 <= one < 1 << 63 for one in value)
    )


def _product(shape: list[int]) -> int:
    """Return the number of elements; a lie larger than any file is cut to 2**63."""
    elements = 1
    for extent in shape:
        elements *= extent
        if elements > 1 << 63:
            return 1 << 63 if 0 not in shape else 0
    return elements
