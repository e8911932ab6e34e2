"""Decompressors as sources: streaming, and never more bytes than the report still allows."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, Final, Protocol

from lading.models.report import Report
from lading.models.stream import CHUNK, BytesSource, Malformed, Source, Truncated

__all__ = ["Inflated", "Unpacked", "Unzstd", "peek_inside", "peek_lz4", "unpacked"]

#: Compressed bytes that are handed to a decompressor at once.
_PIECE: Final = 64 * 1024
_LZMA_MEMORY: Final = 64 * 1024 * 1024
_ZSTD_WINDOW: Final = 128 * 1024 * 1024  # what the reference tool allows without being asked
_LZ4: Final = b"\x04\x22\x4d\x18"


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Inflated(Source):
    """What zlib gives for the bytes of ``parent``; stops at the end of the compressed stream.

    ``wbits`` as in :func:`zlib.decompressobj`: -15 raw, 15 zlib, 31 gzip. Bytes of the parent
    that follow the stream stay unread.
    """

    def __init__(self, parent: Source, wbits: int, report: Report) -> None:
        super().__init__()
        self._parent = parent
        self._report = report
        self._inflate = zlib.decompressobj(wbits)
        self._pending = b""

    def _fill(self) -> bytes:
        while not self._inflate.eof:
            # Without more data there may be more output: a few bytes can stand for a megabyte.
            data = self._pending or self._parent.some(_PIECE)
            try:
                out = self._inflate.decompress(data, CHUNK)
            except zlib.error as error:
                raise Malformed(f"bad compressed data: {error}") from None
            self._pending = self._inflate.unconsumed_tail
            if self._inflate.eof:
                self._parent.back(len(self._inflate.unused_data))
            if out:
                return _allowed(out, self._report)
            if not data and not self._inflate.eof:
                raise Truncated("the compressed data ends too early")
        return b""


class Unpacked(Source):
    """What bz2 or lzma give for the bytes of ``parent``; several streams in a row are one."""

    def __init__(self, parent: Source, kind: str, report: Report) -> None:
        super().__init__()
        self._parent = parent
        self._report = report
        self._kind = kind
        self._engine = _engine(kind)
        self._rest = b""

    def _fill(self) -> bytes:
        while True:
            if self._engine.eof:
                self._rest = self._engine.unused_data or self._parent.some(_PIECE)
                if not self._rest:
                    return b""
                self._engine = _engine(self._kind)
            data, self._rest = self._rest, b""
            if not data and getattr(self._engine, "needs_input", True):
                data = self._parent.some(_PIECE)
                if not data:
                    raise Truncated("the compressed data ends too early")
            try:
                out = self._engine.decompress(data, CHUNK)
            except (OSError, EOFError, lzma.LZMAError) as error:
                raise Malformed(f"bad compressed data: {error}") from None
            if out:
                return _allowed(out, self._report)


class Unzstd(Source):
    """What zstd gives for the bytes of ``parent``, all its frames."""

    def __init__(self, parent: Source, report: Report) -> None:
        import zstandard

        super().__init__()
        self._report = report
        self._error: type[Exception] = zstandard.ZstdError
        engine: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._reader = engine.stream_reader(
            _Readable(parent), read_size=_PIECE, read_across_frames=True
        )

    def _fill(self) -> bytes:
        try:
            out: bytes = self._reader.read(CHUNK)
        except self._error as error:
            raise Malformed(f"bad compressed data: {error}") from None
        return _allowed(out, self._report)


class _Readable:
    """A source with the method that zstandard calls."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int) -> bytes:
        return self._source.some(size)


def _engine(kind: str) -> _Decompressor:
    if kind == "bz2":
        return bz2.BZ2Decompressor()
    container = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(container, memlimit=_LZMA_MEMORY)


def _allowed(out: bytes, report: Report) -> bytes:
    report.inflatable -= len(out)
    if report.inflatable < 0:
        raise Malformed("the compressed data grows past every bound")
    return out


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
    if head[:1] == b"\x78" and len(head) > 1 and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    return None


def unpacked(source: Source, report: Report) -> Source | None:
    """Return a source of what ``source`` holds compressed, or None when it is not compressed.

    Raises:
        Malformed: it is compressed in a way that cannot be undone here.
    """
    head = source.peek(8)
    if head[:4] == _LZ4:
        raise Malformed("it is compressed with LZ4, which nothing here decompresses")
    kind = _kind(head)
    if kind is None:
        return None
    if kind == "zstd":
        return Unzstd(source, report)
    if kind in ("gzip", "zlib"):
        return Inflated(source, 31 if kind == "gzip" else 15, report)
    return Unpacked(source, kind, report)


def peek_inside(head: bytes, size: int) -> bytes:
    """Return up to ``size`` first bytes of what a file that starts with ``head`` holds compressed.

    ``b""`` when it is not compressed, or the start of it does not decompress.
    """
    kind = _kind(head)
    if kind is None:
        return b""
    try:
        if kind in ("gzip", "zlib"):
            return zlib.decompressobj(31 if kind == "gzip" else 15).decompress(head, size)
        if kind == "zstd":
            return Unzstd(BytesSource(head), Report("")).peek(size)
        return _engine(kind).decompress(head, size)
    except (zlib.error, OSError, EOFError, lzma.LZMAError, Malformed):
        return b""


def peek_lz4(head: bytes) -> bytes:
    """Return the first bytes of what an LZ4 frame holds, as far as they lie there as they are.

    A block's first sequence begins with literals (LZ4 block format, "Compressed block format";
    LZ4 frame format, "Frame descriptor").
    """
    if head[:4] != _LZ4 or len(head) < 32:
        return b""
    flags = head[4]
    at = 7 + (8 if flags & 0x08 else 0) + (4 if flags & 0x01 else 0)  # content size, dictionary
    if head[at + 3] & 0x80:  # the block is not compressed
        return head[at + 4 :]
    length = head[at + 4] >> 4
    at += 5
    if length == 15:
        while head[at : at + 1] == b"\xff":
            length += 255
            at += 1
        length += head[at] if at < len(head) else 0
        at += 1
    return head[at : at + length]
