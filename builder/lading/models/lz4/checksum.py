"""XXH32, the checksum of LZ4's frames (xxHash fast digest algorithm, version 0.1.1, "XXH32").

Four accumulators take four bytes each, in turn. Here they are fields of one number, 64 bits apart,
so that one multiplication is that of all four: twice as fast as one after the other.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["STRIPE", "Xxh32"]

#: Bytes that all accumulators take in one turn.
STRIPE: Final = 16
#: Bytes that are spread into fields at once.
_SPREAD: Final = 64 * 1024

_P1, _P2, _P3, _P4, _P5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
_M: Final = 0xFFFFFFFF
#: A field's lower half is a number, its upper half is room for a product.
_FIELD: Final = b"\xff\xff\xff\xff\x00\x00\x00\x00"
_FIELDS: Final = int.from_bytes(_FIELD * 4, "little")
#: Writes a number into both halves of its field: shifted by n, the lower one is rotated.
_TWICE: Final = 1 + (1 << 32)
_START: Final = ((_P1 + _P2) & _M) | _P2 << 64 | (-_P1 & _M) << 192


class Xxh32:
    """The checksum, seed 0, of bytes that come in pieces."""

    def __init__(self, data: bytes = b"") -> None:
        self._fields = _START
        self._rest = b""  # less than a stripe
        self._size = 0
        self.update(data)

    def update(self, data: bytes) -> None:
        """Take in more bytes."""
        self._size += len(data)
        data = self._rest + data
        whole = len(data) - len(data) % STRIPE
        for at in range(0, whole, _SPREAD):
            self._stripes(data[at : min(at + _SPREAD, whole)])
        self._rest = data[whole:]

    def _stripes(self, data: bytes) -> None:
        spread = bytearray(2 * len(data))
        for at in range(4):
            spread[at::8] = data[at::4]
        lanes = int.from_bytes(spread, "little") * _P2
        lanes &= int.from_bytes(_FIELD * (len(data) // 4), "little")
        view, fields = memoryview(lanes.to_bytes(2 * len(data), "little")), self._fields
        number = int.from_bytes
        for at in range(0, len(view), 32):
            lane = number(view[at : at + 32], "little")
            fields = (((fields + lane & _FIELDS) * _TWICE >> 19) & _FIELDS) * _P1
        self._fields = fields

    def value(self) -> int:
        """Return the checksum of all bytes so far."""
        if self._size < STRIPE:
            found = _P5
        else:
            one, two, three, four = (self._fields >> shift & _M for shift in (0, 64, 128, 192))
            found = _rotated(one, 1) + _rotated(two, 7) + _rotated(three, 12) + _rotated(four, 18)
        found += self._size
        words = len(self._rest) // 4
        for word in struct.unpack_from(f"<{words}I", self._rest):
            found = _rotated(found + word * _P3 & _M, 17) * _P4
        for byte in self._rest[words * 4 :]:
            found = _rotated(found + byte * _P5 & _M, 11) * _P1
        found &= _M
        found = (found ^ found >> 15) * _P2 & _M
        found = (found ^ found >> 13) * _P3 & _M
        return found ^ found >> 16


def _rotated(number: int, by: int) -> int:
    return (number << by | number >> 32 - by) & _M
