"""FlatBuffers read where they lie; https://flatbuffers.dev/internals.

Offsets of strangers: every access is checked against the bytes at hand. A buffer whose start is
all that is in memory says of what lies behind it that it is :class:`Outside`.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from lading.models.stream import Source

__all__ = ["Outside", "Table", "Vector", "follow", "read_start", "root"]

_U16: Final = struct.Struct("<H")
_U32: Final = struct.Struct("<I")
_I32: Final = struct.Struct("<i")
_SCALARS: Final = {code: struct.Struct("<" + code) for code in "bBhHiIqQ"}


class Outside(Malformed):
    """An offset leads behind the bytes at hand."""


class _Buffer:
    """The bytes, and how many tables may still be visited: offsets can lead anywhere twice."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.tables = LIMITS.flatbuffer_tables

    def read(self, form: struct.Struct, at: int) -> int:
        if at < 0 or at + form.size > len(self.data):
            raise Outside(f"an offset leads to byte {at}")
        value: int = form.unpack_from(self.data, at)[0]
        return value

    def follow(self, at: int) -> int:
        """Return where the offset at ``at`` leads."""
        return at + self.read(_U32, at)


_EMPTY: Final = bytes(8)


def root(data: bytes, at: int = 0) -> Table:
    """Return the table that the buffer starting at ``at`` is about."""
    buffer = _Buffer(data)
    return Table(buffer, buffer.follow(at))


class Table:
    """One table; fields are numbered from 0 as in the schema."""

    def __init__(self, buffer: _Buffer, at: int) -> None:
        buffer.tables -= 1
        if buffer.tables < 0:
            raise Malformed(f"more than {LIMITS.flatbuffer_tables} tables")
        self._buffer = buffer
        self._at = at
        self._vtable = at - buffer.read(_I32, at)
        self._fields = buffer.read(_U16, self._vtable) // 2 - 2

    def _field(self, number: int) -> int:
        """Return where a field lies, 0 when it is absent."""
        if number >= self._fields:
            return 0
        offset = self._buffer.read(_U16, self._vtable + 4 + 2 * number)
        return self._at + offset if offset else 0

    def scalar(self, number: int, code: str, default: int = 0) -> int:
        """Return an integer of the ``struct`` type ``code``."""
        at = self._field(number)
        return self._buffer.read(_SCALARS[code], at) if at else default

    def table(self, number: int) -> Table | None:
        """Return a table (or a union's), None when it is absent."""
        at = self._field(number)
        return Table(self._buffer, self._buffer.follow(at)) if at else None

    def text(self, number: int, limit: int = 4096) -> str:
        """Return a string, cut to ``limit`` bytes; empty when it is absent."""
        return self.vector(number).text(limit)

    def vector(self, number: int) -> Vector:
        """Return a vector; empty when it is absent."""
        at = self._field(number)
        return Vector(self._buffer, at) if at else Vector(_Buffer(_EMPTY), 0)


class Vector:
    """A vector of scalars, strings or tables."""

    def __init__(self, buffer: _Buffer, at: int) -> None:
        self._buffer = buffer
        start = buffer.follow(at)
        self._length = buffer.read(_U32, start)
        self._start = start + 4

    def __len__(self) -> int:
        """Return the number of elements that the vector declares."""
        return self._length

    def bytes_at_hand(self) -> None:
        """Raise :class:`Outside` unless all of the bytes are there."""
        if self._start + self._length > len(self._buffer.data):
            raise Outside(f"a vector ends at byte {self._start + self._length}")

    def text(self, limit: int) -> str:
        """Return the bytes as text."""
        end = self._start + min(self._length, limit)
        if end > len(self._buffer.data):
            raise Outside(f"a string ends at byte {end}")
        return self._buffer.data[self._start : end].decode("utf-8", "replace")

    def texts(self, limit: int) -> Iterator[str]:
        """Yield the strings, each cut to ``limit`` bytes."""
        for index in range(self._length):
            yield Vector(self._buffer, self._start + 4 * index).text(limit)

    def integers(self, code: str, limit: int) -> list[int]:
        """Return up to ``limit`` integers of the ``struct`` type ``code``."""
        form = _SCALARS[code]
        places = (self._start + form.size * i for i in range(min(self._length, limit)))
        return [self._buffer.read(form, at) for at in places]

    def tables(self) -> Iterator[Table]:
        """Yield the tables."""
        for index in range(self._length):
            yield self.table(index)

    def table(self, index: int) -> Table:
        """Return one table."""
        if index >= self._length:
            raise Malformed(f"element {index} of {self._length}")
        return Table(self._buffer, self._buffer.follow(self._start + 4 * index))


def read_start(source: Source, marks: Collection[bytes], read: Callable[[Table], None]) -> bool:
    """Have ``read`` follow the root of a file that has one of ``marks`` at its fifth byte.

    False when it leads behind the start of the file, which is all that is looked at.

    Raises:
        Malformed: another mark, or an offset that leads out of the file.
    """
    data = source.read(LIMITS.flatbuffer)
    if data[4:8] not in marks:
        raise Malformed(f"not {max(marks).decode()}")
    whole = len(data) < LIMITS.flatbuffer or source.at_end()
    return follow(data, read, whole=whole)


def follow(data: bytes, read: Callable[[Table], None], *, whole: bool) -> bool:
    """Have ``read`` follow the root; False when it leads behind ``data``, and that is not all.

    Raises:
        Malformed: an offset leads out of the ``whole`` buffer.
    """
    try:
        read(root(data))
    except Outside:
        if whole:
            raise
        return False
    return True
