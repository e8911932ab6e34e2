"""One 512-byte tar header, parsed and judged.

POSIX.1-2001 pax and ustar, GNU tar, V7. Where readers disagree this follows Go's ``archive/tar``,
because that is what unpacks images: what a container will see is what must be seen here. So links
and directories have no data whatever their size says.
"""

from __future__ import annotations

import struct
from zlib import adler32

from lading.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BLOCK",
    "HEADER",
    "PLAIN",
    "Remembered",
    "adler_low",
    "checksum_holds",
    "number",
    "prefixed",
    "text",
]

BLOCK = 512
# name, mode, (uid, gid), size, (mtime), checksum, type, link name, (magic, version, owner, group),
# device major, device minor, prefix
HEADER = struct.Struct("100s8s16x12s12x8sc100s72x8s8s155s12x")
# the same block by what most headers need: name, mode, size and the blank behind it, checksum,
# type, whether there is a prefix
PLAIN = struct.Struct("100s8s16x11sB12x8sB188x?166x")
_ADLER = 65521
_MAGIC, _PREFIX, _TRAILER = slice(257, 265), slice(345, 500), slice(508, 512)
_STAR_PREFIX = 131
_BLANKS = (0x00, 0x20)
_SPACES = 8 * 0x20  # the checksum field counts as blanks
_REMEMBERED = 4096


class Remembered(dict[bytes, int]):
    """What ``make`` says of a field, asked once for each content: many headers have the same."""

    def __init__(self, make: Callable[[bytes], int]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, raw: bytes) -> int:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[raw] = found = self._make(raw)
        return found


def adler_low(recorded: bytes) -> int:
    """Return what Adler-32's low half is of a header with this checksum field; -1 of no number's.

    It is 1 + the sum of all bytes modulo 65521, in C; a real sum in Python would cost more than
    all the rest of an entry.
    """
    try:
        wanted = int(recorded.strip(b" \0") or b"0", 8)
    except ValueError:
        return -1
    return (1 + wanted - _SPACES + sum(recorded)) % _ADLER


def checksum_holds(block: memoryview, recorded: bytes) -> bool:
    """Say whether the bytes of a header add up to ``recorded``, its own checksum field.

    Sums of signed bytes (old SunOS) count too.
    """
    expected = adler_low(recorded)
    if expected < 0 or adler32(block) & 0xFFFF == expected:
        return expected >= 0
    signed = memoryview(block).cast("b")
    return sum(signed[:148]) + sum(signed[156:]) + _SPACES == int(recorded.strip(b" \0") or b"0", 8)


def number(raw: bytes, what: str, where: str) -> int:
    """Return a numeric field: octal text, or base-256 when its first bit is set.

    Raises:
        InputError: neither, or negative.
    """
    digits = raw[:-1]
    if raw[-1] not in _BLANKS or not digits.isdigit():  # not what everybody writes
        if raw[0] & 0x80:
            return _base_256(raw, what, where)
        digits = raw.strip(b" \0").partition(b"\0")[0] or b"0"
    try:
        return int(digits if digits.isdigit() else b"", 8)
    except ValueError:
        raise InputError(
            f"a tar entry has no octal {what}", where=where, got=ascii(raw)[1:], wanted="octal"
        ) from None


def _base_256(raw: bytes, what: str, where: str) -> int:
    """Return a big-endian number after the marking bit; two's complement says negative."""
    if raw[0] & 0x40:
        raise InputError(f"a tar entry has a negative {what}", where=where)
    return int.from_bytes(raw, "big") & ~(0x80 << (8 * (len(raw) - 1)))


def text(raw: bytes) -> str:
    """Return a name field up to its first NUL; bytes that are not UTF-8 stay surrogate escapes."""
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def prefixed(block: memoryview, path: str) -> str:
    """Return a path with the header's prefix before it, where the header's format has one.

    Star's is shorter; V7 has none. Old GNU headers keep times in that place: where those are no
    times, it was a writer's mistake, and a prefix (``Reader.readHeader`` of Go's ``archive/tar``).
    """
    magic, prefix = bytes(block[_MAGIC]), bytes(block[_PREFIX])
    if magic[:6] == b"ustar\0":
        star = bytes(block[_TRAILER]) == b"tar\0"
        return f"{text(prefix[:_STAR_PREFIX] if star else prefix)}/{path}"
    times = prefix[:12], prefix[12:24]
    if magic == b"ustar  \0" and not all(map(_is_time, times)):
        plain = text(prefix)
        return f"{plain}/{path}" if plain.isascii() else path
    return path


def _is_time(raw: bytes) -> bool:
    """Whether Go reads a number, or nothing at all, from a field of a time."""
    if raw[0] & 0x80:
        inverted = 0xFF if raw[0] & 0x40 else 0
        return (
            not (raw[0] ^ inverted) & 0x7F
            and all(one ^ inverted == 0 for one in raw[1:4])
            and not (raw[4] ^ inverted) & 0x80
        )
    digits = raw.strip(b" \0").partition(b"\0")[0]
    return not digits or (not digits.strip(b"01234567"))
