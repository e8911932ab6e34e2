"""Where signed lists of models and data sets are kept, and how they are found again.

Each is attached twice: to the anchor of its root digest, where one look-up answers about exactly
these files, and to the *catalogue*, one fixed anchor of a store whose referrers are all lists in
it, where a changed model, a single file or a model in an image finds what it should have been. A
name in an annotation is a hint by whoever wrote it: it orders the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from lading.attest.bundle import parse_bundle
from lading.attest.predicates import OMS_SIGNATURE
from lading.attest.statement import parse_statement
from lading.attest.verify import Candidate, verify_attestations
from lading.hub.oms import parse_predicate
from lading.limits import LIMITS
from lading.usecases.bundles import candidates, is_bundle
from lading.usecases.evidence import anchor_of
from lading_oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from lading.attest.interface import Verifier
    from lading.attest.statement import Statement
    from lading.attest.verify import Evidence
    from lading.hub.oms import Manifest
    from lading_oci.interface import Repository

__all__ = ["CATALOGUE", "NAME_ANNOTATION", "TRUST_NAME", "Held", "about", "catalogue", "hold"]

CATALOGUE: Final = digest_of(b"lading: every signed list of a model's or data set's files")
NAME_ANNOTATION: Final = "dev.lading.source.name"
#: What trust rules call models and data sets, where images have their repository.
TRUST_NAME: Final = "lading.models"


@dataclass(frozen=True, slots=True)
class Held:
    """A signed list that holds, and the evidence that it does."""

    manifest: Manifest
    evidence: Evidence
    place: str

    @property
    def time(self) -> datetime:
        """When it was made, as far as that is known: newer ones count first."""
        known = self.evidence.time or self.evidence.claimed_time
        return known or datetime.min.replace(tzinfo=UTC)


def about(store: Repository, root: str) -> list[Candidate]:
    """Return what is attached to the anchor of a root digest."""
    found = store.referrers(anchor_of(root).descriptor.digest)
    return candidates(store, filter(is_bundle, found))


def catalogue(store: Repository) -> Iterator[tuple[str | None, Candidate]]:
    """Yield every signed list of a store with the name that its annotation hints at.

    At most ``LIMITS.attestations_read``, newest first.
    """
    found = store.referrers(anchor_of(CATALOGUE).descriptor.digest)
    bundles = [one for one in found if is_bundle(one)][: LIMITS.attestations_read]
    for one, candidate in zip(bundles, candidates(store, bundles), strict=True):
        yield one.annotations.get(NAME_ANNOTATION), candidate


def hold(
    candidate: Candidate, verifier: Verifier, place: str, *, max_age: timedelta | None = None
) -> Held | None:
    """Verify one candidate; None when it is an attestation of another kind.

    Raises:
        VerificationError: it does not hold, or is no list that can be read.
        OciError: it could not be fetched.
    """
    content = candidate.fetch()
    claimed = parse_statement(parse_bundle(content).envelope.payload)
    if claimed.predicate_type != OMS_SIGNATURE:
        return None
    evidence = verify_attestations(
        [Candidate(candidate.source, lambda: content)],
        verifier=verifier,
        subject_digests=claimed.sha256,  # what it says it is about; whether that fits comes later
        predicate_type=OMS_SIGNATURE,
        now=datetime.now(UTC),
        max_age=max_age,
    )
    return Held(_manifest(evidence.statement), evidence, place)


def _manifest(statement: Statement) -> Manifest:
    subjects = [(one.name, one.digest.get("sha256")) for one in statement.subjects]
    return parse_predicate(subjects, statement.predicate)
