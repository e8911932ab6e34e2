"""Every digest by which an image is known: its index's, its manifests', its configurations'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading_oci.manifests import parse_descriptor
from lading_oci.platforms import contained_manifests, platform_name

if TYPE_CHECKING:
    from lading_oci.interface import Repository

__all__ = ["all_digests", "platform_manifests"]

_NO_PLATFORM = "unknown/unknown"  # what BuildKit calls its own attestations


def platform_manifests(repository: Repository, digest: str) -> tuple[str, ...]:
    """Return the manifests of an index's platforms; of an image manifest, itself.

    Raises:
        OciError: it cannot be read.
    """
    document = repository.manifest(digest).json()
    contained = contained_manifests(document, where=digest)
    if not contained:
        return (digest,)
    return tuple(one.digest for one in contained if platform_name(one) != _NO_PLATFORM)


def all_digests(repository: Repository, digest: str) -> tuple[str, ...]:
    """Return ``digest``, the manifests of its platforms, and their configurations.

    An engine knows its image by the configuration, so that a statement which names them all holds
    for a copy in an engine, too.

    Raises:
        OciError: a manifest cannot be read.
    """
    found = [digest]
    for manifest in platform_manifests(repository, digest):
        found.append(manifest)
        config = repository.manifest(manifest).json().get("config")
        if config is not None:
            found.append(parse_descriptor(config, where=manifest).digest)
    return tuple(dict.fromkeys(found))
