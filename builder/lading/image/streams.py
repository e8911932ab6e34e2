"""Byte streams of layers: bounded, hashed while they are read, decompressed on the fly.

Everything here reads with ``readinto`` into the caller's memory, in pieces of up to a MiB, and
allocates nothing by a size that the stream declares.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import zlib
from typing import TYPE_CHECKING, Any, Protocol

from lading.errors import InputError, LimitError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from types import TracebackType

__all__ = [
    "CHUNK",
    "Gunzip",
    "Hashing",
    "Readable",
    "Unzstd",
    "check_expansion",
    "decompressed",
    "drain",
    "is_compressed",
    "read_up_to",
]

CHUNK = 1024 * 1024
_RATIO_FLOOR = 64 * 1024 * 1024  # small streams may expand this far whatever their ratio
_GZIP_MAGIC = b"\x1f\x8b\x08"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after 0x50 to 0x5F: RFC 8878, 3.1.2
_ZSTD_SKIPPABLE_LOW = 0x50
_ZSTD_WINDOW = 128 * 1024 * 1024  # RFC 8878, 3.1.1.1.2: what the reference tool allows without -D


class Readable(Protocol):
    """The one thing a layer needs of its source. 0 (or None) means the end."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the beginning of ``buffer``; return how many bytes, at least 1 before the end."""
        ...


def read_up_to(source: Readable, size: int) -> bytes:
    """Return the next ``size`` bytes, fewer only at the end."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    got = 0
    while got < size and (count := source.readinto(view[got:])):
        got += count
    return bytes(view[:got])


def drain(source: Readable) -> None:
    """Read to the end, so that what hashes along the way sees every byte."""
    view = memoryview(bytearray(CHUNK))
    while source.readinto(view):
        pass


def check_expansion(stored: int, expanded: int, where: str) -> None:
    """Refuse bytes that grow out of all proportion: compression bombs, sparse files of nothing.

    Raises:
        LimitError: more than ``LIMITS.decompressed_layer``, or past ``decompression_ratio``.
    """
    if expanded > LIMITS.decompressed_layer:
        wanted = f"at most {LIMITS.decompressed_layer}"
        raise LimitError(
            "the data is too large", where=where, got=f"{expanded} bytes", wanted=wanted
        )
    if expanded > _RATIO_FLOOR and expanded > stored * LIMITS.decompression_ratio:
        raise LimitError(
            "the data expands out of all proportion",
            where=where,
            got=f"{expanded} bytes out of {stored}",
            wanted=f"at most {LIMITS.decompression_ratio} times as many",
        )


class Hashing:
    """Passes a stream through and hashes it in a thread of its own.

    The thread works on copies, so the caller may parse its buffer meanwhile; the queue is short,
    so memory stays flat when hashing is the slower half.
    """

    _BATCH = 256 * 1024  # below a few KiB ``hashlib`` keeps the interpreter lock

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._pending = bytearray()
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=4)
        self._thread: threading.Thread | None = None
        self.count = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """See :class:`Readable`."""
        count = self._source.readinto(buffer) or 0
        self.count += count
        self._pending += buffer[:count]
        if len(self._pending) >= self._BATCH:
            self._send()
        return count

    def _send(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="lading-hash", daemon=True)
            self._thread.start()
        self._queue.put(bytes(self._pending))
        self._pending.clear()

    def _work(self) -> None:
        while (piece := self._queue.get()) is not None:
            self._digest.update(piece)

    def hexdigest(self) -> str:
        """Return the SHA-256 of everything read so far; ends the thread."""
        self.close()
        self._digest.update(self._pending)
        self._pending.clear()
        return self._digest.hexdigest()

    def close(self) -> None:
        """End the thread; may be called twice."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Hashing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Counted:
    """Counts what a decompressor took, for its ratio; offers ``read`` as zstandard wants it."""

    def __init__(self, source: Readable, first: bytes) -> None:
        self._source = source
        self._first = first
        self._view = memoryview(bytearray(CHUNK // 4))
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        if self._first:
            piece, self._first = self._first, b""
        else:
            wanted = len(self._view) if size < 0 else min(size, len(self._view))
            piece = bytes(self._view[: self._source.readinto(self._view[:wanted]) or 0])
        self.count += len(piece)
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
