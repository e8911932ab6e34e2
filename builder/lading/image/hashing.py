"""A stream that is hashed while it is parsed."""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import TYPE_CHECKING

from lading.image.streams import CHUNK, ROOM

if TYPE_CHECKING:
    from types import TracebackType

    from lading.image.streams import Lent, Readable

    _Piece = tuple[memoryview, int]  # a buffer, and how many of its bytes count; 0 at the end

__all__ = ["Hashing"]

_NOTHING = memoryview(b"")


class Hashing:
    """Reads a stream ahead in one thread and hashes it in another, while what was read is parsed.

    A few buffers of a MiB go round, so memory stays flat whichever side is slower: parser and
    hasher get each buffer in the same order, and it is filled anew once both gave it back. The
    parser reads where the bytes lie (:meth:`lend`). Until :meth:`close` nobody else may read the
    source.
    """

    _BUFFERS = 4

    def __init__(self, source: Readable) -> None:
        self._source = source
        self._digest = hashlib.sha256()
        self._to_parse: queue.SimpleQueue[_Piece | BaseException] = queue.SimpleQueue()
        self._to_hash: queue.SimpleQueue[_Piece] = queue.SimpleQueue()
        self._parsed: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._hashed: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._lent = _NOTHING
        self._ended = self._closed = False
        self._threads: list[threading.Thread] = []

    def lend(self, kept: memoryview) -> Lent | None:
        """Return the next piece of the stream, right behind ``kept``; None at the end.

        ``kept`` is the end of the last piece, at most ``ROOM`` bytes. A piece may be read until the
        next is asked for. Raises what the source raised.
        """
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
            buffer = memoryview(bytearray(ROOM + CHUNK))
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

    def _filled(self, room: memoryview) -> int:
        got = 0
        while got < len(room) and not self._closed:
            count = self._source.readinto(room[got:])
            if not count:
                break
            got += count
        return got

    def _hash(self) -> None:
        while (piece := self._to_hash.get())[1]:
            buffer, count = piece
            self._digest.update(buffer[ROOM : ROOM + count])
            self._hashed.put(buffer)

    def hexdigest(self) -> str:
        """Read what is left, and return the SHA-256 of the whole stream; ends the threads.

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
