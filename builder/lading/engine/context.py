"""Where the Docker engine is, found the way docker's own command line finds it.

``DOCKER_HOST`` (with ``DOCKER_TLS_VERIFY`` and ``DOCKER_CERT_PATH``), else the context named by
``DOCKER_CONTEXT``, else the current context of docker's configuration, else the default socket.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Endpoint", "find_endpoint"]

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_DEFAULT_CONTEXT = "default"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An engine's address, and who said so."""

    host: str
    source: str  # "DOCKER_HOST", "context NAME" or "default"
    tls: Any = None  # docker.tls.TLSConfig

    @property
    def local_socket(self) -> str | None:
        """The path of the engine's UNIX socket, when that is how it is reached."""
        return self.host.removeprefix("unix://") if self.host.startswith("unix://") else None


def find_endpoint(environ: Mapping[str, str]) -> Endpoint:
    """Return the engine that ``docker`` would talk to in this environment.

    Raises:
        EngineError: a context or certificate that cannot be used.
    """
    if _is_plain_socket(environ):
        return Endpoint(environ["DOCKER_HOST"], "DOCKER_HOST")
    if _is_default(environ):
        return Endpoint(_DEFAULT_HOST, "default")
    from docker.context import config
    from docker.errors import DockerException

    if environ.get("DOCKER_HOST"):
        return _from_environment(environ)
    name = environ.get("DOCKER_CONTEXT") or config.get_current_context_name()
    if not name or name == _DEFAULT_CONTEXT:
        return _from_environment(environ)
    try:
        return _from_context(name)
    except EngineError:
        raise
    except (DockerException, OSError, KeyError, TypeError) as error:
        raise _unusable(name, str(error)) from error
    except Exception as error:
        # docker-py raises bare Exception for a damaged context; anything else is ours
        if type(error) is not Exception:
            raise
        raise _unusable(name, str(error)) from error


def _is_plain_socket(environ: Mapping[str, str]) -> bool:
    """Say whether DOCKER_HOST is a local socket and nothing else counts: no library is needed."""
    tls = environ.get("DOCKER_TLS_VERIFY") or environ.get("DOCKER_CERT_PATH")
    return environ.get("DOCKER_HOST", "").startswith("unix:///") and not tls


def _is_default(environ: Mapping[str, str]) -> bool:
    """Say whether nothing at all chooses an engine: no library is needed to find the default."""
    said = ("DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONTEXT")
    if any(environ.get(name) for name in said):
        return False
    directory = environ.get("DOCKER_CONFIG") or os.environ.get("DOCKER_CONFIG")
    try:
        path = (Path(directory) if directory else Path.home() / ".docker") / "config.json"
        return not json.loads(path.read_bytes()).get("currentContext")
    except FileNotFoundError:
        return True
    except (OSError, ValueError, AttributeError, RuntimeError):
        return False  # the library says what is wrong with it


def _from_environment(environ: Mapping[str, str]) -> Endpoint:
    from docker.errors import DockerException
    from docker.utils import kwargs_from_env

    try:
        # docker-py takes an empty mapping for "use os.environ"
        found = kwargs_from_env({"DOCKER_HOST": "", **environ})
    except DockerException as error:
        raise EngineError(
            "the TLS settings for the Docker engine cannot be used",
            where="DOCKER_CERT_PATH",
            got=str(error),
            hint="put ca.pem, cert.pem and key.pem there, or unset DOCKER_TLS_VERIFY",
        ) from error
    host = found.get("base_url")
    source = "DOCKER_HOST" if host else "default"
    return Endpoint(host or _DEFAULT_HOST, source, found.get("tls") if host else None)


def _from_context(name: str) -> Endpoint:
    from docker.context import Context

    context: Any = Context.load_context(name)
    if context is None or not context.Host:
        raise EngineError(
            "there is no such docker context",
            where=name,
            hint="see `docker context ls`; choose one with DOCKER_CONTEXT or `docker context use`",
        )
    return Endpoint(str(context.Host), f"context {name}", context.TLSConfig)


def _unusable(name: str, why: str) -> EngineError:
    return EngineError(
        "the docker context cannot be used",
        where=name,
        got=why,
        hint="see `docker context inspect`; set DOCKER_HOST to pass it by",
    )
