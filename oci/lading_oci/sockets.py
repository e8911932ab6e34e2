"""A socket with a deadline over everything that is read from it.

A socket's own timeout starts again with every byte, so a server that sends one byte now and
then could hold a client for ever. This wraps what ``http.client`` uses of a socket.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import socket

__all__ = ["DeadlineSocket"]

_SLICE = 64 * 1024


class DeadlineSocket:
    """The part of a socket that ``http.client`` needs, under one deadline per exchange."""

    def __init__(self, sock: socket.socket, step: float) -> None:
        self._sock = sock
        self._step = step
        self._deadline = time.monotonic() + step

    def start(self, total: float) -> None:
        """Begin an exchange that may take ``total`` seconds."""
        self._deadline = time.monotonic() + total

    def arm(self) -> None:
        """Give the next call on the socket the time that is left, at most one step.

        Raises:
            TimeoutError: none is left.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the exchange took too long")
        self._sock.settimeout(min(self._step, left))

    def sendall(self, data: bytes) -> None:
        """Send in slices: the time allowed is per slice, so slow links can send large bodies."""
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _SLICE):
            self.arm()
            self._sock.sendall(view[start : start + _SLICE])

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return the reading side; it keeps the connection open until it is closed."""
        raw = cast("io.RawIOBase", self._sock.makefile("rb", buffering=0))
        return io.BufferedReader(_DeadlineRaw(self, raw), _SLICE)

    def close(self) -> None:
        """Close the connection once its reading side is closed too."""
        self._sock.close()


class _DeadlineRaw(io.RawIOBase):
    def __init__(self, owner: DeadlineSocket, raw: io.RawIOBase) -> None:
        super().__init__()
        self._owner = owner
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # type: ignore[override]  # typeshed: Buffer
        self._owner.arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()
