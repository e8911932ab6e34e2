"""LZ4 frames written sequence by sequence, also such as no compressor writes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lading.models.lz4.checksum import Xxh32

if TYPE_CHECKING:
    from collections.abc import Iterable

INDEPENDENT, BLOCK_SUMS, SIZED, SUM, DICTIONARY = 32, 16, 8, 4, 1
MAGIC = b"\x04\x22\x4d\x18"
LEGACY = b"\x02\x21\x4c\x18"
SKIPPABLE = b"\x53\x2a\x4d\x18" + struct.pack("<I", 5) + b"aside"
#: Literal bytes, then how far back a copy begins and how long it is.
Sequence = tuple[bytes, int, int]


def _length(number: int) -> tuple[int, bytes]:
    """Return what the token has of a length, and the bytes that have the rest of it."""
    if number < 15:
        return number, b""
    whole, rest = divmod(number - 15, 255)
    return 15, b"\xff" * whole + bytes([rest])


def packed_block(sequences: Iterable[Sequence], last: bytes) -> bytes:
    """Return a compressed block that ends with the literal bytes ``last``."""
    out = b""
    for literals, offset, copied in sequences:
        (high, more), (low, rest) = _length(len(literals)), _length(copied - 4)
        out += bytes([high << 4 | low]) + more + literals + struct.pack("<H", offset) + rest
    high, more = _length(len(last))
    return out + bytes([high << 4]) + more + last


def content_of(sequences: Iterable[Sequence], last: bytes, before: bytes = b"") -> bytes:
    """Return what such a block stands for, byte by byte, ``before`` being what it may copy."""
    out = bytearray(before)
    for literals, offset, copied in sequences:
        out += literals
        for _ in range(copied):
            out.append(out[-offset])
    return bytes(out[len(before) :]) + last


def descriptor(flags: int, *, declared: int = 0, largest: int = 4) -> bytes:
    """Return a frame's descriptor with its checksum; version 1."""
    head = bytes([0x40 | flags, largest << 4])
    head += struct.pack("<Q", declared) if flags & SIZED else b""
    head += struct.pack("<I", 7) if flags & DICTIONARY else b""
    return head + bytes([Xxh32(head).value() >> 8 & 0xFF])


def block(data: bytes, *, stored: bool = False, flags: int = 0) -> bytes:
    """Return a block of a frame: compressed already, or to be ``stored``."""
    end = struct.pack("<I", Xxh32(data).value()) if flags & BLOCK_SUMS else b""
    return struct.pack("<I", len(data) | stored << 31) + data + end


def frame(blocks: Iterable[bytes], content: bytes = b"", *, flags: int = INDEPENDENT) -> bytes:
    """Return a frame of such blocks; ``content`` is for its size and its checksum."""
    end = struct.pack("<I", Xxh32(content).value()) if flags & SUM else b""
    head = MAGIC + descriptor(flags, declared=len(content))
    return head + b"".join(blocks) + bytes(4) + end


def stored(content: bytes) -> bytes:
    """Return a frame that holds up to 64 KiB as they are."""
    return frame([block(content, stored=True)] if content else [])


def stored_blocks(content: bytes) -> bytes:
    """Return a frame that holds as much as it takes, with a checksum."""
    pieces = (content[at : at + 65536] for at in range(0, len(content), 65536))
    return frame([block(piece, stored=True) for piece in pieces], content, flags=SUM)
