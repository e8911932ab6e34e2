"""The platforms of a multi-platform image, as its index lists them (image-spec, image-index.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.image.oci import image_manifests
from lading.image.platforms import choose, parse_platform, read_platform
from lading_oci.platforms import contained_manifests

if TYPE_CHECKING:
    from lading_oci.interface import Repository

__all__ = ["platform_digest", "platform_digests"]


def platform_digests(repository: Repository, digest: str) -> tuple[str, ...] | None:
    """Return the digest of each image manifest in an index, once; None when it is no index.

    Attestations that BuildKit keeps in the index are no images.

    Raises:
        OciError: the registry failed, or the index is malformed.
    """
    document = repository.manifest(digest).json()
    if "manifests" not in document:
        return None
    entries = image_manifests(contained_manifests(document, where=repository.name))
    return tuple(dict.fromkeys(entry.digest for entry in entries))


def platform_digest(repository: Repository, digest: str, platform: str) -> str:
    """Return the digest of the manifest for ``os/architecture[/variant]``.

    An image that is no index is for the platform that its configuration names.

    Raises:
        UsageError: ``platform`` is none.
        InputError: the image is not for it.
        OciError: the registry failed, or what it has is malformed.
    """
    wanted = parse_platform(platform)
    where = f"{repository.name}@{digest}"
    document = repository.manifest(digest).json()
    if "manifests" in document:
        entries = image_manifests(contained_manifests(document, where=where))
        listed = [(read_platform(entry.platform), entry.digest) for entry in entries]
        return choose(
            [(found, entry) for found, entry in listed if found is not None], wanted, where=where
        )
    from lading.image.registry import open_registry_image
    from lading_oci.references import parse_reference

    open_registry_image(repository, parse_reference(where), wanted)
    return digest
