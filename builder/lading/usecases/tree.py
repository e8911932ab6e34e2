"""Use case: every attestation of an image, as far as it can be read.

What an unverified bundle says of itself is shown as a claim; with a verifier, each one is checked
on its own and the reason of a refusal is part of the answer.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.attest.bundle import parse_bundle
from lading.attest.statement import parse_statement
from lading.errors import VerificationError
from lading.usecases.bundles import fetch_bundle, is_bundle
from lading_oci.errors import OciError

if TYPE_CHECKING:
    from lading.attest.bundle import Bundle
    from lading.attest.interface import Verifier
    from lading.usecases.locate import Located, Place
    from lading_oci.interface import Descriptor, Repository

__all__ = ["Attached", "list_attached"]

_MOST_SIGNER = 512  # characters of a claimed name that are worth showing


@dataclass(frozen=True, slots=True)
class Attached:
    """One referrer. ``signer`` is what was verified, or a claim when ``verified`` is None."""

    digest: str
    artifact_type: str
    size: int
    created: str | None
    predicate_type: str | None = None
    signer: str | None = None
    subjects: int = 0
    verified: bool | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``tree``'s document."""
        return {name: getattr(self, name) for name in self.__slots__}


def list_attached(
    located: Located, verifier: Verifier | None = None
) -> tuple[Place, list[Attached]]:
    """Return all referrers of an image where there are any, newest first, and that place.

    Raises:
        OciError: the registry failed. A single unreadable referrer is listed with its reason.
    """
    for place in located.places:
        found = place.referrers()
        if found:
            break
    else:
        place = located.places[0]
    return place, [_read(place.repository, one, verifier, located.wanted) for one in found]


def _read(
    repository: Repository, referrer: Descriptor, verifier: Verifier | None, wanted: frozenset[str]
) -> Attached:
    listed = Attached(
        referrer.digest,
        referrer.artifact_type or referrer.media_type,
        referrer.size,
        referrer.annotations.get("org.opencontainers.image.created"),
    )
    if not is_bundle(referrer):
        return listed
    try:
        content = fetch_bundle(repository, referrer)
        bundle = parse_bundle(content)
        statement = parse_statement(bundle.envelope.payload)
    except (VerificationError, OciError) as error:
        return dataclasses.replace(listed, verified=False if verifier else None, reason=str(error))
    claimed = dataclasses.replace(
        listed,
        predicate_type=statement.predicate_type,
        subjects=len(statement.subjects),
        signer=_claimed_signer(bundle),
    )
    if verifier is None:
        return claimed
    try:
        verified = verifier.verify(content)
    except VerificationError as error:
        return dataclasses.replace(claimed, verified=False, reason=str(error))
    if not wanted <= statement.sha256:
        return dataclasses.replace(claimed, verified=False, reason="it is about something else")
    return dataclasses.replace(claimed, verified=True, signer=str(verified.signer))


def _claimed_signer(bundle: Bundle) -> str:
    """Say whom a bundle names as its signer; nobody has checked it."""
    if bundle.certificate is None:
        hint = bundle.key_hint or ""
        try:
            raw = base64.b64decode(hint, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        return f"sha256:{raw.hex()}" if raw else "a key that is not named"
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(bundle.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return ", ".join(str(name.value) for name in names)[:_MOST_SIGNER]
    except (ValueError, x509.ExtensionNotFound):
        return "a certificate that names nobody"
