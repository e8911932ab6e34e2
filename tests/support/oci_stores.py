"""Every kind of store that the client must treat alike: real registries and an OCI layout."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lading_oci.credentials import Credential
from lading_oci.layout import Layout
from lading_oci.limits import LIMITS, Limits
from lading_oci.references import parse_reference
from lading_oci.registry import RegistryRepository, open_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading_oci.interface import Repository
    from support.registries import Registry

__all__ = ["Requests", "Store", "open_at"]


@dataclass(slots=True)
class Requests:
    """Counts the HTTP exchanges of what is opened with it as ``on_request``."""

    seen: list[str] = field(default_factory=list)

    def __call__(self, method: str, url: str) -> None:
        path = url.partition("//")[2].partition("/")[2]
        self.seen.append(f"{method} {path}")

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Yield the list that the block's exchanges are added to."""
        start = len(self.seen)
        fresh: list[str] = []
        yield fresh
        fresh.extend(self.seen[start:])


def open_at(
    host: str,
    repository: str,
    *,
    limits: Limits = LIMITS,
    requests: Requests | None = None,
    login: tuple[str, str] | None = None,
) -> RegistryRepository:
    """Return a repository of a registry on loopback; without ``login``, as nobody."""
    return open_registry(
        parse_reference(f"{host}/{repository}"),
        credentials=lambda: Credential(*login) if login else None,
        limits=limits,
        on_request=requests,
    )


@dataclass(slots=True)
class Store:
    """One kind of store and a way to open fresh repositories in it."""

    kind: str
    has_referrers: bool
    registry: Registry | None
    directory: str

    @property
    def env(self) -> dict[str, str]:
        """The environment that logs a process in."""
        if self.registry is None or self.registry.login is None:
            return {}
        user, password = self.registry.login
        return {
            "LADING_REGISTRY_HOST": self.registry.host,
            "LADING_REGISTRY_USERNAME": user,
            "LADING_REGISTRY_PASSWORD": password,
        }

    def fresh(self, requests: Requests | None = None) -> Repository:
        """Return a repository that nobody has used."""
        name = f"t{uuid.uuid4().hex[:12]}"
        if self.registry is None:
            return Layout(f"{self.directory}/{name}")
        return open_at(
            self.registry.host, f"tests/{name}", requests=requests, login=self.registry.login
        )
