"""The index of a TensorFlow checkpoint: a LevelDB table from variable names to shapes.

tensor_bundle.proto and LevelDB's table_format.md: entries share key prefixes, blocks are found
through an index block, the last 48 bytes say where that is. The tensors are in ``.data-*`` files.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.protobuf import BYTES, VARINT, Message, first_fields
from lading.models.formats.tensorflow import TYPES, read_shape
from lading.models.stream import BytesSource, Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "tensorflow-checkpoint"
_MAGIC: Final = bytes.fromhex("57fb808b247547db")
_FOOTER: Final = 48
#: BundleHeaderProto: field → wire type.
_HEADER: Final = {1: VARINT, 2: VARINT, 3: BYTES}
#: Entries that are read: handles may lead to the same block again and again.
_MOST: Final = 100_000
#: Variables that are not the model's: bookkeeping, and the optimizer's moments.
_NOT_MODEL: Final = (
    b".OPTIMIZER_SLOT", b"_CHECKPOINTABLE_OBJECT_GRAPH", b"save_counter", b"optimizer/",
    b"global_step", b"/Adam", b"_optimizer",
)  # fmt: skip


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a table whose first entry, of the empty key, is a header."""
    if len(head) < _FOOTER or head[:2] != b"\x00\x00" or not 2 <= head[2] <= 32:
        return False
    fields = first_fields(head[3 : 3 + head[2]], 8)
    return (
        bool(fields)
        and fields is not None
        and fields[0][:2] == (1, VARINT)
        and all(_HEADER.get(field) == wire for field, wire, *_ in fields)
    )


def parse(source: Source, report: Report) -> None:
    """Count variables, shapes and types."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "tensorflow", "")
    data = source.read(LIMITS.companion_json + 1)
    if len(data) > LIMITS.companion_json:
        raise Malformed("the checkpoint's index is too large")
    if data[-8:] != _MAGIC:
        raise Malformed("the checkpoint's index has no footer")
    elements: Counter[str] = Counter()
    count = 0
    for number, (key, value) in enumerate(_entries(data)):
        if number >= _MOST:
            raise Malformed(f"the checkpoint's index has more than {_MOST} entries")
        if not key:
            _shards(value, report)
        elif not any(word in key for word in _NOT_MODEL):
            kind, size = _entry(value)
            if kind not in ("STRING", "RESOURCE", "VARIANT"):
                elements[kind] += size
                count += 1
    report.fact(v.TENSOR_COUNT, count, "index")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "index: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "index: dtype")


def _entries(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of every block that the index block names."""
    footer = data[-_FOOTER:]
    _, at = _varint(footer, 0)
    _, at = _varint(footer, at)
    for _, handle in _block(data, *_handle(footer, at)):
        yield from _block(data, *_handle(handle, 0))


def _shards(header: bytes, report: Report) -> None:
    """Name the files that hold the tensors: BundleHeaderProto, field 1 is their number."""
    message = Message(BytesSource(header), len(header))
    for field, wire in message:
        if field == 1 and wire == VARINT and message.number <= LIMITS.fact_items:
            prefix = posixpath.basename(report.bare).removesuffix(".index")
            count = message.number
            names = [f"{prefix}.data-{number:05}-of-{count:05}" for number in range(count)]
            report.fact(v.EXTERNAL_DATA, names, "index: num_shards")


def _entry(value: bytes) -> tuple[str, int]:
    """Return type and elements of a BundleEntryProto."""
    kind, elements = "unknown", 1
    message = Message(BytesSource(value), len(value))
    for field, wire in message:
        if field == 1 and wire == VARINT:
            kind = TYPES.get(message.number, "unknown")
        elif field == 2 and wire == BYTES:
            elements = read_shape(message.message())
    return kind, elements


def _block(data: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield keys and values of an uncompressed block."""
    end = start + size
    if end + 5 > len(data) or size < 4:
        raise Malformed("a block lies outside the checkpoint's index")
    if data[end] != 0:
        raise Malformed("a block of the checkpoint's index is compressed")
    restarts = int.from_bytes(data[end - 4 : end], "little")
    end -= 4 + 4 * restarts
    at, key = start, b""
    while at < end:
        shared, at = _varint(data, at)
        rest, at = _varint(data, at)
        length, at = _varint(data, at)
        if shared > len(key) or at + rest + length > end or shared + rest > LIMITS.text_line:
            raise Malformed("an entry of the checkpoint's index is wrong")
        key = key[:shared] + data[at : at + rest]
        yield key, data[at + rest : at + rest + length]
        at += rest + length


def _handle(data: bytes, at: int) -> tuple[int, int]:
    start, at = _varint(data, at)
    size, _ = _varint(data, at)
    return start, size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Malformed("a number in the checkpoint's index is wrong")
