"""What BuildKit attested about an image it pushed: unsigned manifests in the image's own index.

An entry for the platform ``unknown/unknown`` with ``vnd.docker.reference.type:
attestation-manifest`` belongs to the image manifest that ``vnd.docker.reference.digest`` names;
each of its layers is an in-toto statement. Nothing of it is signed: it is referenced by digest,
and its provenance tells which base images BuildKit resolved.
https://docs.docker.com/build/metadata/attestations/attestation-storage/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.attest.strict_json import StrictJsonError, parse_object
from lading.limits import LIMITS
from lading.records import record
from lading_oci.manifests import parse_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading_oci.interface import Descriptor, Repository

__all__ = ["BuildkitAttestation", "Material", "materials", "read_attestations"]

IN_TOTO: Final = "application/vnd.in-toto+json"
_PROVENANCE: Final = "https://slsa.dev/provenance/"


@record
class Material:
    """An image or source that BuildKit resolved: its purl or URL, and its digests."""

    uri: str
    digest: dict[str, str]


@record
class BuildkitAttestation:
    """One statement: its blob, what it is about, and what it says was used (provenance only)."""

    blob: Descriptor
    predicate_type: str
    about: str  # digest of the image manifest
    materials: tuple[Material, ...] = ()


def read_attestations(repository: Repository, digest: str) -> tuple[BuildkitAttestation, ...]:
    """Return BuildKit's attestations in the index ``digest``; none when it is no index.

    Raises:
        OciError: the registry failed, or what is listed is malformed.
    """
    entries = repository.manifest(digest).json().get("manifests")
    if not isinstance(entries, list):
        return ()
    found: list[BuildkitAttestation] = []
    for entry in (parse_descriptor(one, where=repository.name) for one in entries):
        if entry.annotations.get("vnd.docker.reference.type") == "attestation-manifest":
            about = entry.annotations.get("vnd.docker.reference.digest", "")
            found += _statements(repository, entry.digest, about)
    return tuple(found)


def _statements(repository: Repository, digest: str, about: str) -> Iterator[BuildkitAttestation]:
    layers = repository.manifest(digest).json().get("layers")
    for one in layers if isinstance(layers, list) else ():
        blob = parse_descriptor(one, where=repository.name)
        kind = blob.annotations.get("in-toto.io/predicate-type", "")
        if blob.media_type != IN_TOTO:
            continue
        used: tuple[Material, ...] = ()
        if kind.startswith(_PROVENANCE) and blob.size <= LIMITS.bundle:
            content = repository.read_blob(blob, limit=LIMITS.bundle)
            try:
                used = materials(parse_object(content, limit=LIMITS.bundle).get("predicate"))
            except StrictJsonError:
                used = ()  # it is referenced by its digest all the same
        yield BuildkitAttestation(blob, kind, about, used)


def materials(provenance: Any) -> tuple[Material, ...]:
    """Return what a provenance predicate (v0.2 or v1) says was used; nothing of another shape."""
    if not isinstance(provenance, dict):
        return ()
    definition = provenance.get("buildDefinition")
    listed = (
        definition.get("resolvedDependencies")
        if isinstance(definition, dict)
        else provenance.get("materials")
    )
    found = []
    for one in listed if isinstance(listed, list) else ():
        uri, digest = (one.get("uri"), one.get("digest")) if isinstance(one, dict) else (None, None)
        if isinstance(uri, str) and isinstance(digest, dict):
            texts = {name: text for name, text in digest.items() if isinstance(text, str)}
            found.append(Material(uri, texts))
    return tuple(found)
