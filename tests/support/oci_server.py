"""A registry-shaped HTTP server in this process that answers as a test tells it to."""

from __future__ import annotations

import http.client
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qs, urlsplit

from support.serving import serving

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

__all__ = ["Reply", "Request", "Server", "forwarded", "serve"]


@dataclass(frozen=True, slots=True)
class Request:
    """What arrived. Header names in lower case, values of the same name joined."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer; ``cut`` bytes of the body are sent before the connection is cut."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    drip: float = 0.0  # seconds between single bytes of the body


@dataclass(slots=True)
class Server:
    """The running server; ``requests`` is everything that arrived, in order."""

    host: str
    requests: list[Request] = field(default_factory=list)
    connections: list[object] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """``METHOD path`` of every request."""
        return [f"{one.method} {one.path}" for one in self.requests]


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are part of these tests."""


class _Handler(BaseHTTPRequestHandler):
    """Made into a class of its own for each server by :func:`serve`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    seen: ClassVar[Server]
    answer: ClassVar[staticmethod[[Request], Reply | None]]

    def setup(self) -> None:
        super().setup()
        self.seen.connections.append(self)

    def log_message(self, *arguments: object) -> None:
        """Be quiet."""

    def _any(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            {name.lower(): ", ".join(self.headers.get_all(name, ())) for name in self.headers},
            self.rfile.read(int(self.headers.get("Content-Length", 0))),
        )
        self.seen.requests.append(request)
        reply = self.answer(request)
        if reply is None:
            self._cut()
        else:
            self._send(reply)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        for name, value in headers.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if reply.drip:
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(reply.drip)
            return
        self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None:
            self.wfile.flush()
            self._cut()

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _any  # noqa: N815 - its names


@contextmanager
def serve(
    answer: Callable[[Request], Reply | None],
    *,
    address: tuple[str, int] = ("127.0.0.1", 0),
    tls: ssl.SSLContext | None = None,
) -> Iterator[Server]:
    """Serve on a loopback port until the block ends. None cuts the connection unanswered."""
    seen = Server("")
    handler = type("Handler", (_Handler,), {"seen": seen, "answer": staticmethod(answer)})
    server = _Quiet(address, handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    seen.host = f"{address[0]}:{server.server_address[1]}"
    with serving(server):
        yield seen


def forwarded(host: str, request: Request) -> Reply:
    """Ask a real registry without a password, and return what it answers."""
    connection = http.client.HTTPConnection(host, timeout=30)
    query = "&".join(f"{name}={one}" for name, values in request.query.items() for one in values)
    headers = {k: v for k, v in request.headers.items() if k in {"accept", "content-type"}}
    try:
        path = request.path + (f"?{query}" if query else "")
        connection.request(request.method, path, request.body or None, headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    kept = {
        name: value
        for name, value in answer.getheaders()
        if name.lower() not in {"connection", "date", "transfer-encoding"}
    }
    return Reply(answer.status, body, kept)
