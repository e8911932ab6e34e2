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
from lading.errors import VerificationError
from lading.hub.oms import parse_predicate
from lading.limits import LIMITS
from lading.usecases.bundles import candidates, is_bundle
from lading.usecases.evidence import anchor_of
from lading_oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from lading.attest.interface import Verifier
    from lading.attest.statement import Statement
    from lading.attest.verify import Evidence
    from lading.hub.oms import Manifest
    from lading_oci.interface import Repository

__all__ = [
    "CATALOGUE",
    "TRUST_NAME",
    "Held",
    "Hints",
    "about",
    "catalogue",
    "check_flood",
    "hold",
    "list_annotations",
]

CATALOGUE: Final = digest_of(b"lading: every signed list of a model's or data set's files")
NAME_ANNOTATION: Final = "dev.lading.source.name"
FILES_ANNOTATION: Final = "dev.lading.source.files"
_HINT: Final = 16  # hexadecimal digits
_MOST_HINTS: Final = 64
#: What trust rules call models and data sets, where images have their repository.
TRUST_NAME: Final = "lading.models"


@dataclass(frozen=True, slots=True)
class Hints:
    """What a list's annotations say, unsigned: a wrong one can only make a list unseen.

    ``files`` are the beginnings of the SHA-256 of all its files, None when it does not say.
    """

    name: str | None
    files: frozenset[str] | None

    def may_have(self, digests: Iterable[str]) -> bool:
        """Whether the list can have one of these files."""
        return self.files is None or any(one[:_HINT] in self.files for one in digests)


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


def about(store: Repository, root: str, *, exhaustive: bool = False) -> list[Candidate]:
    """Return what is attached to the anchor of a root digest.

    ``exhaustive`` as in :meth:`lading_oci.Repository.referrers`; whoever finds nothing that holds
    goes on with the :func:`catalogue`, which has every list.
    """
    found = store.referrers(anchor_of(root).descriptor.digest, exhaustive=exhaustive)
    return candidates(store, filter(is_bundle, found))


def list_annotations(name: str, files: Iterable[str]) -> dict[str, str]:
    """Return the hints that a list's referrer carries: its name, and its files if they are few."""
    hints = sorted({sha256[:_HINT] for sha256 in files})
    if len(hints) > _MOST_HINTS:
        return {NAME_ANNOTATION: name}
    return {NAME_ANNOTATION: name, FILES_ANNOTATION: ",".join(hints)}


def catalogue(store: Repository) -> Iterator[tuple[Hints, Candidate]]:
    """Yield every signed list of a store, newest first, with what its annotations hint at.

    A registry's API and its referrers tag are both read: a list that is missed is a no.

    Raises:
        VerificationError: ``limit``: more than are ever looked at. A flood is a no, never a cut.
        OciError: the store did not answer as needed.
    """
    found = store.referrers(anchor_of(CATALOGUE).descriptor.digest, exhaustive=True)
    bundles = [one for one in found if is_bundle(one)]
    check_flood(len(bundles), LIMITS.catalogue, store.name)
    for one, candidate in zip(bundles, candidates(store, bundles), strict=True):
        files = one.annotations.get(FILES_ANNOTATION)
        yield (
            Hints(
                one.annotations.get(NAME_ANNOTATION),
                None if files is None else frozenset(files.split(",")),
            ),
            candidate,
        )


def check_flood(count: int, most: int, where: str) -> None:
    """Refuse more lists than are looked at."""
    if count > most:
        raise VerificationError(
            "there are more signed lists than are ever looked at",
            code="limit",
            where=where,
            got=str(count),
            wanted=f"at most {most}",
            hint="keep models in a store of their own, and remove what floods it",
        )


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
