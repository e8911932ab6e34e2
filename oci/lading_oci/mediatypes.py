"""Media types of OCI image-spec 1.1 and of Docker's schema 2, and the sets that matter."""

from __future__ import annotations

__all__ = [
    "DOCKER_LIST",
    "DOCKER_MANIFEST",
    "EMPTY",
    "EMPTY_CONTENT",
    "EMPTY_DIGEST",
    "INDEXES",
    "MANIFESTS",
    "MANIFEST_ACCEPT",
    "OCI_CONFIG",
    "OCI_INDEX",
    "OCI_MANIFEST",
    "is_foreign",
]

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

#: The empty descriptor (image-spec, manifest.md, "Guidance for an Empty Descriptor").
EMPTY = "application/vnd.oci.empty.v1+json"
EMPTY_CONTENT = b"{}"
EMPTY_DIGEST = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = INDEXES | {OCI_MANIFEST, DOCKER_MANIFEST}

#: Without it a registry may convert to schema 1, which has another digest.
MANIFEST_ACCEPT = ", ".join((OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST))


def is_foreign(media_type: str) -> bool:
    """Say whether a layer's bytes may lie elsewhere than the image's (image-spec, layer.md)."""
    return ".foreign." in media_type or ".nondistributable." in media_type
