"""Ask a Docker engine for one image's ID with the standard library alone.

``lading verify`` must know whether the engine would run something else under the verified name,
and must not pay a client library's import for it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
from pathlib import Path
from urllib.parse import quote, urlsplit

from lading.errors import EngineError
from lading.limits import LIMITS
from lading.records import record

__all__ = ["EngineImage", "engine_image", "engine_version"]

_TIMEOUT_SECONDS = 10.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"


@record
class EngineImage:
    """What an engine holds under a name. ``image_id`` is ``sha256:…``; ``layers`` are diff IDs."""

    image_id: str
    repo_digests: tuple[str, ...]
    layers: tuple[str, ...] = ()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_SECONDS)
        self.sock.connect(self._path)


def engine_image(name: str) -> EngineImage | None:
    """Return what the local engine has under ``name``, or None.

    None also when no engine answers on a local socket: then nothing here can run the image.
    Engines reached over TCP or SSH are not asked; they are not this host's.

    Raises:
        EngineError: the engine answers, but not with an image and not with "no such image".
    """
    answer = _ask(f"/images/{quote(name, safe='/:@')}/json")
    if answer is None:
        return None
    status, body = answer
    if status == http.HTTPStatus.NOT_FOUND:
        return None
    try:
        found = json.loads(body)
        layers = (found.get("RootFS") or {}).get("Layers") or ()
        return EngineImage(str(found["Id"]), tuple(found.get("RepoDigests") or ()), tuple(layers))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            "The Docker engine could not say what it has under a name",
            where=name,
            got=f"HTTP {status}",
            hint="Check the engine with `docker image inspect`; "
            "`registry:NAME` verifies the registry's image alone.",
        ) from error


def engine_version() -> str | None:
    """Return the local engine's version, or None when none answers."""
    answer = _ask("/version")
    try:
        version = json.loads(answer[1])["Version"] if answer else None
    except (ValueError, KeyError, TypeError):
        return None
    return version if isinstance(version, str) else None


def _ask(path: str) -> tuple[int, bytes] | None:
    """Return status and body of one request; None when no engine answers on a local socket.

    Raises:
        EngineError: one is there and does not answer: what it has is not known, which is not none.
    """
    host = os.environ.get("DOCKER_HOST") or _context_host() or _DEFAULT_HOST
    if not host.startswith("unix://"):
        return None
    connection = _UnixConnection(urlsplit(host).path)
    try:
        connection.connect()
    except OSError:
        connection.close()
        return None
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(LIMITS.image_config)
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(
            "The Docker engine does not answer",
            where=host,
            got=str(error) or type(error).__name__,
            hint="Check it with `docker version`; `registry:NAME` asks the registry alone.",
        ) from error
    finally:
        connection.close()


def _context_host() -> str | None:
    """Return the endpoint of the current docker context, when one is chosen."""
    directory = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    try:
        name = os.environ.get("DOCKER_CONTEXT") or json.loads(
            (directory / "config.json").read_bytes()
        ).get("currentContext")
        if not name or name == "default":
            return None
        meta = directory / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        host = json.loads((meta / "meta.json").read_bytes())["Endpoints"]["docker"]["Host"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return host if isinstance(host, str) else None
