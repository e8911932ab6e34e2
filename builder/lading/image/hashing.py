"""A stream that is hashed while it is parsed."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from typing import TYPE_CHECKING

from lading.image.streams import CHUNK, ROOM

if TYPE_CHECKING:
    from lading.image.streams import Lent, Readable

    _Piece = tuple[memoryview, int]  # a buffer, and how many of its bytes count; 0 at the end

__all__ = ["Hashing", "HashingAhead", "hashing"]

_NOTHING = memoryview(b"")


def hashing(source: Readable, beside: int = 1) -> Hashing:
    """Return ``source`` as a stream that is hashed while it is parsed.

    ``beside`` is how many streams are read at this time, this one among them. Where a processor
    is left besides theirs, reading ahead and hashing get threads of their own; else these would
    only take turns, and carry the bytes from one processor's cache to the other's.
    """
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return HashingAhead(source) if (ours or 1) > beside else Hashing(source)


class Hashing:
    """Reads, hashes and lends one piece after the other."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._lent = _NOTHING
        self._ended = self._closed = False

    def lend(self, kept: memoryview) -> Lent | None:
        """Return the next piece of the stream, right behind ``kept``; None at the end.

        ``kept`` is the end of the last piece, at most ``ROOM`` bytes. A piece may be read until the
        next is asked for. Raises what the source raised.
        """
        if self._ended or self._closed:
            return None
        buffer = self._lent = self._lent or _buffer()
        start = ROOM - len(kept)
        under, buffer[start:ROOM] = bytes(buffer[start:ROOM]), bytes(kept)
        try:
            count = self._filled(buffer[ROOM:])
        except BaseException:
            self._closed = True
            raise
        if not count:
            self._ended = True
            buffer[start:ROOM] = under  # the last piece may still be looked at
            return None
        self._digest.update(buffer[ROOM : ROOM + count])
        return buffer, start, ROOM + count

    def _filled(self, room: memoryview) -> int:
        got = 0
        while got < len(room) and not self._closed:
            count = self._source.readinto(room[got:])
            if not count:
                break
            got += count
        return got

    def hexdigest(self) -> str:
        """Read what is left, and return the SHA-256 of the whole stream; closes it.

        Raises:
            ValueError: it was closed before the end.
        """
        while self.lend(_NOTHING):
            pass
        self.close()
        if not self._ended:
            raise ValueError("a stream that was not read to its end has no digest")
        return self._digest.hexdigest()

    def close(self) -> None:
        """Read no more; may be called twice."""
        self._closed = True

    def __enter__(self) -> Hashing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class HashingAhead(Hashing):
    """Reads a stream ahead in one thread and hashes it in another, while what was read is parsed.

    A few buffers of a MiB go round, so memory stays flat whichever side is slower: parser and
    hasher get each buffer in the same order, and it is filled anew once both gave it back. Until
    :meth:`close`, which ends the threads, nobody else may read the source.
    """

    _BUFFERS = 4

    def __init__(self, source: Readable) -> None:
        super().__init__(source)
        self._to_parse: queue.SimpleQueue[_Piece | BaseException] = queue.SimpleQueue()
        self._to_hash: queue.SimpleQueue[_Piece] = queue.SimpleQueue()
        self._parsed: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._hashed: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def lend(self, kept: memoryview) -> Lent | None:
        """See :class:`Hashing`."""
        piece = self._next()
        if piece is None:
            return None
        buffer, count = piece
        start = ROOM - len(kept)
        buffer[start:ROOM] = kept
        if self._lent:
            self._parsed.put(self._lent)
        self._lent = buffer
        return buffer, start, ROOM + count

    def _next(self) -> _Piece | None:
        if self._ended or self._closed:
            return None
        if not self._threads:
            self._start()
        found = self._to_parse.get()
        if isinstance(found, BaseException):
            self._closed = True
            raise found
        self._ended = not found[1]
        return None if self._ended else found

    def _start(self) -> None:
        for _ in range(self._BUFFERS):
            buffer = _buffer()
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
                count = self._filled(buffer[ROOM:])
                self._to_hash.put((buffer, count))
                self._to_parse.put((buffer, count))
        except BaseException as error:  # noqa: BLE001 - raised again where the bytes are wanted
            self._to_hash.put((_NOTHING, 0))
            self._to_parse.put(error)

    def _hash(self) -> None:
        while (piece := self._to_hash.get())[1]:
            buffer, count = piece
            self._digest.update(buffer[ROOM : ROOM + count])
            self._hashed.put(buffer)

    def close(self) -> None:
        """End the threads; may be called twice."""
        super().close()
        self._parsed.put(_NOTHING)  # nothing fits in: the reader takes it for the end
        for thread in self._threads:
            thread.join()


def _buffer() -> memoryview:
    return memoryview(bytearray(ROOM + CHUNK))
