"""The central directory of a ZIP archive, compared with the members that were visited.

Loaders differ in what they believe: the offset or the place of the directory, local sizes or the
directory's. An archive is read only one way when all of them agree; where they do not, a payload
can hide from one reader and run in another, and the archive is unscannable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from lading.limits import LIMITS
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["CENTRAL", "END", "LocalHeader", "check_directory", "zip64"]

END: Final = b"PK\x05\x06"
CENTRAL: Final = b"PK\x01\x02"
_END64, _LOCATOR = b"PK\x06\x06", b"PK\x06\x07"
#: Flags, method, sizes, lengths, offset; other fields are of no use.
_HEAD: Final = struct.Struct("<4x4xHH4x4xIIHHH8xI")
#: Entries, size, offset and comment length of the end record (APPNOTE 4.3.16).
_END_FIELDS: Final = struct.Struct("<10xHIIH")
#: Size of the record, entries, size and offset of the ZIP64 end record (APPNOTE 4.3.14).
_END64_FIELDS: Final = struct.Struct("<4xQ20xQQQ")
_END64_SIZE: Final = 44  # without extensible data, which no writer writes
_SATURATED: Final = 0xFFFF_FFFF
_FULL: Final = (0xFFFF, _SATURATED, _SATURATED)


@dataclass(frozen=True, slots=True)
class LocalHeader:
    """A member as its local header and its bytes show it; None is what they do not say."""

    at: int
    name: str
    method: int
    flags: int
    crc: int | None
    compressed: int | None
    size: int | None


class _Entry(NamedTuple):
    at: int
    name: str
    method: int
    compressed: int
    size: int


def check_directory(source: Source, visited: Mapping[int, LocalHeader], report: Report) -> bool:
    """Compare the directory that starts at the next byte; False, nothing consumed, if none does.

    What a loader would find through it and we have not visited is a finding.
    """
    start = source.offset
    head = source.peek(_HEAD.size)
    if len(head) < _HEAD.size or _HEAD.unpack(head)[1] > 99:
        return False
    listed: set[int] = set()
    count = 0
    while source.peek(4) == CENTRAL:
        count += 1
        if count > LIMITS.zip_entries:
            raise Malformed(f"more than {LIMITS.zip_entries} entries in the central directory")
        entry = _entry(source)
        listed.add(entry.at)
        _compare(entry, visited.get(entry.at), report)
    for at, header in visited.items():
        if at not in listed and at < start:
            text = f"the directory does not name {printable(header.name)} at byte {at}"
            report.find("zip-unlisted-member", text)
    _check_end(source, (count, source.offset - start, start), report)
    return True


def _compare(entry: _Entry, header: LocalHeader | None, report: Report) -> None:
    at, name = entry.at, printable(entry.name)
    if header is None:
        text = f"the directory names {name} at byte {at}, where no member begins"
        report.find("zip-hidden-member", text)
    elif header.name != entry.name or header.method != entry.method:
        text = f"the directory calls {printable(header.name)} at byte {at} {name}"
        report.find("zip-member-mismatch", text)
    elif header.compressed not in (None, entry.compressed) or header.size not in (None, entry.size):
        text = f"the directory gives {name} at byte {at} another size than its header does"
        report.find("zip-member-mismatch", text)


def _entry(source: Source) -> _Entry:
    """Consume one entry; sizes and offset are those of its ZIP64 field where it has them."""
    fields = _HEAD.unpack(source.exactly(_HEAD.size))
    _flags, method, compressed, size, name, extra, comment, offset = fields
    text = source.exactly(name).decode("utf-8", "replace")
    data = source.exactly(extra)
    source.skip(comment)
    size, compressed, offset = zip64(data, (size, compressed, offset))
    return _Entry(offset, text, method, compressed, size)


def zip64(extra: bytes, values: tuple[int, ...]) -> list[int]:
    """Return ``values``, the saturated ones replaced from the extra field (APPNOTE 4.5.3)."""
    at = 0
    real: Iterator[int] = iter(())
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            real = (value for (value,) in struct.iter_unpack("<Q", field[: length & ~7]))
            break
        at += 4 + length
    return [next(real, value) if value == _SATURATED else value for value in values]


def _check_end(source: Source, directory: tuple[int, int, int], report: Report) -> None:
    """Consume what follows a directory of so many (entries, bytes) at an offset; it must agree."""
    at = source.offset
    told: list[tuple[int, int, int]] = []
    if source.peek(4) == _END64:
        length, *fields = _END64_FIELDS.unpack(source.exactly(_END64_FIELDS.size))
        told.append((fields[0], fields[1], fields[2]))
        locator = source.exactly(20)
        if length != _END64_SIZE or locator[:4] + locator[8:16] != _LOCATOR + struct.pack("<Q", at):
            _disagree(report, "its ZIP64 end record", at)
    if source.peek(4) != END:
        _disagree(report, "its end record", source.offset)
        return
    count, length, offset, comment = _END_FIELDS.unpack(source.exactly(_END_FIELDS.size))
    short = (count, length, offset)
    # Saturated values defer to the ZIP64 record.
    if not told or any(
        one not in (long, full) for one, long, full in zip(short, told[0], _FULL, strict=True)
    ):
        told.append(short)
    if any(one != directory for one in told):
        _disagree(report, "its end record", at)
    if END in source.exactly(comment):
        _disagree(report, "the archive's comment", at)


def _disagree(report: Report, what: str, at: int) -> None:
    text = f"{what} and the central directory before byte {at} do not agree"
    report.find("zip-directory-mismatch", text)
