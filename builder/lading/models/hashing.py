"""SHA-256 in a thread of its own, so that reading the next chunk overlaps hashing this one."""

from __future__ import annotations

import hashlib
import queue
import threading
from typing import Final

__all__ = ["ThreadedHash"]

#: Chunks that may wait: bounds memory, and is enough to keep both sides busy.
WAITING: Final = 4


class ThreadedHash:
    """Like ``hashlib.sha256()``; ``update`` returns before the bytes are hashed.

    :meth:`hexdigest` or :meth:`close` must be called, each ends the thread.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._queue: queue.Queue[bytes | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._work, name="sha256", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        update, get = self._hash.update, self._queue.get
        while (piece := get()) is not None:
            update(piece)

    def update(self, piece: bytes) -> None:
        """Add bytes; waits when ``WAITING`` pieces are not hashed yet."""
        self._queue.put(piece)

    def hexdigest(self) -> str:
        """Wait for the thread and return the digest."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread; may be called twice."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
