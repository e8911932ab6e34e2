"""Every digest by which an image is known: its index's, its manifests', its configurations'."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.image.platforms import choose, parse_platform, read_platform
from lading.limits import LIMITS
from lading_oci.jsontext import parse_object
from lading_oci.manifests import parse_descriptor
from lading_oci.platforms import contained_manifests, platform_name

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
        InputError: the index has none for it, or the image's configuration is for another.
        OciError: it cannot be read.
    """
    wanted, where = parse_platform(platform), f"{repository.name}@{digest}"
    document = repository.manifest(digest).json()
    contained = contained_manifests(document, where=where)
    if contained:
        told = [(read_platform(one.platform), one.digest) for one in contained]
        return choose([one for one in told if one[0] is not None], wanted, where=where)
    config = parse_descriptor(document.get("config"), where=where)
    content = repository.read_blob(config, limit=LIMITS.image_config)
    choose([(read_platform(parse_object(content)), digest)], wanted, where=where)
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
