"""The models that are attested, as a build, an attestation and a push look them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.attest.interface import Signer, Verifier
    from lading.inventory import Inspection

__all__ = ["match_attested"]


def match_attested(
    inspections: Sequence[Inspection],
    *,
    signer: Signer | None,
    evidence: Sequence[str | None] = (),
    required: bool = False,
    insecure: bool = False,
) -> list[Inspection]:
    """Say of each model in the images whether it is an attested one, and as what.

    Args:
        inspections: of the image, one a platform.
        signer: whose own signatures count where nobody else is trusted.
        evidence: stores that are looked into besides the user's own.
        required: refuse an image with any other model.
        insecure: as for every store.

    Raises:
        PolicyViolation: ``required``, and a model is not an attested one.
        UsageError: ``required``, and nobody is trusted to attest models.
        OciError: a store did not answer as needed.
    """
    from lading.usecases.evidence import open_evidence
    from lading.usecases.match import load_attested, match, require_attested

    if not any(one.models or one.datasets for one in inspections):
        return list(inspections)
    verifier = _verifier(signer)
    if verifier is None:
        if required:
            raise UsageError(
                "Attested models are required, and nobody is trusted to attest them",
                hint="Set LADING_KEY, or key in [verify] of lading.toml, or a [[trust]] rule for "
                'images = ["lading.models"].',
            )
        return list(inspections)
    places = dict.fromkeys((None, *evidence))
    stores = [open_evidence(place, insecure=insecure) for place in places]
    attested = load_attested(inspections, stores, verifier)
    matched = [match(one, attested) for one in inspections]
    if required:
        for one in matched:
            require_attested(one, attested)
    return matched


def _verifier(signer: Signer | None) -> Verifier | None:
    from lading.cli.trusting import configured_verifier
    from lading.usecases.sources import TRUST_NAME

    found = configured_verifier({}, TRUST_NAME)
    key = getattr(signer, "public_key", None)
    if found is not None or key is None:
        return found
    from lading.attest.verifiers.key import KeyVerifier

    return KeyVerifier([key])
