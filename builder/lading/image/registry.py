"""``registry:``, an image in a registry: its blobs streamed, only what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.image.blobs import RepositoryBlobs
from lading.image.oci import OciImage, choose_manifest

if TYPE_CHECKING:
    from lading.inventory import Platform
    from lading_oci.interface import Repository
    from lading_oci.references import Reference

__all__ = ["open_registry_image"]


def open_registry_image(
    repository: Repository, reference: Reference, platform: Platform | None = None
) -> OciImage:
    """Open an image by its tag or digest.

    Args:
        repository: where it is; not closed by the image.
        reference: its name as the user meant it.
        platform: which, of an index; None for the only one or this machine's.

    Raises:
        InputError: what is there is no image, or none for the platform.
        OciError: the registry does not give it.
    """
    blobs = RepositoryBlobs(repository)
    root = repository.resolve(reference.target)
    chosen = choose_manifest(blobs, [root], platform)
    shown = reference if reference.tag or reference.digest else reference.with_tag("latest")
    return OciImage(blobs, chosen, name=shown.familiar(), how="registry", platform=platform)
