"""Layers as they are stored (plain, gzip, zstd: told by their first bytes), expanded on the fly."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from lading.errors import InputError
from lading.image.streams import CHUNK, check_expansion, read_up_to
from lading.zstd_frames import FrameWalker

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.image.streams import Readable

__all__ = ["Gunzip", "Unzstd", "decompressed", "is_compressed"]

_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after 0x50 to 0x5F: RFC 8878, 3.1.2
_ZSTD_SKIPPABLE_LOW = 0x50
_ZSTD_WINDOW = 128 * 1024 * 1024  # what the reference tool allows without being asked


class _Counted:
    """Counts what a decompressor took, for its ratio; offers ``read`` as zstandard wants it."""

    def __init__(self, source: Readable, first: bytes) -> None:
        self._source = source
        self._first = first
        self._view = memoryview(bytearray(CHUNK // 4))
        self.count = 0
        self.watch: Callable[[bytes], None] | None = None

    def read(self, size: int = -1) -> bytes:
        if self._first:
            piece, self._first = self._first, b""
        else:
            wanted = len(self._view) if size < 0 else min(size, len(self._view))
            piece = bytes(self._view[: self._source.readinto(self._view[:wanted]) or 0])
        self.count += len(piece)
        if self.watch is not None:
            self.watch(piece)
        return piece


class Gunzip:
    """RFC 1952, all members (eStargz and pigz write many); trailing zeros are padding.

    Raises:
        InputError: damaged or truncated.
        LimitError: expands past its bounds.
    """

    def __init__(self, source: Readable, *, where: str, first: bytes = b"") -> None:
        self._input = _Counted(source, first)
        self._where = where
        self._engine = zlib.decompressobj(wbits=31)
        self._tail = b""
        self._out = 0
        self._done = False

    def readinto(self, buffer: memoryview, /) -> int:
        """See :class:`Readable`."""
        while not self._done:
            piece = self._tail or self._input.read()
            if not piece and not self._engine.eof:
                raise InputError("a gzip stream ends early", where=self._where)
            if self._engine.eof and not self._next_member(piece):
                continue
            try:
                data = self._engine.decompress(piece, len(buffer))
            except zlib.error as error:
                raise InputError(
                    "a gzip stream is damaged", where=self._where, got=str(error)
                ) from None
            self._tail = self._engine.unconsumed_tail or self._engine.unused_data
            if data:
                self._out += len(data)
                check_expansion(self._input.count, self._out, self._where)
                buffer[: len(data)] = data
                return len(data)
        return 0

    def _next_member(self, piece: bytes) -> bool:
        """Start the next member, or end; False when ``piece`` held none of it."""
        rest = piece.lstrip(b"\0")
        if not piece:
            self._done = True
        elif rest:
            self._engine = zlib.decompressobj(wbits=31)
            self._tail = rest
            return len(rest) == len(piece)
        else:
            self._tail = b""
        return False


class Unzstd:
    """RFC 8878, all frames, skippable ones passed over (zstd:chunked has both).

    Raises:
        InputError: damaged or truncated.
        LimitError: expands past its bounds.
    """

    def __init__(self, source: Readable, *, where: str, first: bytes = b"") -> None:
        import zstandard

        self._input = _Counted(source, first)
        self._where = where
        self._error: type[Exception] = zstandard.ZstdError
        self._frames = FrameWalker()
        self._input.watch = self._frames.feed
        engine: Any = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._reader = engine.stream_reader(
            self._input, read_size=CHUNK // 4, read_across_frames=True
        )
        self._out = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See :class:`Readable`."""
        try:
            count = int(self._reader.readinto(buffer))
        except self._error as error:
            raise InputError(
                "a zstd stream is damaged", where=self._where, got=str(error)
            ) from None
        if not count and not self._frames.at_end_of_frame:
            raise InputError("a zstd stream ends early", where=self._where)
        self._out += count
        check_expansion(self._input.count, self._out, self._where)
        return count


class _Prefixed:
    """A stream whose first bytes were read already."""

    def __init__(self, source: Readable, first: bytes) -> None:
        self._source = source
        self._first = first

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._first:
            return self._source.readinto(buffer) or 0
        piece, self._first = self._first[: len(buffer)], self._first[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def is_compressed(first: bytes) -> bool:
    """Say by its first four bytes whether a stream is gzip or zstd."""
    return first.startswith(_GZIP_MAGIC) or _is_zstd(first)


def _is_zstd(first: bytes) -> bool:
    skippable = first[1:4] == _ZSTD_SKIPPABLE and first[0] & 0xF0 == _ZSTD_SKIPPABLE_LOW
    return first == _ZSTD_MAGIC or skippable


def decompressed(source: Readable, *, where: str) -> Readable:
    """Return the stream as it is, gunzipped or unzstded, by its magic bytes, never by its name."""
    first = read_up_to(source, 4)
    if first.startswith(_GZIP_MAGIC):
        return Gunzip(source, where=where, first=first)
    if _is_zstd(first):
        return Unzstd(source, where=where, first=first)
    return _Prefixed(source, first)
