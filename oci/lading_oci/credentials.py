"""Who we are to a registry: Docker's and podman's credential files, helpers, the environment.

Searched in this order, the first that has something for the registry decides:

1. ``LADING_REGISTRY_USERNAME`` and ``LADING_REGISTRY_PASSWORD`` (only for the registry named by
   ``LADING_REGISTRY_HOST`` when that is set),
2. the file named by ``REGISTRY_AUTH_FILE`` (podman, containers-auth.json(5)),
3. ``$DOCKER_CONFIG/config.json``, else ``~/.docker/config.json``,
4. ``$XDG_RUNTIME_DIR/containers/auth.json``, ``$XDG_CONFIG_HOME/containers/auth.json``.

Within a file: ``credHelpers``, then ``auths``, then ``credsStore``. Secrets never appear in a
``repr``, a log or an error.
"""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading_oci.errors import MalformedError
from lading_oci.jsontext import parse_object
from lading_oci.limits import LIMITS
from lading_oci.references import DOCKER_HUB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Credential", "find_credential"]

_HUB_KEY = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105 - the name by which a helper marks an identity token


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name with a password, or an OAuth2 refresh token (``identity_token``)."""

    username: str
    password: str = field(default="", repr=False)
    identity_token: str | None = field(default=None, repr=False)

    def basic(self) -> str:
        """Return the value of a Basic ``Authorization`` header (RFC 7617, UTF-8)."""
        pair = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode('ascii')}"


def find_credential(registry: str, repository: str = "") -> Credential | None:
    """Return the credential for a repository of a registry (``Reference.registry``), or None.

    Raises:
        MalformedError: a credential file, or a helper's answer, cannot be read.
    """
    found = _from_environment(registry)
    if found is not None:
        return found
    for path in _files():
        config = _load(path)
        if config is not None:
            found = _from_config(config, registry, repository, path)
            if found is not None:
                return found
    return None


def _from_environment(registry: str) -> Credential | None:
    username = os.environ.get("LADING_REGISTRY_USERNAME")
    password = os.environ.get("LADING_REGISTRY_PASSWORD")
    only = os.environ.get("LADING_REGISTRY_HOST")
    if not username or password is None or (only and _host_of(only) != _host_of(registry)):
        return None
    return Credential(username, password)


def _files() -> Iterator[Path]:
    environment = os.environ
    if environment.get("REGISTRY_AUTH_FILE"):
        yield Path(environment["REGISTRY_AUTH_FILE"])
    home = Path(environment["HOME"]) if environment.get("HOME") else None
    if environment.get("DOCKER_CONFIG"):
        yield Path(environment["DOCKER_CONFIG"]) / "config.json"
    elif home is not None:
        yield home / ".docker" / "config.json"
    if environment.get("XDG_RUNTIME_DIR"):
        yield Path(environment["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"
    if environment.get("XDG_CONFIG_HOME"):
        yield Path(environment["XDG_CONFIG_HOME"]) / "containers" / "auth.json"
    elif home is not None:
        yield home / ".config" / "containers" / "auth.json"


def _load(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            content = file.read(LIMITS.credential_file + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise MalformedError(
            "a credential file cannot be read", where=str(path), got=error.strerror
        ) from None
    if not content.strip():
        return None
    return parse_object(content, limit=LIMITS.credential_file, where=str(path))


def _from_config(
    config: Mapping[str, Any], registry: str, repository: str, path: Path
) -> Credential | None:
    server = _HUB_KEY if registry == DOCKER_HUB else registry
    helpers = _table(config, "credHelpers")
    for key in (server, registry):
        if isinstance(helpers.get(key), str):
            return _from_helper(helpers[key], server)
    auths = _table(config, "auths")
    for key in _keys(registry, repository):
        for written, entry in auths.items():
            if _host_of(written) == key and isinstance(entry, dict):
                found = _from_entry(entry, where=f"{path}: auths: {key}")
                if found is not None:
                    return found
    store = config.get("credsStore")
    return _from_helper(store, server) if isinstance(store, str) and store else None


def _table(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _keys(registry: str, repository: str) -> Iterator[str]:
    """Yield the keys that count, most specific first (containers-auth.json(5))."""
    parts = repository.split("/") if repository else []
    for length in range(len(parts), 0, -1):
        yield "/".join((registry, *parts[:length]))
    yield registry


def _host_of(key: str) -> str:
    """Return a key without scheme and API version: Docker writes ``https://host/v1/`` too."""
    key = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    for version in ("/v1", "/v2"):
        key = key.removesuffix(version)
    host, slash, rest = key.partition("/")
    if host in {"index.docker.io", "registry-1.docker.io"}:
        host = DOCKER_HUB
    return f"{host}{slash}{rest}"


def _from_entry(entry: Mapping[str, Any], where: str) -> Credential | None:
    username, password = entry.get("username"), entry.get("password")
    auth, token = entry.get("auth"), entry.get("identitytoken")
    if isinstance(auth, str) and auth:
        try:
            text = base64.b64decode(auth, validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            raise MalformedError(
                "a credential is not base64 of user:password", where=where
            ) from None
        username, _, password = text.rstrip("\0").partition(":")
    if isinstance(token, str) and token:
        return Credential(username if isinstance(username, str) else "", "", token)
    if isinstance(username, str) and username and isinstance(password, str):
        return Credential(username, password)
    return None


def _from_helper(suffix: str, server: str) -> Credential | None:
    from lading_oci.helpers import ask_helper  # subprocess is not cheap to load

    found = ask_helper(suffix, server)
    if found is None:
        return None
    username, secret = found
    if username == _TOKEN_USER:
        return Credential("", "", secret)
    return Credential(username, secret)
