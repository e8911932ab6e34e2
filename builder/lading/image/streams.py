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

__all__ = ["CHUNK", "Hashing", "Readable", "check_expansion", "drain", "read_up_to"]

CHUNK = 1024 * 1024
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
