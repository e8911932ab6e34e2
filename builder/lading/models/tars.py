"""Tar archives read in order, as ``tarfile`` and its kin read them (POSIX.1-2001 pax, GNU tar, V7).

Every member is given where it lies, whatever its name is. Where unpackers disagree about what an
archive holds (a damaged header, names and sizes for all members at once, bytes behind the end),
nothing is guessed: that is a finding, or the end of the walk.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from lading.limits import LIMITS
from lading.models.report import printable
from lading.models.stream import CHUNK, Limited, Malformed, Source, Truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report

__all__ = ["BLOCK", "Header", "Member", "header_of", "members"]

BLOCK: Final = 512
# name, (mode, owner, group), size, (time), checksum, type, (link), magic, …, prefix
_HEADER: Final = struct.Struct("100s24x12s12x8sc100x8s80x155s12x")
#: Types whose size means nothing: links, devices, directories, pipes.
_EMPTY: Final = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))
_LONG_NAME, _LONG_LINK, _SPARSE, _PAX, _PAX_ALL = b"L", b"K", b"S", b"x", b"g"
_EXTENDED: Final = frozenset((_LONG_NAME, _LONG_LINK, _PAX, b"X", _PAX_ALL))
_RECORD: Final = re.compile(rb"(\d{1,9}) ([^=]+)=")
#: Records that change what a member is; the others are times, owners and comments.
_TELLING: Final = (b"path", b"linkpath", b"size")
_ZEROS: Final = bytes(BLOCK)


class Header(NamedTuple):
    """What one block says; ``size`` is that of the data which follows."""

    name: str
    kind: bytes
    size: int


class Member(NamedTuple):
    """One regular file. ``content`` is read at most once, before the next member is asked for."""

    name: str
    size: int
    content: Source


def header_of(block: bytes) -> Header | None:
    """Return what a block says when its checksum says that it is a header, else None."""
    if len(block) < BLOCK or not block[0]:
        return None
    name, size, checksum, kind, magic, prefix = _HEADER.unpack_from(block)
    recorded, length = _number(checksum), _number(size)
    if length is None or recorded is None:
        return None
    summed = block[:148] + b" " * 8 + block[156:BLOCK]
    # Old writers summed bytes with a sign.
    if recorded not in (sum(summed), sum(memoryview(summed).cast("b"))):
        return None
    path = _text(name)
    if kind == b"\0" and path.endswith("/"):
        kind = b"5"  # as V7 wrote directories
    if magic == b"ustar\x0000" and prefix[0]:
        path = f"{_text(prefix)}/{path}"
    return Header(path, kind, 0 if kind in _EMPTY else length)


def _number(field: bytes) -> int | None:
    """Return an octal number, or one in base 256; None when it is neither, or negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip() or b"0"
    return None if digits.strip(b"01234567") else int(digits, 8)


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def members(source: Source, report: Report) -> Iterator[Member]:
    """Yield every regular member, in the order of the bytes.

    Raises:
        Truncated: the archive ends inside a member, or without its mark.
        Malformed: a header is damaged, a member has holes, or there are too many.
    """
    told: dict[bytes, bytes] = {}  # what headers before a member say about it
    for _ in range(LIMITS.zip_entries):
        block = source.read(BLOCK)
        if block == _ZEROS:
            _end(source, report)
            return
        if not block:
            raise Truncated("the archive has no end, as if it were cut between two members")
        header = header_of(block)
        if header is None:
            raise Malformed(f"the header of a member is damaged, before byte {source.offset}")
        if header.kind in _EXTENDED:
            _extend(told, header, source, report)
            continue
        name = _text(told[b"path"]) if b"path" in told else header.name
        size = header.size
        if b"size" in told and header.kind not in _EMPTY:
            size = int(told[b"size"])
        if header.kind == _SPARSE or b"sparse" in told:
            raise Malformed(f"member {printable(name)} is stored with holes")
        told = {}
        content = Limited(source, size)
        if header.kind not in _EMPTY:
            yield Member(name, size, content)
        content.drain()
        source.skip(-size % BLOCK)
    raise Malformed(f"more than {LIMITS.zip_entries} members")


def _extend(told: dict[bytes, bytes], header: Header, source: Source, report: Report) -> None:
    """Take in a header that speaks of the next member, or of all that follow."""
    if header.size > LIMITS.tar_pax_header:
        raise Malformed(f"an extended header of {header.size} bytes")
    data = source.exactly(header.size)
    source.skip(-header.size % BLOCK)
    if header.kind == _LONG_NAME:
        told[b"path"] = data
    elif header.kind == _PAX_ALL and _records(data):
        text = "a header changes names or sizes of all members: unpackers disagree about it"
        report.find("tar-mismatch", text)
    elif header.kind not in (_LONG_LINK, _PAX_ALL):
        told.update(_records(data))


def _records(data: bytes) -> dict[bytes, bytes]:
    """Return the records of a pax header that change what a member is."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data) and data[at]:
        record = _RECORD.match(data, at)
        end = at + int(record[1]) if record else 0
        if record is None or end <= record.end() or data[end - 1 : end] != b"\n":
            raise Malformed("an extended header is damaged")
        key, value = record[2], data[record.end() : end - 1]
        if key.startswith(b"GNU.sparse."):
            found[b"sparse"] = value
        elif key in _TELLING and value:
            if key == b"size" and not re.fullmatch(rb"\d{1,19}", value):
                raise Malformed("an extended header gives a size that is no number")
            found[key] = value
        at = end
    return found


def _end(source: Source, report: Report) -> None:
    """Read what is left: zeros, else something that only some unpackers see."""
    while piece := source.some(CHUNK):
        if piece.strip(b"\0"):
            source.drain()
            report.find("tar-trailing-data", "bytes follow the end of the archive")
