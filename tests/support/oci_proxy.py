"""A real TCP proxy before a real registry that breaks one exchange, or all from one on.

It reads requests and answers as bytes (HTTP/1.1, lengths and chunks), counts the exchanges of all
connections together, and does to the chosen one what a bad network does.
"""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, cast

from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Fault", "Faults", "proxied"]


class Fault(Enum):
    """What happens to an exchange."""

    REFUSED = "the connection is closed when the request arrives"
    CUT_REQUEST = "half of the request reaches the registry"
    LOST_ANSWER = "the registry does it, and its answer is lost"
    CUT_ANSWER = "half of the answer arrives"
    DELAYED = "the answer comes after the client has given up"
    CORRUPT_REQUEST = "a byte of the request's body is changed"
    CORRUPT_ANSWER = "a byte of the answer's body is changed"
    CORRUPT_HEAD = "a digit of every digest in the answer's head is changed"
    UNAVAILABLE = "the proxy answers 503 in the registry's place"


@dataclass
class Faults:
    """What to break: the exchange ``at`` (from 0), and with ``always`` all that follow."""

    host: str = ""
    fault: Fault | None = None
    at: int = 0
    always: bool = False
    delay: float = 0.0
    lines: list[str] = field(default_factory=list)
    broken: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, fault: Fault | None, at: int = 0, *, always: bool = False) -> None:
        """Start counting anew."""
        with self._lock:
            self.fault, self.at, self.always = fault, at, always
            self.lines.clear()
            self.broken = 0

    def next(self, line: str) -> Fault | None:
        """Count an exchange and say what happens to it."""
        with self._lock:
            number = len(self.lines)
            self.lines.append(line)
            if self.fault is None or number < self.at or (number > self.at and not self.always):
                return None
            self.broken += 1
            return self.fault


@dataclass(slots=True)
class _Message:
    head: bytes
    body: bytes

    @property
    def line(self) -> str:
        return self.head.partition(b"\r\n")[0].decode("latin-1")

    @property
    def closes(self) -> bool:
        return b"\r\nconnection: close" in self.head.lower()


def _read(stream: BinaryIO, *, bodiless: bool) -> _Message | None:
    """Read one message whole; None when the other side has closed."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    }
    if bodiless or head.split(b" ", 2)[1][:3] in {b"204", b"304"}:
        return _Message(head, b"")
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        return _Message(head, _chunks(stream))
    return _Message(head, stream.read(int(fields.get(b"content-length", b"0"))))


def _chunks(stream: BinaryIO) -> bytes:
    body = b""
    while True:
        line = stream.readline()
        size = int(line.partition(b";")[0], 16)
        body += line + stream.read(size + 2)
        if size == 0:
            return body


def _flipped(body: bytes) -> bytes:
    """Change a byte in the middle; a letter stays a letter, so that JSON stays JSON mostly."""
    at = len(body) // 2
    return body[:at] + bytes([body[at] ^ 0x01]) + body[at + 1 :] if body else body


def _other_digests(head: bytes) -> bytes:
    parts = head.split(b"sha256:")
    return b"sha256:".join(
        [parts[0], *((b"1" if one[:1] == b"0" else b"0") + one[1:] for one in parts[1:])]
    )


class _Handler(socketserver.StreamRequestHandler):
    faults: Faults
    upstream: tuple[str, int]

    def handle(self) -> None:
        with (
            contextlib.suppress(OSError, ValueError),
            socket.create_connection(self.upstream, timeout=30) as server,
            server.makefile("rb") as answers,
        ):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while self._exchange(server, answers):
                pass

    def _exchange(self, server: socket.socket, answers: BinaryIO) -> bool:
        request = _read(cast("BinaryIO", self.rfile), bodiless=False)
        if request is None:
            return False
        method = request.line.partition(" ")[0]
        fault = self.faults.next(request.line.rpartition(" ")[0])
        if fault is Fault.REFUSED:
            return False
        if fault is Fault.UNAVAILABLE:
            self.wfile.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
            return True
        if fault is Fault.CORRUPT_REQUEST:
            request.body = _flipped(request.body)
        sent = request.head + request.body
        if fault is Fault.CUT_REQUEST:
            server.sendall(sent[: len(sent) // 2])
            return False
        server.sendall(sent)
        answer = _read(answers, bodiless=method == "HEAD")
        if answer is None or fault is Fault.LOST_ANSWER:
            return False
        if fault is Fault.DELAYED:
            time.sleep(self.faults.delay)
        if fault is Fault.CORRUPT_ANSWER:
            answer.body = _flipped(answer.body)
        if fault is Fault.CORRUPT_HEAD:
            answer.head = _other_digests(answer.head)
        received = answer.head + answer.body
        if fault is Fault.CUT_ANSWER:
            half = len(answer.head) + len(answer.body) // 2 if answer.body else len(received) // 2
            self.wfile.write(received[:half])
            return False
        self.wfile.write(received)
        return not (request.closes or answer.closes)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


@contextmanager
def proxied(upstream: str, *, delay: float) -> Iterator[Faults]:
    """Run the proxy before ``upstream`` (``host:port``); ``delay`` is what DELAYED waits."""
    host, _, port = upstream.partition(":")
    faults = Faults(delay=delay)
    handler = type("Handler", (_Handler,), {"faults": faults, "upstream": (host, int(port))})
    server = _Server(("127.0.0.1", 0), handler)
    faults.host = f"127.0.0.1:{server.server_address[1]}"
    with serving(server):
        yield faults
