"""One 512-byte tar header and the extended headers that may precede it, parsed and judged.

POSIX.1-2001 pax and ustar, GNU tar, V7. Where readers disagree this follows Go's ``archive/tar``,
because that is what unpacks images: what a container will see is what must be seen here. So links
and directories have no data whatever their size says, global pax headers do not apply to entries,
and GNU long names win over pax ones.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from zlib import adler32

from lading.errors import InputError

__all__ = ["BLOCK", "HEADER", "Extended", "checksum_holds", "number", "prefixed", "text"]

BLOCK = 512
# name, mode, (uid, gid), size, (mtime), checksum, type, link name, magic and version, (owner,
# group), device major, device minor, prefix
HEADER = struct.Struct("100s8s16x12s12x8sc100s8s64x8s8s155s12x")
_ADLER = 65521
_BLANKS = (0x00, 0x20)
_SPACES = 8 * 0x20  # the checksum field counts as blanks
_PATHS = {"path": "path", "linkpath": "link", "GNU.sparse.name": "name"}
_DECIMAL = re.compile(rb"[0-9]{1,19}")


def checksum_holds(block: memoryview, recorded: bytes) -> bool:
    """Say whether the bytes of a header add up to ``recorded``, its own checksum field.

    Adler-32's low half is 1 + the sum of all bytes modulo 65521, in C; a real sum in Python
    would cost more than all the rest of an entry. Sums of signed bytes (old SunOS) count too.
    """
    try:
        wanted = int(recorded.strip(b" \0") or b"0", 8)
    except ValueError:
        return False
    if adler32(block) & 0xFFFF == (1 + wanted - _SPACES + sum(recorded)) % _ADLER:
        return True
    signed = memoryview(block).cast("b")
    return sum(signed[:148]) + sum(signed[156:]) + _SPACES == wanted


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


@dataclass(slots=True)
class Extended:
    """What the headers before an entry say about it; None and empty mean nothing."""

    path: str | None = None
    link: str | None = None
    size: int | None = None
    name: str | None = None  # GNU.sparse.name, whose ``path`` is made up
    long_name: str | None = None
    long_link: str | None = None
    sparse: dict[str, str] = field(default_factory=dict)  # GNU.sparse.* records
    sparse_map: list[tuple[str, str]] = field(default_factory=list)  # pax 0.0, in order

    def add(self, flag: bytes, content: bytes, where: str) -> None:
        """Take in one header by its type: ``x``, ``g`` (which changes nothing), ``L`` or ``K``.

        Raises:
            InputError: it is malformed.
        """
        if flag == b"L":
            self.long_name = text(content)
        elif flag == b"K":
            self.long_link = text(content)
        else:
            found = parse_pax(content, where)
            if flag == b"x":
                found.long_name, found.long_link = self.long_name, self.long_link
                for name in self.__slots__:
                    setattr(self, name, getattr(found, name))

    def apply(self, path: str, link: str, size: int) -> tuple[str, str, int]:
        """Return what the entry's plain header says, overruled."""
        return (
            self.long_name or self.name or self.path or path,
            self.long_link or self.link or link,
            size if self.size is None else self.size,
        )


def _records(content: bytes, where: str) -> list[tuple[str, str]]:
    """Split ``LENGTH KEY=VALUE`` records, each ended by a newline; lengths count themselves."""
    found = []
    at = 0
    while at < len(content):
        blank = content.find(b" ", at, at + 20)
        length = content[at:blank] if blank > at else b""
        end = at + int(length) if _DECIMAL.fullmatch(length) else at
        record = content[blank + 1 : end - 1]
        key, equals, value = record.partition(b"=")
        if end <= blank or end > len(content) or content[end - 1 : end] != b"\n" or not equals:
            raise InputError("a pax header is damaged", where=where)
        if not key:
            raise InputError("a pax header has a record without a key", where=where)
        found.append(
            (key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        )
        at = end
    return found


def parse_pax(content: bytes, where: str) -> Extended:
    """Return the records that matter here; times, owners and extended attributes do not.

    An empty value keeps what the plain header says.

    Raises:
        InputError: malformed records, a NUL in a path, a size that is no number.
    """
    found = Extended()
    for key, value in _records(content, where):
        if key in _PATHS:
            if "\0" in value:
                raise InputError(f"a pax {key} contains a NUL", where=where)
            setattr(found, _PATHS[key], value or None)
        elif key == "size" and value:
            found.size = _size(value, where)
        elif key in {"GNU.sparse.offset", "GNU.sparse.numbytes"}:
            found.sparse_map.append((key, value))
        elif key.startswith("GNU.sparse."):
            found.sparse[key] = value
    return found


def _size(value: str, where: str) -> int:
    if not _DECIMAL.fullmatch(value.encode("utf-8", "surrogateescape")):
        raise InputError("a pax size is no number", where=where, got=ascii(value[:40]))
    return int(value)


def prefixed(magic: bytes, prefix: bytes, path: str) -> str:
    """Return a path with the header's prefix before it, where the header's format has one.

    Old GNU headers keep times in that place; V7 ones nothing.
    """
    if magic[:6] != b"ustar\0":
        return path
    return f"{text(prefix)}/{path}"
