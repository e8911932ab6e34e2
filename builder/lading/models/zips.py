"""ZIP archives read in order, by their local headers (PKWARE APPNOTE 6.3.10, section 4.3.7).

Loaders trust the central directory at the end; a reader of a stream cannot, and should not: what
the two disagree on is how a payload hides. Here every member is visited where it lies, its
local header must look valid as a whole (four bytes occur by chance in gigabytes of weights), and
gaps are searched for more. The central directory is only compared at the end: an entry that was
not visited, or differs, makes the archive unscannable.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lading.inventory import Level
from lading.limits import LIMITS
from lading.models.decompressors import Inflated
from lading.models.report import printable
from lading.models.stream import CHUNK, Limited, Malformed, Source, Truncated
from lading.models.zipindex import CENTRAL, END, LocalHeader, check_directory, zip64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report

__all__ = ["Evasive", "Member", "members"]

_LOCAL: Final = b"PK\x03\x04"
_DESCRIPTOR: Final = b"PK\x07\x08"
#: What a gap ends with: a member, a directory, or the end record of one.
_MARKS: Final = re.compile(rb"PK(?:\x03\x04|\x01\x02|\x05\x06)")

_STORED, _DEFLATED = 0, 8
_METHODS: Final = frozenset({0, 1, 6, 8, 9, 12, 14, 19, 93, 94, 95, 96, 97, 98, 99})
_ENCRYPTED: Final = 1
_SUMMED: Final = 64 * CHUNK
_HAS_DESCRIPTOR: Final = 8


class Evasive(Malformed):
    """Bytes that no writer makes, and that would keep a reader busy: nobody may look past them."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member. ``content`` is read at most once, before the next member is asked for.

    ``content`` is None when the method is unknown or the member is encrypted.
    """

    name: str
    size: int | None  # uncompressed bytes, when the local header says so
    content: Source | None


def members(source: Source, report: Report, *, program: bool = False) -> Iterator[Member]:
    """Yield every member in the order of the bytes; then compare with the central directory.

    Bytes before the first member are a finding, unless they are a ``program``.
    """
    walk = _Walk(source, report, program=program)
    yield from walk.members()


class _Walk:
    def __init__(self, source: Source, report: Report, *, program: bool) -> None:
        self._source = source
        self._report = report
        self._program = program
        self._seen: dict[int, LocalHeader] = {}
        self._directories = 0
        self._gaps = 0

    def members(self) -> Iterator[Member]:
        source = self._source
        while True:
            mark = source.peek(4)
            if mark == _LOCAL:
                at = source.offset
                header = _local_header(source, at)
                if header is not None:
                    if len(self._seen) >= LIMITS.zip_entries:
                        raise Malformed(f"more than {LIMITS.zip_entries} members")
                    self._first(at)
                    self._seen[at] = header
                    yield from self._member(header)
                    continue
            elif (
                mark == CENTRAL and self._seen and check_directory(source, self._seen, self._report)
            ):
                # Loaders take the last directory: another archive may follow this one.
                self._directories += 1
                if self._directories > LIMITS.zip_directories:
                    raise Evasive(f"more than {LIMITS.zip_directories} central directories")
                continue
            elif mark == END and self._seen:
                text = f"an end record at byte {source.offset} follows no central directory"
                self._report.find("zip-directory-mismatch", text)
            elif len(mark) < 4:
                source.drain()
                break
            self._gap()
        if self._seen and not self._directories:
            self._report.find("zip-no-directory", "the archive has no central directory")

    def _first(self, at: int) -> None:
        """Tell what another reader sees before the first member."""
        if at and not self._seen and not self._program:
            text = f"the archive begins at byte {at}: nobody knows what lies before it"
            self._report.find("zip-behind-data", text)

    def _gap(self) -> None:
        """Step to the next place where a header may be."""
        self._gaps += 1
        if self._gaps > LIMITS.zip_entries:
            raise Evasive(f"more than {LIMITS.zip_entries} marks of members that are none")
        self._source.skip(1)
        self._source.seek(_MARKS, b"PK")

    def _member(self, header: LocalHeader) -> Iterator[Member]:
        source = self._source
        start = source.offset
        if header.flags & _ENCRYPTED or header.method not in (_STORED, _DEFLATED):
            why = "encrypted" if header.flags & _ENCRYPTED else f"of method {header.method}"
            self._report.find("zip-unreadable-member", f"member {printable(header.name)} is {why}")
            yield Member(header.name, None, None)
            if header.compressed is not None:
                source.skip(header.compressed)
            return
        raw: Source
        if header.compressed is not None:
            raw = Limited(source, header.compressed)
        elif header.method == _STORED:
            raw = _UntilDescriptor(source)
        else:
            raw = source
        content: Source = raw if header.method == _STORED else Inflated(raw, -15, self._report)
        checked = _Checked(content, header.size)
        yield Member(header.name, header.size, checked)
        try:
            # Sums cost time: members that nobody has read, and large ones, are only passed over.
            if checked.offset and (header.size or 0) <= _SUMMED:
                checked.drain()
            (content if header.compressed is None else raw).drain()
        except Truncated:
            raise
        except Malformed as error:
            text = f"member {printable(header.name)}: {error}"
            self._report.find("zip-bad-member", text)
            raw.drain()
        crc = header.crc
        if header.compressed is None:
            self._seen[header.at] = replace(header, compressed=source.offset - start)
            crc = self._descriptor()
        if crc is not None and checked.complete and checked.crc != crc:
            text = f"member {printable(header.name)} has another checksum than its header says"
            self._report.find("zip-bad-checksum", text, Level.WARNING)

    def _descriptor(self) -> int | None:
        """Consume the data descriptor that follows a member; return its checksum."""
        source = self._source
        if source.peek(4) != _DESCRIPTOR:
            return None
        crc: int = struct.unpack("<4xI", source.exactly(8))[0]
        # Sizes have four or eight bytes, nothing says which: a header follows them.
        for width in (8, 16):
            follows = source.peek(width + 4)[width:]
            if follows[:2] == b"PK" or not follows:
                source.skip(width)
                break
        return crc


class _Checked(Source):
    """Passes bytes on and sums them, as far as they are read; never more than declared."""

    def __init__(self, parent: Source, size: int | None) -> None:
        super().__init__()
        self._parent = parent
        self._left = size
        self.crc = 0
        self.complete = False

    def _fill(self) -> bytes:
        piece = self._parent.some(CHUNK)
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise Malformed("a member is larger than its header says")
        if piece:
            self.crc = zlib.crc32(piece, self.crc)
        else:
            self.complete = True
        return piece


class _UntilDescriptor(Source):
    """A stored member of unknown size: it ends where a descriptor says how long it was."""

    def __init__(self, parent: Source) -> None:
        super().__init__()
        self._parent = parent
        self._given = 0
        self._ended = False

    def _fill(self) -> bytes:
        if self._ended:
            return b""
        if self._is_end():
            self._ended = True
            return b""
        piece = self._parent.some(CHUNK)
        if not piece:
            raise Truncated("a stored member ends without a descriptor")
        # A mark may begin in the last bytes of a piece: those wait for the next.
        found = piece.find(b"PK\x07\x08", 1)
        if found < 0 and b"P" in piece[-3:] and len(piece) > 3:
            found = piece.rindex(b"P", len(piece) - 3)
        if found > 0:
            self._parent.back(len(piece) - found)
            piece = piece[:found]
        self._given += len(piece)
        return piece

    def _is_end(self) -> bool:
        head = self._parent.peek(24)
        if head[:4] != _DESCRIPTOR:
            return False
        for form, width in (("<8xII", 16), ("<8xQQ", 24)):
            if len(head) >= width and struct.unpack(form, head[:width]) == (self._given,) * 2:
                return True
        return False


def _local_header(source: Source, at: int) -> LocalHeader | None:
    """Consume a local header if all of it looks like one; None, nothing consumed, if not."""
    fixed = source.peek(30)
    if len(fixed) < 30:
        return None
    (version, flags, method, _time, date, crc, compressed, size, name_length, extra_length) = (
        struct.unpack("<4xHHHHHIIIHH", fixed)
    )
    month, day = date >> 5 & 15, date & 31
    if version & 0xFF > 63 or method not in _METHODS or not name_length or month > 12 or day > 31:
        return None
    if name_length > LIMITS.tar_path_length:
        return None
    whole = source.peek(30 + name_length + extra_length)
    if len(whole) < 30 + name_length + extra_length:
        return None
    name = whole[30 : 30 + name_length].decode("utf-8", "replace")
    if not name.isprintable() and "\N{REPLACEMENT CHARACTER}" not in name:
        return None
    source.skip(len(whole))
    known: int | None = compressed
    plain: int | None = size
    if compressed == 0xFFFF_FFFF or size == 0xFFFF_FFFF:
        plain, known = zip64(whole[30 + name_length :], (size, compressed))
    if flags & _HAS_DESCRIPTOR and not known:
        known = plain = None
    return LocalHeader(at, name, method, flags, None if known is None else crc, known, plain)
