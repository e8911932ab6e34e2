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
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from lading.errors import EngineError
from lading.limits import LIMITS

__all__ = ["EngineImage", "engine_image"]

_TIMEOUT_SECONDS = 10.0
_DEFAULT_HOST = "unix:///var/run/docker.sock"


@dataclass(frozen=True, slots=True)
class EngineImage:
    """What an engine holds under a name. ``image_id`` is ``sha256:…``."""

    image_id: str
    repo_digests: tuple[str, ...]


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
    host = os.environ.get("DOCKER_HOST") or _context_host() or _DEFAULT_HOST
    if not host.startswith("unix://"):
        return None
    connection = _UnixConnection(urlsplit(host).path)
    try:
        connection.request("GET", f"/images/{quote(name, safe='/:@')}/json")
        response = connection.getresponse()
        body = response.read(LIMITS.image_config)
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if response.status == http.HTTPStatus.NOT_FOUND:
        return None
    try:
        found = json.loads(body)
        return EngineImage(str(found["Id"]), tuple(found.get("RepoDigests") or ()))
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            "The Docker engine could not say what it has under a name",
            where=name,
            got=f"HTTP {response.status}",
            hint="Check the engine with `docker image inspect`; "
            "`registry:NAME` verifies the registry's image alone.",
        ) from error


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
