"""Byte streams of layers: bounded, and hashed while they are read.

Everything here reads with ``readinto`` into the caller's memory, in pieces of up to a MiB, and
allocates nothing by a size that the stream declares.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import TYPE_CHECKING, Protocol

from lading.errors import LimitError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from types import TracebackType

    _Piece = tuple[memoryview, int]  # a buffer, and how many bytes of it count; 0 at the end

__all__ = ["CHUNK", "Hashing", "Readable", "check_expansion", "drain", "read_up_to"]

CHUNK = 1024 * 1024
_NOTHING = memoryview(b"")
_RATIO_FLOOR = 64 * 1024 * 1024  # small streams may expand this far whatever their ratio


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
    """Reads a stream ahead in one thread and hashes it in another, while what was read is parsed.

    A few buffers of a MiB go round, so memory stays flat whichever side is slower: parser and
    hasher get each buffer in the same order, and it is filled anew once both gave it back. Until
    :meth:`close` nobody else may read the source.
    """

    _BUFFERS = 4

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._to_parse: queue.SimpleQueue[_Piece | BaseException] = queue.SimpleQueue()
        self._to_hash: queue.SimpleQueue[_Piece] = queue.SimpleQueue()
        self._parsed: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._hashed: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._buffer = self._rest = _NOTHING
        self._ended = self._closed = False
        self._threads: list[threading.Thread] = []

    def readinto(self, buffer: memoryview, /) -> int:
        """See :class:`Readable`; raises what the source raised."""
        if not self._rest and not self._next():
            return 0
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _next(self) -> bool:
        """Give back the piece that was read, take the next; False at the end."""
        if self._ended or self._closed:
            return False
        if self._threads:
            self._parsed.put(self._buffer)
        else:
            self._start()
        found = self._to_parse.get()
        if isinstance(found, BaseException):
            self._closed = True
            raise found
        self._buffer, count = found
        self._rest = self._buffer[:count]
        self._ended = not count
        return not self._ended

    def _start(self) -> None:
        for _ in range(self._BUFFERS):
            buffer = memoryview(bytearray(CHUNK))
            self._parsed.put(buffer)
            self._hashed.put(buffer)
        for work in (self._read, self._hash):
            thread = threading.Thread(target=work, name="lading-layer", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _read(self) -> None:
        try:
            count = 1
            while count:
                buffer = self._parsed.get()
                self._hashed.get()
                count = self._filled(buffer)
                self._to_hash.put((buffer, count))
                self._to_parse.put((buffer, count))
        except BaseException as error:  # noqa: BLE001 - raised again where the bytes are wanted
            self._to_hash.put((_NOTHING, 0))
            self._to_parse.put(error)

    def _filled(self, buffer: memoryview) -> int:
        got = 0
        while got < len(buffer) and not self._closed:
            count = self._source.readinto(buffer[got:])
            if not count:
                break
            got += count
        return got

    def _hash(self) -> None:
        while (piece := self._to_hash.get())[1]:
            buffer, count = piece
            self._digest.update(buffer[:count])
            self._hashed.put(buffer)

    def hexdigest(self) -> str:
        """Read what is left, and return the SHA-256 of the whole stream; ends the threads.

        Raises:
            ValueError: it was closed before the end.
        """
        while self._next():
            pass
        self.close()
        if not self._ended:
            raise ValueError("a stream that was not read to its end has no digest")
        return self._digest.hexdigest()

    def close(self) -> None:
        """End the threads; may be called twice."""
        self._closed = True
        self._parsed.put(_NOTHING)  # nothing fits in: the reader takes it for the end
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Hashing:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
