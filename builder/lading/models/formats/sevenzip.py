"""7z archives: what they list is told, what they hold is not looked into.

``7zFormat.txt`` of the LZMA SDK: a start header says where the header is, at the end; the header
is mostly compressed itself, by one coder, right before what says so. Names in it are UTF-16; they
are searched, and not parsed. A listing that is encrypted, or by another coder, may hide anything.
"""

from __future__ import annotations

import lzma
import posixpath
import re
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import BytesSource, Malformed
from lading.models.suffixes import names_model

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "looks_like", "parse"]

FORMAT: Final = "7z"
MAGIC: Final = b"7z\xbc\xaf\x27\x1c"
_START: Final = 32  # bytes of the start header
#: Bytes of a header, and of what lies before it, that are read.
_HEADER: Final = 16 * 1024 * 1024
_BEFORE: Final = 1024 * 1024
_PLAIN, _PACKED = 1, 0x17
_PACK, _SIZE, _DIGEST, _UNPACK, _FOLDER, _UNPACKED = 6, 9, 10, 7, 11, 12
_COPY, _LZMA, _LZMA2 = b"\x00", b"\x03\x01\x01", b"\x21"
#: Two characters and more of a name; before the first name, what says that names follow.
_NAME: Final = re.compile(
    rb"(?:\x11(?:[\x00-\x7f]|[\x80-\xbf].|[\xc0-\xdf]..)\x00)?((?:[\x20-\x7e]\x00){2,1000})",
    re.DOTALL,
)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts such an archive."""
    return head.startswith(MAGIC)


def parse(source: Source, report: Report) -> bool:
    """Read the listing; False when it can be read and names nothing of a model's."""
    report.format = FORMAT
    start = source.exactly(_START)
    offset, size = (int.from_bytes(start[at : at + 8], "little") for at in (12, 20))
    promised = names_model(posixpath.basename(report.named))
    if not size and not promised:
        return False
    before = min(offset, _BEFORE)
    source.skip(offset - before)
    nearby = source.exactly(before)
    if size > _HEADER:
        raise Malformed(f"its listing has {size} bytes: it may name anything")
    names = _names(_listing(source.exactly(size), nearby, offset))
    named = [name for name in names if names_model(posixpath.basename(f"-{name.lower()}"))]
    if not named and not promised:
        return False
    report.fact(v.MEMBERS, [printable(name) for name in named[:64]], "listing")
    what = f"with {printable(named[0])} in it" if named else "under a model's name"
    report.find("unscannable", f"a 7z archive {what} is not looked into")
    return True


def _names(listing: bytes) -> list[str]:
    """Return the texts of two and more characters, whichever way they are aligned."""
    return [found.decode("utf-16-le") for found in _NAME.findall(listing)]


def _listing(header: bytes, nearby: bytes, offset: int) -> bytes:
    """Return the header without its compression; ``nearby`` ends ``offset`` bytes after the start.

    Raises:
        Malformed: nobody can know what it lists.
    """
    if header[:1] == bytes([_PLAIN]) or not header:
        return header
    if header[0] != _PACKED:
        raise Malformed("its listing is of no known kind")
    place, packed, coder, options, unpacked = _folder(BytesSource(header[1:]))
    at = place - (offset - len(nearby))
    data = nearby[at : at + packed] if at >= 0 else b""
    if unpacked > _HEADER or len(data) < packed:
        raise Malformed("its listing lies where nobody looks: it may name anything")
    return _listing_of(data, coder, options, unpacked)


def _listing_of(data: bytes, coder: bytes, options: bytes, size: int) -> bytes:
    if coder == _COPY:
        return data
    chosen: dict[str, int] = {"dict_size": max(size, 1 << 16)}  # no more can be referred to
    if coder == _LZMA and len(options) == 5:
        rest, lc = divmod(options[0], 9)
        pb, lp = divmod(rest, 5)
        chosen |= {"id": lzma.FILTER_LZMA1, "lc": lc, "lp": lp, "pb": pb}
    elif coder == _LZMA2:
        chosen |= {"id": lzma.FILTER_LZMA2}
    else:
        raise Malformed("its listing is encrypted, or of an unknown coder: it may name anything")
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen]).decompress(data, size)
    except (lzma.LZMAError, ValueError) as error:
        raise Malformed(f"its listing cannot be decompressed: {error}") from None


def _folder(source: Source) -> tuple[int, int, bytes, bytes, int]:
    """Return place and size of a packed stream; its coder, the coder's options, what it gives."""
    _expect(source, _PACK)
    place, streams = _number(source), _number(source)
    _expect(source, _SIZE)
    packed = _number(source)
    _to(source, _UNPACK, streams)
    _expect(source, _FOLDER)
    folders, external, coders = _number(source), source.byte(), _number(source)
    flags = source.byte()
    if (streams, folders, external, coders) != (1, 1, 0, 1) or flags < 0 or flags & 0xD0:
        raise Malformed("its listing is encrypted, or of several coders: it may name anything")
    coder = source.exactly(flags & 0x0F)
    options = source.exactly(_number(source)) if flags & 0x20 else b""
    _expect(source, _UNPACKED)
    return place, packed, coder, options, _number(source)


def _expect(source: Source, identifier: int) -> None:
    if source.byte() != identifier:
        raise Malformed("its listing is of no known form")


def _to(source: Source, identifier: int, streams: int) -> None:
    """Pass over digests of the packed streams, to the next part."""
    found = source.byte()
    if found == _DIGEST and streams == 1:
        source.skip(5)  # that all are defined, and the one of 32 bits
        found = source.byte()
    if found == 0:
        found = source.byte()
    if found != identifier:
        raise Malformed("its listing is of no known form")


def _number(source: Source) -> int:
    """Read a number: as many bytes follow the first as it has ones in front."""
    first = source.exactly(1)[0]
    more = 8 - (~first & 0xFF).bit_length()
    rest = int.from_bytes(source.exactly(more), "little")
    return rest | (first & (0xFF >> (more + 1))) << 8 * more
