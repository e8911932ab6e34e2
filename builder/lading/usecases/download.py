"""Use case: the predicate of an image's attestation, verified unless that is expressly waived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from lading.attest.bundle import parse_bundle
from lading.attest.statement import parse_statement
from lading.attest.times import claimed_time
from lading.errors import NoAttestation, VerificationError
from lading.usecases.bundles import candidates, find_bundles
from lading.usecases.verify import verify_located
from lading_oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lading.attest.interface import Verifier
    from lading.attest.statement import Statement
    from lading.usecases.locate import Located, Place
    from lading.usecases.verify import Demands, VerifiedAttestation

__all__ = ["Downloaded", "download", "download_unverified"]


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A predicate; ``signer`` is None when nobody checked who signed it."""

    digest: str
    predicate_type: str
    predicate: Mapping[str, Any]
    source: str
    time: datetime | None
    signer: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``download``'s document, without ``target``."""
        time = self.time.astimezone(UTC).isoformat().replace("+00:00", "Z") if self.time else None
        return {
            "digest": self.digest,
            "predicate_type": self.predicate_type,
            "verified": self.signer is not None,
            "signer": self.signer,
            "time": time,
            "source": self.source,
            "predicate": dict(self.predicate),
        }


def download(
    target: str, located: Located, predicate_type: str, *, verifier: Verifier, demands: Demands
) -> Downloaded:
    """Return the predicate of a type of the attestation that counts, verified as ``verify`` does.

    Raises:
        VerificationError, NoAttestation, PolicyViolation, OciError: as
            :func:`lading.usecases.verify.verify_located`.
    """
    verification = verify_located(
        target, located, verifier=verifier, predicate_type=predicate_type, demands=demands
    )
    one = next(a for a in verification.attestations if a.predicate_type == predicate_type)
    for exhaustive in (False, True):
        place, bundles = find_bundles(located, exhaustive=exhaustive)
        for candidate in candidates(place.repository, bundles):
            if one.source.endswith(candidate.source):
                content = candidate.fetch()
                if digest_of(content) == one.digest:
                    statement = parse_statement(parse_bundle(content).envelope.payload)
                    return _downloaded(located, place, statement, candidate.source, one)
    raise VerificationError(
        "The attestation was changed while it was read", code="content", where=one.source
    )


def download_unverified(located: Located, predicate_type: str) -> Downloaded:
    """Return the first predicate of a type that names the image, whoever wrote it.

    Raises:
        NoAttestation: there is none of the type, or none that can be read.
        OciError: a store failed.
    """
    place, bundles = find_bundles(located, exhaustive=True)
    for candidate in candidates(place.repository, bundles):
        if candidate.predicate_hint not in (None, predicate_type):
            continue
        try:
            statement = parse_statement(parse_bundle(candidate.fetch()).envelope.payload)
        except VerificationError:
            continue
        if statement.predicate_type == predicate_type and located.wanted <= statement.sha256:
            return _downloaded(located, place, statement, candidate.source, None)
    raise NoAttestation(
        "Nothing of this type is attached to the image",
        where=located.digest,
        wanted=predicate_type,
        hint="See what is attached with `lading tree`.",
    )


def _downloaded(
    located: Located,
    place: Place,
    statement: Statement,
    source: str,
    verified: VerifiedAttestation | None,
) -> Downloaded:
    return Downloaded(
        located.digest,
        statement.predicate_type,
        statement.predicate,
        f"{place.repository.name}@{source}",
        verified.time if verified else claimed_time(statement),
        verified.signer if verified else None,
    )
