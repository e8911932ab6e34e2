"""Parquet: ``PAR1`` at both ends, and before the last one the footer in Thrift's compact protocol.

https://parquet.apache.org/docs/file-format, parquet.thrift ``FileMetaData``; thrift's
thrift-compact-protocol.md. Only what comes before the row groups is read.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Role
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "parse"]

FORMAT: Final = "parquet"
MAGIC: Final = b"PAR1"
_ENCRYPTED: Final = b"PARE"
_TAIL: Final = 8
#: Compact protocol's types.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
#: Bytes of those with a fixed width; a truth value is in its type.
_WIDTHS: Final = {_TRUE: 0, _FALSE: 0, _BYTE: 1, _DOUBLE: 8}
_DEPTH: Final = 16


def parse(source: Source, report: Report) -> bool:
    """Read columns and rows from the footer; False when the end is another file's."""
    report.format = FORMAT
    report.role = Role.DATA
    end = _end(source)
    if end[-4:] == _ENCRYPTED:
        report.find("dataset-encrypted", "its footer is encrypted", Level.NOTE)
        return True
    if end[-4:] != MAGIC:
        if report.named.endswith(".parquet"):
            raise Malformed("it does not end as it begins")
        return False
    size = int.from_bytes(end[-_TAIL:-4], "little")
    if size > source.offset - 12:
        raise Malformed(f"the footer declares {size} bytes")
    if size <= len(end) - _TAIL:
        _Footer(end[-_TAIL - size : -_TAIL], report).read()
    return True


def _end(source: Source) -> bytes:
    """Read a source to its end; return as many of its last bytes as a footer may have."""
    pieces: deque[bytes] = deque()
    have = 0
    while piece := source.some():
        pieces.append(piece)
        have += len(piece)
        while have - len(pieces[0]) >= LIMITS.data_footer:
            have -= len(pieces.popleft())
    return b"".join(pieces)


class _Footer:
    def __init__(self, data: bytes, report: Report) -> None:
        self._data = data
        self._at = 0
        self._report = report

    def read(self) -> None:
        """Note schema and rows: fields 2 and 3 of FileMetaData."""
        field = 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._zigzag()
            if field == 2 and kind & 15 == _LIST:
                self._schema()
            elif field == 3:
                self._report.fact(v.ROWS, self._zigzag(), "footer: num_rows")
                return
            else:
                self._skip(kind & 15, _DEPTH)
        raise Malformed("the footer has no number of rows")

    def _schema(self) -> None:
        count, kind = self._list()
        if kind != _STRUCT:
            raise Malformed("the schema is no list of structures")
        columns: list[str] = []
        waiting = [1]  # children that are still to come, by depth
        for _ in range(count):
            name, children = self._element()
            while len(waiting) > 1 and not waiting[-1]:
                waiting.pop()
            waiting[-1] -= 1
            if len(waiting) == 2 and len(columns) < LIMITS.fact_items:
                columns.append(printable(name))
            if children > 0:
                waiting.append(children)
        self._report.fact(v.COLUMNS, columns, "footer: schema")

    def _element(self) -> tuple[str, int]:
        """Read a SchemaElement: field 4 is its name, 5 the number of its children."""
        name, children, field = "", 0, 0
        while kind := self._byte():
            field = field + (kind >> 4) if kind >> 4 else self._zigzag()
            if field == 4 and kind & 15 == _BINARY:
                name = self._take(self._varint()).decode("utf-8", "replace")
            elif field == 5:
                children = self._zigzag()
            else:
                self._skip(kind & 15, _DEPTH)
        return name, children

    def _skip(self, kind: int, depth: int) -> None:
        if depth == 0:
            raise Malformed("the footer is nested too deeply")
        if kind in (_LIST, _SET):
            count, inner = self._list()
            for _ in range(count):
                self._skip_element(inner, depth - 1)
        elif kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            for _ in range(count):
                self._skip_element(kinds >> 4, depth - 1)
                self._skip_element(kinds & 15, depth - 1)
        elif kind == _STRUCT:
            while inner := self._byte():
                if not inner >> 4:
                    self._varint()
                self._skip(inner & 15, depth - 1)
        else:
            self._skip_scalar(kind)

    def _skip_scalar(self, kind: int) -> None:
        if kind in (_I16, _I32, _I64):
            self._varint()
        elif kind == _BINARY:
            self._take(self._varint())
        elif kind in _WIDTHS:
            self._take(_WIDTHS[kind])
        else:
            raise Malformed(f"the footer has the unknown type {kind}")

    def _skip_element(self, kind: int, depth: int) -> None:
        if kind in (_TRUE, _FALSE):
            self._byte()  # in a list, a truth value has a byte of its own
        else:
            self._skip(kind, depth)

    def _list(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        return count, head & 15

    def _take(self, size: int) -> bytes:
        self._at += size
        if self._at > len(self._data):
            raise Malformed("the footer ends too early")
        return self._data[self._at - size : self._at]

    def _zigzag(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Malformed("a number of the footer is too long")

    def _byte(self) -> int:
        return self._take(1)[0]
