"""Decompressors as sources: streaming, and never more bytes than the report still allows."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any, Final, Protocol

from lading.models.decompressed import Decompressed
from lading.models.lz4 import frames as lz4
from lading.models.report import Report
from lading.models.stream import CHUNK, BytesSource, Malformed, Source, Truncated
from lading.zstd_frames import FrameWalker

__all__ = ["Inflated", "Unpacked", "Unzstd", "compression", "peek_inside", "unpacked"]

#: Compressed bytes that are handed to a decompressor at once.
_PIECE: Final = 64 * 1024
_LZMA_MEMORY: Final = 64 * 1024 * 1024
_ZSTD_WINDOW: Final = 128 * 1024 * 1024  # what the reference tool allows without being asked
_GZIP: Final = 31
#: Frames in front that both LZ4 and Zstandard pass over: more than a few say nothing at all.
_SKIPPED: Final = 16


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class Inflated(Decompressed):
    """What zlib gives for the bytes of ``parent``; stops at the end of the compressed stream.

    ``wbits`` as in :func:`zlib.decompressobj`: -15 raw, 15 zlib, 31 gzip, of which several members
    in a row are one (RFC 1952, section 2.2). Bytes of the parent that follow stay unread.
    """

    def __init__(self, parent: Source, wbits: int, report: Report) -> None:
        super().__init__(parent, report)
        self._wbits = wbits
        self._inflate = zlib.decompressobj(wbits)
        self._pending = b""

    def _piece(self) -> bytes:
        while not self._inflate.eof or self._another():
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
                return out
            if not data and not self._inflate.eof:
                raise Truncated("the compressed data ends too early")
        return b""

    def _another(self) -> bool:
        """Begin the next member, where one follows."""
        if self._wbits != _GZIP or self._parent.peek(2) != b"\x1f\x8b":
            return False
        self._inflate = zlib.decompressobj(_GZIP)
        return True


class Unpacked(Decompressed):
    """What bz2 or lzma give for the bytes of ``parent``; several streams in a row are one."""

    def __init__(self, parent: Source, kind: str, report: Report) -> None:
        super().__init__(parent, report)
        self._kind = kind
        self._engine = _engine(kind)
        self._rest = b""

    def _piece(self) -> bytes:
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
                return out


class Unzstd(Decompressed):
    """What zstd gives for the bytes of ``parent``, all its frames."""

    def __init__(self, parent: Source, report: Report) -> None:
        import zstandard

        super().__init__(parent, report)
        self._error: type[Exception] = zstandard.ZstdError
        self._input = _Walked(parent)
        engine: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._reader = engine.stream_reader(self._input, read_size=_PIECE, read_across_frames=True)

    def _piece(self) -> bytes:
        try:
            out: bytes = self._reader.read(CHUNK)
        except self._error as error:
            raise Malformed(f"bad compressed data: {error}") from None
        if not out and not self._input.frames.at_end_of_frame:
            raise Truncated("the compressed data ends too early")
        return out


class _Walked:
    """A source with the method that zstandard calls; says where in a frame it stands."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.frames = FrameWalker()

    def read(self, size: int) -> bytes:
        piece = self._source.some(size)
        self.frames.feed(piece)
        return piece


def _engine(kind: str) -> _Decompressor:
    if kind == "bz2":
        return bz2.BZ2Decompressor()
    container = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(container, memlimit=_LZMA_MEMORY)


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
        return Inflated(source, _GZIP if kind == "gzip" else 15, report)
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
            return zlib.decompressobj(_GZIP if kind == "gzip" else 15).decompress(head, size)
        if kind == "zstd":
            return Unzstd(BytesSource(head), Report("")).peek(size)
        if kind == "lz4":
            return lz4.Unlz4(BytesSource(head), Report(""), cut=True).peek(size)
        return _engine(kind).decompress(head, size)
    except (zlib.error, OSError, EOFError, lzma.LZMAError, Malformed):
        return b""


def _unskipped(head: bytes) -> bytes:
    """Return what is behind frames in front that are to be passed over."""
    for _ in range(_SKIPPED):
        if not lz4.is_skippable(head):
            break
        head = head[8 + int.from_bytes(head[4:8], "little") :]
    return head
