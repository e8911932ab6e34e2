"""Every digest by which an image is known: its index's, its manifests', its configurations'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.image.platforms import choose, parse_platform, read_platform
from lading.limits import LIMITS
from lading_oci.manifests import parse_descriptor, parse_object
from lading_oci.platforms import choose_platform, contained_manifests, platform_name

if TYPE_CHECKING:
    from lading_oci.interface import Repository

__all__ = ["all_digests", "config_digest", "platform_manifest", "platform_manifests"]

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


def platform_manifest(repository: Repository, digest: str, platform: str) -> str:
    """Return the manifest for ``os/architecture[/variant]``; of an image manifest, itself.

    Raises:
        UsageError: ``platform`` is none.
        InputError: an image manifest's configuration is for another platform.
        OciError: it cannot be read, or the index has none for the platform.
    """
    wanted = parse_platform(platform)
    document = repository.manifest(digest).json()
    if contained_manifests(document, where=digest):
        return choose_platform(document, str(wanted), where=f"{repository.name}@{digest}").digest
    config = parse_descriptor(document.get("config"), where=digest)
    content = repository.read_blob(config, limit=LIMITS.image_config)
    choose(
        [(read_platform(parse_object(content)), digest)],
        wanted,
        where=f"{repository.name}@{digest}",
    )
    return digest


def config_digest(repository: Repository, digest: str) -> str | None:
    """Return the configuration's digest of an image manifest; None of an index.

    Raises:
        OciError: it cannot be read.
    """
    config = repository.manifest(digest).json().get("config")
    return None if config is None else parse_descriptor(config, where=digest).digest


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
        config = config_digest(repository, manifest)
        if config is not None:
            found.append(config)
    return tuple(dict.fromkeys(found))
