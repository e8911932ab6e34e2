"""Arrow IPC: the file format, also called Feather 2, and the stream that Hugging Face caches.

https://arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess
Communication": messages of a marker, a length, a FlatBuffer, and a body. Schema.fbs, Message.fbs.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.flatbuffer import Table, root
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["FEATHER", "MAGIC", "parse", "parse_feather", "stream_like"]

FORMAT: Final = "arrow"
MAGIC: Final = b"ARROW1\x00\x00"
#: Feather 1, which is no Arrow IPC.
FEATHER: Final = b"FEA1"
_MARKER: Final = b"\xff\xff\xff\xff"
#: MessageHeader
_SCHEMA, _RECORD_BATCH = 1, 3
_MESSAGES: Final = 1_000_000


def stream_like(head: bytes) -> bool:
    """Whether ``head`` starts a stream: a marker, and a message that is a schema."""
    size = int.from_bytes(head[4:8], "little")
    if head[:4] != _MARKER or not 16 <= size <= LIMITS.flatbuffer or size % 8:
        return False
    try:
        message = root(head, 8)
        return message.scalar(1, "B") == _SCHEMA and 3 <= message.scalar(0, "h") <= 8
    except Malformed:
        return False


def parse(source: Source, report: Report) -> None:
    """Walk the messages: columns from the schema, rows from the batches."""
    report.format = FORMAT
    report.role = Role.DATA
    if source.peek(len(MAGIC)) == MAGIC:
        source.exactly(len(MAGIC))
    rows = 0
    for _ in range(_MESSAGES):
        message = _next(source)
        if message is None:
            report.fact(v.ROWS, rows, "record batches")
            return
        kind, header = message.scalar(1, "B"), message.table(2)
        if header is None:
            raise Malformed("a message has no header")
        if kind == _SCHEMA:
            fields = islice(header.vector(1).tables(), LIMITS.fact_items)
            names = [printable(field.text(0, 256)) for field in fields]
            report.fact(v.COLUMNS, names, "schema")
        elif kind == _RECORD_BATCH:
            rows += max(header.scalar(0, "q"), 0)
        source.skip(max(message.scalar(3, "q"), 0))
    raise Malformed(f"more than {_MESSAGES} messages")


def _next(source: Source) -> Table | None:
    """Return the next message, None at the end of the stream."""
    head = source.read(8)
    if head[:4] != _MARKER or head[4:8] == bytes(4):
        return None  # the end: its mark, the footer of a file, or nothing
    size = int.from_bytes(head[4:8], "little")
    if size > LIMITS.flatbuffer:
        raise Malformed(f"a message declares {size} bytes")
    return root(source.exactly(size))


def parse_feather(source: Source, report: Report) -> None:  # noqa: ARG001 - only the magic counts
    """Note a file of the first Feather format."""
    report.format = "feather"
    report.role = Role.DATA
