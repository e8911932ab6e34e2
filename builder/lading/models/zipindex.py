"""The central directory of a ZIP archive, compared with the members that were visited."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["LocalHeader", "check_directory"]

_CENTRAL: Final = b"PK\x01\x02"
#: Flags, method, checksum, sizes, lengths, offset; other fields are of no use.
_HEAD: Final = struct.Struct("<4x4xHH4xIIIHHH8xI")


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """A member as its local header describes it; sizes and checksum None when they follow it."""

    at: int
    name: str
    method: int
    flags: int
    crc: int | None
    compressed: int | None
    size: int | None


def check_directory(source: Source, visited: Mapping[int, LocalHeader], report: Report) -> bool:
    """Compare the directory that starts at the next byte; False, nothing consumed, if none does.

    What a loader would find through it and we have not visited is a finding.
    """
    start = source.offset
    head = source.peek(_HEAD.size)
    if len(head) < _HEAD.size:
        return False
    if _HEAD.unpack(head)[1] > 99:
        return False
    entries: list[tuple[int, str, int, int]] = []
    while source.peek(4) == _CENTRAL:
        if len(entries) >= LIMITS.zip_entries:
            raise Malformed(f"more than {LIMITS.zip_entries} entries in the central directory")
        entries.append(_entry(source))
    shift = _shift(source, start)
    wanted = {at + shift: (name, method) for at, name, method, _ in entries}
    for at, (name, method) in wanted.items():
        header = visited.get(at)
        if header is None:
            text = f"the directory names {printable(name)} at byte {at}, where no member begins"
            report.find("zip-hidden-member", text)
        elif header.name != name or header.method != method:
            text = f"the directory calls {printable(header.name)} at byte {at} {printable(name)}"
            report.find("zip-member-mismatch", text)
    for at, header in visited.items():
        if at not in wanted and at < start:
            text = f"the directory does not name {printable(header.name)} at byte {at}"
            report.find("zip-unlisted-member", text)
    return True


def _entry(source: Source) -> tuple[int, str, int, int]:
    """Consume one entry; return its member's offset, name, method and compressed size."""
    fields = _HEAD.unpack(source.exactly(_HEAD.size))
    _flags, method, _crc, compressed, size, name, extra, comment, offset = fields
    text = source.exactly(name).decode("utf-8", "replace")
    data = source.exactly(extra)
    source.skip(comment)
    if 0xFFFF_FFFF in (offset, compressed, size):
        offset = _zip64_offset(data, offset, (size, compressed))
    return offset, text, method, compressed


def _zip64_offset(extra: bytes, offset: int, sizes: tuple[int, int]) -> int:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1 and offset == 0xFFFF_FFFF:
            skip = 8 * sum(one == 0xFFFF_FFFF for one in sizes)
            return int.from_bytes(extra[at + 4 + skip : at + 12 + skip], "little")
        at += 4 + length
    return offset


def _shift(source: Source, start: int) -> int:
    """Return by how much offsets are off because something was put before the archive."""
    if source.peek(4) == b"PK\x06\x06":
        fields = source.exactly(56)
        source.skip(max(0, int.from_bytes(fields[4:12], "little") - 44) & 0xFFFF)
        if source.peek(4) == b"PK\x06\x07":
            source.skip(20)
        return start - int.from_bytes(fields[48:56], "little")
    if source.peek(4) == b"PK\x05\x06":
        fields = source.peek(22)
        declared = int.from_bytes(fields[16:20], "little")
        return start - declared if declared != 0xFFFF_FFFF else 0
    return 0
