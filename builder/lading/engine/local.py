"""One request to a Docker engine on this machine, with the standard library's sockets alone.

A client library's import takes ten times as long as all of this. HTTP/1.0 it is, so that the
answer ends where the connection does and never comes in chunks (RFC 9112, sections 6.3 and 7.1).
"""

from __future__ import annotations

import json
import os
import re
import socket
from pathlib import Path
from typing import Any

from lading.errors import EngineError
from lading.limits import LIMITS

__all__ = ["Answer", "ask", "chosen_host"]

#: Status and body.
Answer = tuple[int, bytes]

_TIMEOUT_SECONDS = 10.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_PIECE = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n", re.IGNORECASE)
_CODED = re.compile(rb"\r\n(?:transfer|content)-encoding:", re.IGNORECASE)


def chosen_host() -> str:
    """Return the address of the engine that ``docker`` would use: the environment's, a context's.

    The default socket stands for a context that cannot be read, too.
    """
    return os.environ.get("DOCKER_HOST") or _context_host() or _DEFAULT_HOST


def ask(
    path: str,
    host: str | None = None,
    *,
    seconds: float = _TIMEOUT_SECONDS,
    method: str = "GET",
    document: Any = None,
) -> Answer | None:
    """Return what the engine says to ``GET path``; None when none answers on a local socket.

    Args:
        path: quoted as a URL's.
        host: its address; None for :func:`chosen_host`.
        seconds: without a byte of the answer.
        method: GET, HEAD, POST or DELETE.
        document: what is posted, as JSON data.

    Raises:
        EngineError: one is there and does not answer: what it has is not known, which is not none.
    """
    host = host or chosen_host()
    if not host.startswith("unix://"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(host.removeprefix("unix://"))
        except OSError:
            return None
        try:
            connection.sendall(_request(method, path, document))
            return _parsed(_everything(connection), bodiless=method == "HEAD")
        except (OSError, ValueError) as error:
            raise EngineError(
                "The Docker engine does not answer",
                where=host,
                got=str(error) or type(error).__name__,
                hint="Check it with `docker version`; `registry:NAME` asks the registry alone.",
            ) from error


def _request(method: str, path: str, document: Any) -> bytes:
    head = f"{method} {path} HTTP/1.0\r\nHost: docker\r\n"
    if document is None:
        return f"{head}\r\n".encode("ascii")
    body = json.dumps(document).encode()
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{kind}\r\n".encode("ascii") + body


def _everything(connection: socket.socket) -> bytes:
    received = bytearray()
    while piece := connection.recv(_PIECE):
        received += piece
        if len(received) > LIMITS.image_config:
            raise ValueError(f"more than {LIMITS.image_config} bytes")
    return bytes(received)


def _parsed(received: bytes, *, bodiless: bool) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    head += b"\r\n"
    status, length = _STATUS.match(head), _LENGTH.search(head)
    if status is None:
        raise ValueError("no HTTP" if received else "nothing")
    if _CODED.search(head):
        raise ValueError("an encoding that was not asked for")
    if length is not None and int(length[1]) != len(body) and not bodiless:
        raise ValueError(f"{len(body)} of {length[1].decode()} bytes")
    return int(status[1]), body


def _context_host() -> str | None:
    """Return the endpoint of the current docker context, when one is chosen."""
    directory = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        name = os.environ.get("DOCKER_CONTEXT") or json.loads(
            (directory / "config.json").read_bytes()
        ).get("currentContext")
        if not name or name == "default":
            return None
        import hashlib

        meta = directory / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        host = json.loads((meta / "meta.json").read_bytes())["Endpoints"]["docker"]["Host"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return host if isinstance(host, str) else None
