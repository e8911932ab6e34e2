"""``attach`` for registries: once, and with the fewest requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lading_oci import mediatypes
from lading_oci.digest import digest_of
from lading_oci.errors import NotFound
from lading_oci.interface import Attached, Descriptor, Repository
from lading_oci.jsontext import parse_object
from lading_oci.manifests import describe, referrer_manifest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Target", "attach_to_registry", "find_attached", "holds"]

_CANDIDATES = 200


class Target(Repository, Protocol):
    """A registry's repository, with what attaching to it needs besides."""

    def ensure_empty_config(self) -> None:
        """Store the empty config blob, once."""
        ...

    def put_referrer(self, content: bytes, media_type: str) -> tuple[Descriptor, bool]:
        """Push a referrer and see that it is listed; return whether by the referrers tag, too."""
        ...


def attach_to_registry(
    repository: Target,
    subject: Descriptor,
    blob: bytes,
    *,
    artifact_type: str,
    blob_media_type: str,
    annotations: Mapping[str, str],
) -> Attached:
    """Push blob, empty config and manifest; the manifest last, so nothing is half attached."""
    layer = Descriptor(blob_media_type, digest_of(blob), len(blob))
    content = referrer_manifest(
        subject, layer, artifact_type=artifact_type, annotations=annotations
    )
    if repository.has_blob(layer):
        # Only what has this blob can be the same attestation, so most attaches skip this.
        existing = find_attached(repository, subject, layer, content, artifact_type)
        if existing is not None:
            return Attached(existing, layer, existed=True, fallback=False)
    else:
        repository.send_blob(layer, blob)
    repository.ensure_empty_config()
    descriptor, fallback = repository.put_referrer(content, mediatypes.OCI_MANIFEST)
    return Attached(descriptor, layer, existed=False, fallback=fallback)


def find_attached(
    repository: Repository,
    subject: Descriptor,
    blob: Descriptor,
    content: bytes,
    artifact_type: str,
) -> Descriptor | None:
    """Return the referrer that attaches ``blob`` to ``subject`` already, if there is one.

    ``content`` is the manifest that would be pushed: its digest, and then its size, say which
    referrers to look at first.
    """
    found = repository.referrers(subject.digest, artifact_type=artifact_type)
    wanted = digest_of(content)
    # Even one of that very digest is read: lists outlive the manifests that they name.
    found.sort(key=lambda one: (one.digest != wanted, abs(one.size - len(content))))
    for descriptor in found[:_CANDIDATES]:
        try:
            manifest = repository.manifest(descriptor.digest)
        except NotFound:
            continue
        if holds(manifest.json(), subject.digest, blob.digest, artifact_type):
            document = parse_object(manifest.content)
            return describe(document, manifest.content, manifest.descriptor.media_type)
    return None


def holds(document: Mapping[str, Any], subject: str, blob: str, artifact_type: str) -> bool:
    """Say whether a manifest attaches exactly this blob to this subject as this type."""
    layers = document.get("layers")
    named = document.get("subject")
    return (
        document.get("artifactType") == artifact_type
        and isinstance(named, dict)
        and named.get("digest") == subject
        and isinstance(layers, list)
        and len(layers) == 1
        and isinstance(layers[0], dict)
        and layers[0].get("digest") == blob
    )
