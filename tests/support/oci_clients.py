"""Repositories of servers in this process, with short waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lading_oci.limits import LIMITS, Limits
from lading_oci.references import parse_reference
from lading_oci.registry import RegistryRepository, open_registry

if TYPE_CHECKING:
    from lading_oci.credentials import Credential
    from support.oci_server import Server

__all__ = ["FAST", "repository_of"]

#: The real bounds with waits that a test can afford.
FAST = replace(
    LIMITS,
    backoff_first=0.002,
    backoff_most=0.01,
    retry_after_most=1.5,
    read_seconds=0.5,
    total_seconds=2.0,
    settle_least=0.002,
    settle_most=0.01,
    settle_quiet=0.05,
    tag_merge_seconds=2.0,
)


def repository_of(
    server: Server | str,
    name: str = "a/b",
    *,
    credential: Credential | None = None,
    limits: Limits = FAST,
    insecure: bool = False,
) -> RegistryRepository:
    """Return a repository of ``server`` (or of a host)."""
    host = server if isinstance(server, str) else server.host
    return open_registry(
        parse_reference(f"{host}/{name}"),
        credentials=lambda: credential,
        limits=limits,
        insecure=insecure,
    )
