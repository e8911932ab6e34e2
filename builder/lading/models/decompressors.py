"""Decompressors of the standard library and of zstandard, as sources."""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from lading.models.decompressed import Decompressed
from lading.models.stream import CHUNK, Malformed, Source, Truncated
from lading.zstd_frames import FrameWalker

if TYPE_CHECKING:
    from lading.models.report import Report

__all__ = ["GZIP", "Inflated", "Unpacked", "Unzstd", "engine_of"]

#: Compressed bytes that are handed to a decompressor at once.
_PIECE: Final = 64 * 1024
_LZMA_MEMORY: Final = 64 * 1024 * 1024
_ZSTD_WINDOW: Final = 128 * 1024 * 1024  # what the reference tool allows without being asked
#: ``wbits`` of gzip.
GZIP: Final = 31


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
        if self._wbits != GZIP or self._parent.peek(2) != b"\x1f\x8b":
            return False
        self._inflate = zlib.decompressobj(GZIP)
        return True


class Unpacked(Decompressed):
    """What bz2 or lzma give for the bytes of ``parent``; several streams in a row are one."""

    def __init__(self, parent: Source, kind: str, report: Report) -> None:
        super().__init__(parent, report)
        self._kind = kind
        self._engine = engine_of(kind)
        self._rest = b""

    def _piece(self) -> bytes:
        while True:
            if self._engine.eof:
                self._rest = self._engine.unused_data or self._parent.some(_PIECE)
                if not self._rest:
                    return b""
                self._engine = engine_of(self._kind)
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


def engine_of(kind: str) -> _Decompressor:
    """Return what decompresses bzip2, xz or LZMA."""
    if kind == "bz2":
        return bz2.BZ2Decompressor()
    container = lzma.FORMAT_XZ if kind == "xz" else lzma.FORMAT_ALONE
    return lzma.LZMADecompressor(container, memlimit=_LZMA_MEMORY)
