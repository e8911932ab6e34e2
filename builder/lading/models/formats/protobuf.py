"""Protocol-buffer messages walked on a stream; https://protobuf.dev/programming-guides/encoding.

A :class:`Message` knows where it ends and gives its fields one after another. Length-delimited
values are read (bounded), entered as a message, or skipped; what a caller leaves unread is
skipped by the next step. Depth and number of fields are bounded, nothing recurses by itself.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models.stream import Malformed, Truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.stream import Source

__all__ = ["BYTES", "FIXED32", "FIXED64", "VARINT", "Message", "first_fields"]

VARINT: Final = 0
FIXED64: Final = 1
BYTES: Final = 2
FIXED32: Final = 5


class Message:
    """One message. Iterate to get ``(field number, wire type)``, then take the value."""

    def __init__(self, source: Source, size: int | None = None) -> None:
        """Start a message of ``size`` bytes, or one that ends with the source."""
        self._source = source
        self._end = None if size is None else source.offset + size
        self._depth = 0
        self._fields = [LIMITS.protobuf_fields]  # shared with the messages inside
        self.size = 0  # bytes of the value at hand, when it is length-delimited
        self._value_end: int | None = None
        self.number = 0  # the value at hand, when it is a varint or fixed

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield each field; what was not taken of the one before is skipped.

        Raises:
            Malformed: a tag, length or wire type is wrong, or a bound is reached.
        """
        source = self._source
        while True:
            if self._value_end is not None:
                if source.offset > self._value_end:
                    raise Malformed("a protobuf field is longer than its message")
                source.skip(self._value_end - source.offset)
                self._value_end = None
            if self._end is None:
                if source.at_end():
                    return
            elif source.offset >= self._end:
                if source.offset > self._end:
                    raise Malformed("a protobuf field is longer than its message")
                return
            self._fields[0] -= 1
            if self._fields[0] < 0:
                raise Malformed(f"more than {LIMITS.protobuf_fields} protobuf fields")
            tag = self._varint()
            field, wire = tag >> 3, tag & 7
            if field == 0:
                raise Malformed("a protobuf field has the number 0")
            self._take(wire)
            yield field, wire

    def _take(self, wire: int) -> None:
        if wire == VARINT:
            self.number = self._varint()
        elif wire == BYTES:
            self.size = self._varint()
            end = self._source.offset + self.size
            if self._end is not None and end > self._end:
                raise Malformed("a protobuf field is longer than its message")
            self._value_end = end
        elif wire == FIXED32:
            self.number = int.from_bytes(self._source.exactly(4), "little")
        elif wire == FIXED64:
            self.number = int.from_bytes(self._source.exactly(8), "little")
        else:
            raise Malformed(f"protobuf wire type {wire}")

    def _varint(self) -> int:
        read = self._source.read
        byte = read(1)
        if byte and byte[0] < 0x80:
            return byte[0]
        value, shift = 0, 0
        while byte:
            value |= (byte[0] & 0x7F) << shift
            if byte[0] < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF
            shift += 7
            if shift > 63:
                raise Malformed("a protobuf varint has more than ten bytes")
            byte = read(1)
        raise Truncated("the data ends inside a protobuf varint")

    def data(self, limit: int) -> bytes:
        """Return the length-delimited value at hand.

        Raises:
            Malformed: it is longer than ``limit`` bytes.
        """
        if self.size > limit:
            raise Malformed(f"a protobuf field of {self.size} bytes")
        return self._source.exactly(self.size)

    def text(self, limit: int = 4096) -> str:
        """Return the value at hand as text, cut to ``limit`` bytes; the rest is skipped."""
        return self._source.exactly(min(self.size, limit)).decode("utf-8", "replace")

    def message(self) -> Message:
        """Enter the length-delimited value at hand."""
        inner = Message(self._source, self.size)
        inner._depth = self._depth + 1
        inner._fields = self._fields
        if inner._depth > LIMITS.protobuf_depth:
            raise Malformed(f"protobuf messages nested deeper than {LIMITS.protobuf_depth}")
        return inner

    def messages(self) -> Iterator[tuple[int, Message]]:
        """Yield each field that is length-delimited, entered as a message."""
        for field, wire in self:
            if wire == BYTES:
                yield field, self.message()

    def message_fields(self) -> Iterator[tuple[int, Message]]:
        """Enter the value at hand and yield each message in it with its field number."""
        return self.message().messages()

    def integers(self, wire: int, limit: int = 65_536) -> list[int]:
        """Return the value at hand of a ``repeated int64``: one varint, or packed ones."""
        if wire == VARINT:
            return [self.number]
        packed, values = Message(self._source, self.size), []
        while self._source.offset < (packed._end or 0):
            values.append(packed._varint())
            if len(values) > limit:
                raise Malformed(f"more than {limit} numbers in a protobuf field")
        return values

    def float32(self) -> float:
        """Return the fixed 32-bit value at hand as a float."""
        value: float = struct.unpack("<f", struct.pack("<I", self.number & 0xFFFF_FFFF))[0]
        return value


def first_fields(head: bytes, most: int = 32) -> list[tuple[int, int, int, bytes]] | None:
    """Return ``(field, wire, number or length, bytes at hand)`` of a message's first fields.

    The list ends where ``head`` does. None when ``head`` cannot be the start of a message.
    """
    found: list[tuple[int, int, int, bytes]] = []
    at = 0
    while at < len(head) and len(found) < most:
        tag, at = _varint_at(head, at)
        if at < 0:
            return None if at == -2 else found
        field, wire = tag >> 3, tag & 7
        if field == 0 or field > 536_870_911 or wire in (3, 4, 6, 7):
            return None
        if wire in (VARINT, BYTES):
            number, at = _varint_at(head, at)
            if at < 0:
                return None if at == -2 else found
            if wire == BYTES:
                found.append((field, wire, number, head[at : at + number]))
                at += number
                continue
        else:
            width = 4 if wire == FIXED32 else 8
            number = int.from_bytes(head[at : at + width], "little")
            at += width
        found.append((field, wire, number, b""))
    return found


def _varint_at(head: bytes, at: int) -> tuple[int, int]:
    """Return a varint and where it ends; -1 when ``head`` ends inside it, -2 when it is wrong."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(head):
            return 0, -1
        byte = head[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    return 0, -2
