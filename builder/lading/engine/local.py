"""One request to a Docker engine on this machine, with the standard library's sockets alone.

A client library's import takes ten times as long as all of this. HTTP/1.0 it is, so that the
answer ends where the connection does and never comes in chunks (RFC 9112, sections 6.3 and 7.1).
"""

from __future__ import annotations

import os
import socket

from lading.errors import EngineError
from lading.limits import LIMITS
from lading.programs import docker_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Answer", "ask", "chosen_host"]

#: Status and body.
Answer = tuple[int, bytes]

_TIMEOUT_SECONDS = 10.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_PIECE = 64 * 1024
_DIGITS = 3  # of a status
_CODED = (b"transfer-encoding", b"content-encoding")


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
        EngineError: one is there and does not answer, or not to this user: what it has is not
            known, which is not none.
    """
    host = host or chosen_host()
    if not host.startswith("unix://"):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            connection.connect(host.removeprefix("unix://"))
        except PermissionError as error:
            raise EngineError(
                "you may not talk to the Docker engine",
                where=host,
                got="permission denied",
                hint="add yourself to the socket's group (usually `docker`), use sudo, or name the "
                "registry's image alone: registry:NAME",
            ) from error
        except (BlockingIOError, TimeoutError) as error:
            raise _silent(host, error) from error
        except OSError:
            return None
        try:
            connection.sendall(_request(method, path, document))
            return _parsed(_everything(connection), bodiless=method == "HEAD")
        except (OSError, ValueError) as error:
            raise _silent(host, error) from error


def _silent(host: str, error: Exception) -> EngineError:
    return EngineError(
        "The Docker engine does not answer",
        where=host,
        got=str(error) or type(error).__name__,
        hint="Check it with `docker version`; `registry:NAME` asks the registry alone.",
    )


def _request(method: str, path: str, document: Any) -> bytes:
    head = f"{method} {path} HTTP/1.0\r\nHost: docker\r\n"
    if document is None:
        return f"{head}\r\n".encode("ascii")
    import json  # who only asks needs none of it

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
    status, *fields = head.split(b"\r\n")
    version, _, rest = status.partition(b" ")
    code, _, _ = rest.partition(b" ")
    if version not in (b"HTTP/1.0", b"HTTP/1.1") or len(code) != _DIGITS or not code.isdigit():
        raise ValueError("no HTTP" if received else "nothing")
    for field in fields:
        name, _, value = field.partition(b":")
        if name.lower() in _CODED:
            raise ValueError("an encoding that was not asked for")
        length = value.strip(b" \t")
        if name.lower() == b"content-length" and not bodiless and length != b"%d" % len(body):
            raise ValueError(f"{len(body)} of {length.decode('ascii', 'replace')} bytes")
    return int(code), body


def _context_host() -> str | None:
    """Return the endpoint of the current docker context, when one is chosen."""
    directory = docker_config()
    try:
        name = os.environ.get("DOCKER_CONTEXT") or _document(f"{directory}/config.json").get(
            "currentContext"
        )
        if not name or name == "default":
            return None
        import hashlib

        meta = f"{directory}/contexts/meta/{hashlib.sha256(name.encode()).hexdigest()}"
        host = _document(f"{meta}/meta.json")["Endpoints"]["docker"]["Host"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return host if isinstance(host, str) else None


def _document(path: str) -> Any:
    with open(path, "rb") as file:
        content = file.read()
    import json  # not for those who have no such file

    return json.loads(content)
