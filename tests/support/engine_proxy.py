"""A real engine's socket with somebody between: requests are seen, and chosen ones broken."""

from __future__ import annotations

import contextlib
import socket
import socketserver
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import pytest

from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Break", "EngineProxy", "between"]


class Break(Enum):
    """What happens to a request."""

    LOST = "the engine is never asked, and the connection is closed"
    CUT = "the engine does it; its answer ends after the head and a few bytes"
    FAILED = "the engine is never asked, and the answer is an internal error"


@dataclass
class EngineProxy:
    """``host`` is for ``DOCKER_HOST``; ``breaks`` maps a part of a request's line to its fate."""

    host: str
    breaks: dict[str, Break] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def fate(self, line: str) -> Break | None:
        self.lines.append(line)
        return next((fate for part, fate in self.breaks.items() if part in line), None)


class _Handler(socketserver.StreamRequestHandler):
    proxy: EngineProxy
    engine: str

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            self._exchange()

    def _exchange(self) -> None:
        """Pass one request on, over a connection that ends with its answer."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline()
            if not line:
                return
            head += line
        fields = dict(
            line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line
        )
        body = self.rfile.read(int(fields.get(b"content-length", b"0")))
        request = head.partition(b"\r\n")[0].decode("latin-1")
        fate = self.proxy.fate(request)
        if fate is Break.LOST:
            return
        if fate is Break.FAILED:
            said = b'{"message":"the disk is full"}'
            self.wfile.write(
                b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\n"
                b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said)
            )
            return
        with socket.socket(socket.AF_UNIX) as engine:
            engine.connect(self.engine)
            kept = b"\r\n".join(
                line
                for line in head.rstrip().split(b"\r\n")
                if not line.lower().startswith(b"connection:")
            )
            engine.sendall(kept + b"\r\nConnection: close\r\n\r\n" + body)
            self._answer(engine, cut=fate is Break.CUT)

    def _answer(self, engine: socket.socket, *, cut: bool) -> None:
        seen = b""
        while received := engine.recv(65536):
            seen += received
            if cut and b"\r\n\r\n" in seen:
                end = seen.index(b"\r\n\r\n") + 4
                self.wfile.write(seen[: end + 20])
                while engine.recv(65536):  # the engine is not disturbed
                    pass
                return
            if not cut:
                self.wfile.write(received)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def between(engine_host: str, directory: Path) -> Iterator[EngineProxy]:
    """Put a proxy before the engine at ``unix://…``; skip the test where it is elsewhere."""
    scheme, _, engine = engine_host.partition("://")
    if scheme != "unix":
        pytest.skip(f"the engine is not on a local socket: {engine_host}")
    path = directory / "e.sock"
    proxy = EngineProxy(f"unix://{path}")
    handler = type("Handler", (_Handler,), {"proxy": proxy, "engine": engine})
    with serving(_Server(str(path), handler)):
        yield proxy
