"""Small real images to push: config, layers, manifest, index."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading_oci import mediatypes
from lading_oci.digest import digest_of
from lading_oci.interface import Descriptor
from lading_oci.manifests import descriptor_json, dump, index_manifest

if TYPE_CHECKING:
    from lading_oci.interface import Repository

__all__ = ["LAYER", "Image", "describe", "make_image", "push_image", "push_index"]

LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True)
class Image:
    """Bytes of an image with one layer."""

    config: bytes
    layer: bytes
    manifest: bytes

    @property
    def descriptor(self) -> Descriptor:
        return describe(self.manifest, mediatypes.OCI_MANIFEST)


def describe(content: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type, digest_of(content), len(content))


def make_image(text: str, *, architecture: str = "amd64", layer: bytes | None = None) -> Image:
    """Return an image whose bytes depend on ``text`` only."""
    layer = layer if layer is not None else f"layer of {text}".encode()
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": {"text": text}},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        }
    ).encode()
    manifest = dump(
        {
            "schemaVersion": 2,
            "mediaType": mediatypes.OCI_MANIFEST,
            "config": descriptor_json(describe(config, mediatypes.OCI_CONFIG)),
            "layers": [descriptor_json(describe(layer, LAYER))],
        }
    )
    return Image(config, layer, manifest)


def push_image(repository: Repository, image: Image, *, tag: str | None = None) -> Descriptor:
    """Push config, layer and manifest."""
    repository.push_blob(describe(image.config, mediatypes.OCI_CONFIG), image.config)
    repository.push_blob(describe(image.layer, LAYER), image.layer)
    return repository.push_manifest(image.manifest, mediatypes.OCI_MANIFEST, tag=tag)


def push_index(
    repository: Repository, images: dict[str, Image], *, tag: str | None = None
) -> Descriptor:
    """Push images by architecture and an index of them."""
    entries = []
    for architecture, image in images.items():
        push_image(repository, image)
        entry = descriptor_json(image.descriptor)
        entry["platform"] = {"architecture": architecture, "os": "linux"}
        entries.append(entry)
    return repository.push_manifest(index_manifest(entries), mediatypes.OCI_INDEX, tag=tag)
