"""Manifests and indexes: strict reading of untrusted JSON, and the exact bytes we write.

OCI image-spec 1.1: descriptor.md, manifest.md, image-index.md.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from lading_oci import mediatypes
from lading_oci.digest import check_digest, digest_of
from lading_oci.errors import LimitExceeded, MalformedError
from lading_oci.interface import Descriptor
from lading_oci.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "EMPTY_CONFIG",
    "check_shape",
    "descriptor_json",
    "dump",
    "index_manifest",
    "matches",
    "parse_descriptor",
    "referrer_manifest",
]

EMPTY_CONFIG = Descriptor(
    mediatypes.EMPTY,
    mediatypes.EMPTY_DIGEST,
    len(mediatypes.EMPTY_CONTENT),
    data=mediatypes.EMPTY_CONTENT,
)


def matches(descriptor: Descriptor, content: bytes) -> bool:
    """Say whether ``content`` is what the descriptor describes, by size and digest."""
    algorithm = check_digest(descriptor.digest).partition(":")[0]
    return len(content) == descriptor.size and digest_of(content, algorithm) == descriptor.digest


def parse_descriptor(value: object, *, where: str | None = None) -> Descriptor:
    """Read a descriptor; unknown fields are ignored, known ones must have their type.

    Raises:
        MalformedError: a required field is missing or of the wrong type, or inline data does
            not match the digest.
    """
    if not isinstance(value, dict):
        raise MalformedError("a descriptor is not an object", where=where)
    media_type, size = value.get("mediaType"), value.get("size")
    if not isinstance(media_type, str) or not 0 < len(media_type) <= LIMITS.media_type:
        raise MalformedError("a descriptor has no usable mediaType", where=where)
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 63:
        raise MalformedError("a descriptor has no usable size", where=where)
    artifact_type = value.get("artifactType")
    platform = value.get("platform")
    descriptor = Descriptor(
        media_type=media_type,
        digest=check_digest(value.get("digest"), where=where),
        size=size,
        artifact_type=artifact_type if isinstance(artifact_type, str) and artifact_type else None,
        annotations=_annotations(value.get("annotations"), where),
        platform=platform if isinstance(platform, dict) else None,
    )
    return _with_data(descriptor, value.get("data"), where)


def _annotations(value: object, where: str | None) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise MalformedError("annotations are not a map of strings", where=where)
    if len(value) > LIMITS.annotations:
        raise LimitExceeded("a descriptor has too many annotations", where=where)
    if any(len(text) > LIMITS.annotation_value for text in value.values()):
        raise LimitExceeded("an annotation is too long", where=where)
    return dict(value)


def _with_data(descriptor: Descriptor, value: object, where: str | None) -> Descriptor:
    if value is None:
        return descriptor
    try:
        data = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (binascii.Error, ValueError):
        data = None
    if data is None or not matches(descriptor, data):
        raise MalformedError("the data in a descriptor is not what its digest says", where=where)
    return Descriptor(
        descriptor.media_type,
        descriptor.digest,
        descriptor.size,
        descriptor.artifact_type,
        descriptor.annotations,
        descriptor.platform,
        data,
    )


def descriptor_json(descriptor: Descriptor) -> dict[str, Any]:
    """Return the descriptor as a JSON object, absent fields left out, annotations sorted."""
    result: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    if descriptor.data is not None:
        result["data"] = base64.b64encode(descriptor.data).decode("ascii")
    if descriptor.platform is not None:
        result["platform"] = dict(descriptor.platform)
    if descriptor.artifact_type:
        result["artifactType"] = descriptor.artifact_type
    if descriptor.annotations:
        result["annotations"] = dict(sorted(descriptor.annotations.items()))
    return result


def dump(value: Mapping[str, Any]) -> bytes:
    """Serialise compactly, keys in the order given; pure ASCII."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def referrer_manifest(
    subject: Descriptor, blob: Descriptor, *, artifact_type: str, annotations: Mapping[str, str]
) -> bytes:
    """Return the image manifest that attaches ``blob`` to ``subject``: an empty config, one layer.

    The subject keeps its media type, digest and size only, so that the same subject gives the
    same bytes wherever its descriptor was read.
    """
    pinned = Descriptor(subject.media_type, subject.digest, subject.size)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": descriptor_json(EMPTY_CONFIG),
        "layers": [descriptor_json(blob)],
        "subject": descriptor_json(pinned),
    }
    if annotations:
        manifest["annotations"] = dict(sorted(annotations.items()))
    return dump(manifest)


def index_manifest(entries: Iterable[Mapping[str, Any]]) -> bytes:
    """Return an image index of descriptors in JSON form (those of others are kept verbatim)."""
    return dump({"schemaVersion": 2, "mediaType": mediatypes.OCI_INDEX, "manifests": list(entries)})


def check_shape(document: Mapping[str, Any], content_type: str | None, *, where: str) -> str:
    """Return the manifest's media type, refusing documents that could be read in two ways.

    A manifest whose transport, ``mediaType`` field and fields disagree can be a harmless index
    to one reader and an image to another (image-spec 1.0.2 security notes, GHSA-77vh-xpmg-72qh).

    Raises:
        MalformedError: they disagree, or it is no manifest at all.
    """
    said = document.get("mediaType")
    sent = (content_type or "").partition(";")[0].strip().lower()
    media_type = said if isinstance(said, str) and said else sent
    if sent in mediatypes.MANIFESTS and media_type != sent:
        raise MalformedError(
            "a manifest's mediaType is not its Content-Type",
            where=where,
            got=repr(media_type)[:200],
            wanted=sent,
        )
    is_index = "manifests" in document
    is_image = "layers" in document or "config" in document
    if is_index == is_image or (media_type in mediatypes.INDEXES) != is_index:
        if media_type not in mediatypes.MANIFESTS and not (is_index and is_image):
            return media_type  # something newer than this code: its bytes are still addressed
        raise MalformedError(
            "a manifest's fields do not fit its media type", where=where, got=media_type
        )
    return media_type


def describe(document: Mapping[str, Any], content: bytes, media_type: str) -> Descriptor:
    """Return a manifest's descriptor; a referrer's as it is listed.

    Distribution-spec 1.1, "Listing Referrers": ``artifactType``, else the config's media type,
    and the manifest's annotations.
    """
    if not isinstance(document.get("subject"), dict):
        return Descriptor(media_type, digest_of(content), len(content))
    artifact_type = document.get("artifactType")
    config = document.get("config")
    if not artifact_type and isinstance(config, dict):
        artifact_type = config.get("mediaType")
    return Descriptor(
        media_type=media_type,
        digest=digest_of(content),
        size=len(content),
        artifact_type=artifact_type if isinstance(artifact_type, str) and artifact_type else None,
        annotations=_annotations(document.get("annotations"), None),
    )
