"""Use case: judge a verified model or data set by a policy file.

The evidence is everything that trusted signers attested about its root digest: the list, the BOM
with the licence of the signed card, and whatever else was attached there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lading.attest.predicates import CYCLONEDX
from lading.errors import NoAttestation, VerificationError
from lading.policy import Evidence, judge
from lading.usecases.gather import hold_attested
from lading.usecases.policy import with_licences
from lading.usecases.sources import about

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from lading.attest.interface import Verifier
    from lading.policy import Policy, Verdict
    from lading.policy.evidence import Attested
    from lading.usecases.policy import Lookup
    from lading.usecases.verify_source import SourceVerification
    from lading_oci.interface import Repository

__all__ = ["judge_source", "signed_bom"]


def judge_source(
    policy: Policy,
    found: SourceVerification,
    store: Repository,
    *,
    verifier: Verifier,
    lookup: Lookup | None = None,
    previous: Mapping[str, Any] | None = None,
) -> Verdict:
    """Return the policy's verdict about a source that was verified.

    ``previous`` is the BOM of the release before this one.

    Raises:
        OciError: the store or the look-up did not answer as needed.
    """
    held = _held(store, found.manifest.root, verifier)
    evidence = Evidence(
        subject=found.manifest.origin.uri or found.manifest.name,
        digest=found.manifest.root,
        now=datetime.now(UTC),
        bom=_newest_bom(held),
        attestations=held,
        previous=previous,
    )
    return judge(policy, with_licences(policy, evidence, lookup))


def signed_bom(found: SourceVerification, store: Repository, verifier: Verifier) -> dict[str, Any]:
    """Return the newest BOM that holds of a source that was verified.

    Raises:
        NoAttestation: there is none.
        OciError: the store did not answer as needed.
    """
    bom = _newest_bom(_held(store, found.manifest.root, verifier))
    if bom is None:
        raise NoAttestation("The previous release has no verified BOM", where=found.target)
    return dict(bom)


def _newest_bom(held: tuple[Attested, ...]) -> Mapping[str, Any] | None:
    boms = Evidence("", "", datetime.now(UTC), attestations=held).of_type(CYCLONEDX)
    return boms[0].predicate if boms else None


def _held(store: Repository, root: str, verifier: Verifier) -> tuple[Attested, ...]:
    held = []
    for candidate in about(store, root, exhaustive=True):
        try:
            one, _ = hold_attested(candidate.fetch(), verifier, frozenset({root}))
        except VerificationError:
            continue  # what a stranger attached proves nothing, and can prevent nothing
        held.append(one)
    return tuple(held)
