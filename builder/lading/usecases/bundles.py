"""Attestations where they are stored: referrers of a subject, each with one Sigstore bundle.

A seal's bundle also rides in an annotation of its referrer, so that the list of referrers, one
request, already holds it. An annotation is an untrusted carrier: what is in it is verified like
any bundle.
"""

from __future__ import annotations

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING

from lading.attest.bundle import BUNDLE_TYPE_PREFIX
from lading.attest.predicates import SLSA_VSA_V1
from lading.attest.verify import Candidate
from lading.attest.vsa import SEAL_ANNOTATION
from lading.errors import VerificationError
from lading.limits import LIMITS
from lading_oci.manifests import parse_descriptor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.usecases.locate import Located, Place
    from lading_oci.interface import Descriptor, Repository

__all__ = [
    "bundles_at",
    "candidates",
    "fetch_bundle",
    "find_bundles",
    "is_bundle",
    "seals",
]

PREDICATE_TYPE_ANNOTATION = "dev.sigstore.bundle.predicateType"


def find_bundles(located: Located, *, exhaustive: bool = False) -> tuple[Place, list[Descriptor]]:
    """List what claims to be a bundle in the first place that has any; newest first."""
    for place in located.everywhere():
        bundles = bundles_at(place, exhaustive=exhaustive)
        if bundles:
            return place, bundles
    return located.places[0], []


def bundles_at(place: Place, *, exhaustive: bool = False) -> list[Descriptor]:
    """List what claims to be a bundle in one place.

    A registry that was given the referrers API later keeps what is older under the referrers tag
    alone. That is read where the API lists no bundle, and always when ``exhaustive``.
    """
    listed = place.referrers(exhaustive=exhaustive)
    bundles = [one for one in listed if is_bundle(one)]
    if listed and not bundles and not exhaustive:
        bundles = [one for one in place.referrers(exhaustive=True) if is_bundle(one)]
    return bundles


def candidates(repository: Repository, bundles: Iterable[Descriptor]) -> list[Candidate]:
    """Return each bundle, to be fetched from the registry when it is judged."""
    return [
        Candidate(
            source=one.digest,
            fetch=partial(fetch_bundle, repository, one),
            predicate_hint=one.annotations.get(PREDICATE_TYPE_ANNOTATION),
        )
        for one in bundles
    ]


def seals(bundles: Iterable[Descriptor]) -> list[Candidate]:
    """Return the seals that the list itself carries; reading them costs no request."""
    return [
        Candidate(one.digest, partial(_carried, text), SLSA_VSA_V1)
        for one in bundles
        if (text := one.annotations.get(SEAL_ANNOTATION))
    ]


def _carried(text: str) -> bytes:
    if len(text) > LIMITS.seal * 2:
        raise VerificationError("an annotation is too long to be a seal", code="malformed")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise VerificationError("an annotation is not a seal", code="malformed") from error


def is_bundle(referrer: Descriptor) -> bool:
    """Whether a referrer can carry a bundle; other writers leave the artifact type out."""
    kind = referrer.artifact_type
    return kind is None or kind.startswith(BUNDLE_TYPE_PREFIX)


def fetch_bundle(repository: Repository, referrer: Descriptor) -> bytes:
    """Return the bundle of a referrer: the only layer of its manifest, verified while read.

    Raises:
        VerificationError: the referrer is not shaped as one that carries a bundle.
        OciError: it could not be read.
    """
    manifest = repository.manifest(referrer.digest).json()
    layers = manifest.get("layers")
    if not isinstance(layers, list) or len(layers) != 1:
        raise VerificationError(
            "an attestation's manifest does not have exactly one layer",
            code="malformed",
            where=referrer.digest,
        )
    layer = parse_descriptor(layers[0], where=referrer.digest)
    if not layer.media_type.startswith(BUNDLE_TYPE_PREFIX):
        raise VerificationError(
            "an attestation's layer is not a Sigstore bundle",
            code="malformed",
            where=referrer.digest,
            got=layer.media_type,
        )
    return repository.read_blob(layer, limit=LIMITS.bundle)
