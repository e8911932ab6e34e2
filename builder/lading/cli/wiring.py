"""What the verbs share: the real parts behind the use cases' protocols, opened when needed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.inventory import Inspection
    from lading.usecases.locate import Ports
    from lading_oci.interface import Repository
    from lading_oci.references import Reference

__all__ = [
    "RequestCounter",
    "engine_push",
    "inspect",
    "ports",
    "repository_opener",
]


@dataclass(slots=True)
class RequestCounter:
    """Counts HTTP exchanges with registries; ``verify --json`` reports them."""

    count: int = 0

    def __call__(self, _method: str, _url: str) -> None:
        """Count one."""
        self.count += 1


def repository_opener(
    *, insecure: bool = False, counter: RequestCounter | None = None
) -> Callable[[Reference], Repository]:
    """Return what opens a reference's repository, once per repository."""
    from lading_oci.registry import open_registry

    opened: dict[str, Repository] = {}

    def open_repository(reference: Reference) -> Repository:
        if reference.name not in opened:
            opened[reference.name] = open_registry(reference, insecure=insecure, on_request=counter)
        return opened[reference.name]

    return open_repository


def inspect(
    target: str, *, name: str | None = None, platform: str | None = None, insecure: bool = False
) -> Inspection:
    """Look inside a TARGET with the layer cache and the newest syft; ``name`` is its other name."""
    from lading.image import open_image
    from lading.image.cache import LayerCache
    from lading.packages import find_syft
    from lading.usecases.inspect import inspect_image
    from lading.usecases.layer_scan import SCANNER_VERSION

    cache = None if os.environ.get("LADING_NO_CACHE") else LayerCache(None, SCANNER_VERSION)
    opener = repository_opener(insecure=insecure)
    image = open_image(target, platform=platform, repository_opener=opener)
    try:
        return inspect_image(image, name or target, find_syft=find_syft, cache=cache)
    finally:
        image.close()


def ports(*, evidence: str | None, insecure: bool, counter: RequestCounter | None = None) -> Ports:
    """Return the real registries, the evidence store and the engine's socket."""
    from lading.engine.probe import engine_image
    from lading.usecases.evidence import open_evidence
    from lading.usecases.locate import Ports

    return Ports(
        registry=repository_opener(insecure=insecure, counter=counter),
        local=lambda: open_evidence(evidence, insecure=insecure),
        engine=engine_image,
    )


def engine_push(reference: Reference) -> str:
    """Push one name of an engine's image; the digest of its manifest comes back."""
    from lading.cli.progress import push_progress
    from lading.engine.client import Engine

    repository, _, tag = reference.familiar().rpartition(":")
    with Engine.connect() as engine, push_progress(reference.familiar()) as progress:
        return engine.push(repository, tag, progress)
