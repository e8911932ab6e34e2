"""What bytes are compressed with, and what they are without."""

from __future__ import annotations

import lzma
import zlib
from typing import Final

from lading.models.decompressors import GZIP, Inflated, Unpacked, Unzstd, engine_of
from lading.models.lz4 import frames as lz4
from lading.models.report import Report
from lading.models.stream import BytesSource, Malformed, Source

__all__ = ["compression", "peek_inside", "unpacked"]

#: Frames in front that both LZ4 and Zstandard pass over: more than a few say nothing at all.
_SKIPPED: Final = 16


def _kind(head: bytes) -> str | None:
    """Name the compression that ``head`` is the start of."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:3] == b"BZh":
        return "bz2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:3] == b"\x5d\x00\x00":
        return "lzma"
    if head[:4] == b"\x28\xb5\x2f\xfd":
        return "zstd"
    if head[:4] in (lz4.MAGIC, lz4.LEGACY):
        return "lz4"
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    return None


def unpacked(source: Source, report: Report) -> Source | None:
    """Return a source of what ``source`` holds compressed, or None when it is not compressed.

    Raises:
        Malformed: it begins with frames to be passed over, and nothing follows them.
    """
    for _ in range(_SKIPPED):
        if not lz4.is_skippable(source.peek(4)):
            break
        lz4.skip_frame(source)
    kind = _kind(source.peek(8))
    if kind is None:
        return None
    if kind == "zstd":
        return Unzstd(source, report)
    if kind == "lz4":
        return lz4.Unlz4(source, report)
    if kind in ("gzip", "zlib"):
        return Inflated(source, GZIP if kind == "gzip" else 15, report)
    return Unpacked(source, kind, report)


def compression(head: bytes) -> str | None:
    """Name what a file that starts with ``head`` is compressed with; None when it is not.

    "skipped" when all that shows is frames to be passed over.
    """
    return _kind(_unskipped(head)) or ("skipped" if lz4.is_skippable(head) else None)


def peek_inside(head: bytes, size: int) -> bytes:
    """Return up to ``size`` first bytes of what a file that starts with ``head`` holds compressed.

    ``b""`` when it is not compressed, or the start of it does not decompress.
    """
    head = _unskipped(head)
    kind = _kind(head)
    if kind is None:
        return b""
    try:
        if kind in ("gzip", "zlib"):
            return zlib.decompressobj(GZIP if kind == "gzip" else 15).decompress(head, size)
        if kind == "zstd":
            return Unzstd(BytesSource(head), Report("")).peek(size)
        if kind == "lz4":
            return lz4.Unlz4(BytesSource(head), Report(""), cut=True).peek(size)
        return engine_of(kind).decompress(head, size)
    except (zlib.error, OSError, EOFError, lzma.LZMAError, Malformed):
        return b""


def _unskipped(head: bytes) -> bytes:
    """Return what is behind frames in front that are to be passed over."""
    for _ in range(_SKIPPED):
        if not lz4.is_skippable(head):
            break
        head = head[8 + int.from_bytes(head[4:8], "little") :]
    return head
