"""Image sources: engine, registry, OCI layout, archive, directory; all give layers of entries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lading.engine.client import Engine
    from lading.image.interface import Image

__all__ = ["IMAGE_PREFIXES", "open_image", "split_target"]

IMAGE_PREFIXES = ("docker", "registry", "oci-dir", "oci-archive", "docker-archive", "dir")


def split_target(target: str) -> tuple[str | None, str]:
    """Return a target's prefix, if it has one of ours, and the rest."""
    prefix, colon, rest = target.partition(":")
    return (prefix, rest) if colon and prefix in IMAGE_PREFIXES else (None, target)


def open_image(target: str, *, engine: Engine | None = None) -> Image:
    """Open an image by its target.

    Raises:
        EngineError: the engine is needed and is not there, or does not have it.
        InputError: the file is not what the prefix says.
    """
    from lading.engine.client import Engine as Client
    from lading.image.docker import DockerImage
    from lading.image.docker_archive import DockerArchive

    prefix, rest = split_target(target)
    if prefix == "docker-archive":
        return DockerArchive(Path(rest))
    return DockerImage(engine or Client.connect(), rest)
