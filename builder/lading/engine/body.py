"""A long answer of an engine on this machine, read as it arrives, with sockets alone.

It comes in chunks (RFC 9112, section 7.1), so that an end that nobody meant is told from the end.
A client library takes 20 MiB, and cuts the chunks up once more in Python. ``http.client`` brings
``email`` and ``ssl``: 7 MiB, and 25 ms and more of a process that is to answer in a few times that.

What is read is little, so that it can be held whole: one answer to one GET, its length told in
exactly one way, every line bounded, no trailer, no second answer. What is not so is refused.
"""

from __future__ import annotations

import re
import socket
from typing import Final

from lading.limits import LIMITS

__all__ = ["Body", "open_body"]

_BUFFER: Final = 256 * 1024
_HEAD: Final = 64 * 1024
_LINE: Final = 1024  # of a chunk's size and its extensions
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
#: Whatever anyone might take for a word about the body's length or coding (RFC 9112, section 6.3).
_FRAMING: Final = re.compile(
    rb"[\r\n][ \t]*(?:transfer-encoding|content-(?:encoding|length))[ \t]*:", re.IGNORECASE
)
_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?")


class Body:
    """The body of one answer; a :class:`lading.image.streams.Readable`.

    ``status`` is the answer's. Every method but :meth:`close` raises OSError when the engine goes
    away, says what is no HTTP, or nothing for too long.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._space = memoryview(bytearray(_BUFFER))
        self._at = self._end = 0  # what is in the buffer and was not given away
        self._left = 0  # of the chunk, or of the whole
        self._over = False
        head = self._until(b"\r\n\r\n", _HEAD) + b"\r\n"
        status = _STATUS.match(head)
        if status is None:
            raise ConnectionError("no HTTP")
        self.status = int(status[1])
        self._chunked = _CHUNKED.search(head) is not None
        length = _LENGTH.search(head)
        if len(_FRAMING.findall(head)) != 1 or self._chunked == (length is not None):
            raise ConnectionError("an answer whose end cannot be told")
        if length is not None:
            self._left = int(length[1])
            self._over = not self._left
        self._fresh = True  # no chunk was begun: what precedes the first is not a chunk's end

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer``; 0 at the end and nowhere else."""
        wanted, got = len(buffer), 0
        while got < wanted and not self._over:
            if not self._left:
                if got and self._at == self._end:
                    break  # rather than wait for more
                self._next()
                continue
            if self._at == self._end:
                if got:
                    break
                self._fill()
            count = min(self._left, self._end - self._at, wanted - got)
            buffer[got : got + count] = self._space[self._at : self._at + count]
            self._at += count
            self._left -= count
            got += count
            if not self._left and not self._chunked:
                self._over = True
        return got

    def rest(self) -> bytes:
        """Return all that is left of a short body."""
        found, piece = bytearray(), memoryview(bytearray(_HEAD))
        while count := self.readinto(piece):
            found += piece[:count]
            if len(found) > LIMITS.image_config:
                raise ConnectionError(f"more than {LIMITS.image_config} bytes")
        return bytes(found)

    def close(self) -> None:
        """Hang up, read to the end or not."""
        self._connection.close()

    def _next(self) -> None:
        """Read the line that says how long the next chunk is; after the last one there is none."""
        if not self._fresh and self._until(b"\r\n", 2):
            raise ConnectionError("a chunk is longer than it says")
        self._fresh = False
        size = _SIZE.fullmatch(self._until(b"\r\n", _LINE))
        if size is None:
            raise ConnectionError("a chunk without a size")
        self._left = int(size[1], 16)
        self._over = not self._left

    def _until(self, mark: bytes, limit: int) -> bytes:
        """Return the bytes before ``mark``, which may come in pieces, and go on behind it."""
        found = b""
        while True:
            known = len(found)
            found += bytes(self._space[self._at : min(self._end, self._at + limit + len(mark))])
            place = found.find(mark)
            if place >= 0:
                self._at += place + len(mark) - known
                return found[:place]
            if len(found) >= limit + len(mark):
                raise ConnectionError("a line without an end")
            self._at = self._end
            self._fill()

    def _fill(self) -> None:
        count = self._connection.recv_into(self._space)
        if not count:
            raise ConnectionError("the engine hung up before the end")
        self._at, self._end = 0, count


def open_body(path: str, host: str, *, seconds: float) -> Body:
    """Return the answer to ``GET path`` (quoted as a URL's) of the engine at ``host``.

    ``seconds`` may pass without a byte of it.

    Raises:
        OSError: none answers on that local socket.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(LIMITS.connect_seconds)
        connection.connect(host.removeprefix("unix://"))
        connection.settimeout(seconds)
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n"
            "Accept-Encoding: identity\r\n\r\n".encode("ascii")  # or the engine gzips archives
        )
        return Body(connection)
    except BaseException:
        connection.close()
        raise
