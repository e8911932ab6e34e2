"""Use case: judge a verified model or data set by a policy file.

The evidence is everything that trusted signers attested about its root digest: the list, the BOM
with the licence of the signed card, and whatever else was attached there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lading.attest.predicates import CYCLONEDX
from lading.errors import VerificationError
from lading.policy import Evidence, judge
from lading.usecases.gather import hold_attested
from lading.usecases.policy import with_licences
from lading.usecases.sources import about

if TYPE_CHECKING:
    from lading.attest.interface import Verifier
    from lading.policy import Policy, Verdict
    from lading.policy.evidence import Attested
    from lading.usecases.policy import Lookup
    from lading.usecases.verify_source import SourceVerification
    from lading_oci.interface import Repository

__all__ = ["judge_source"]


def judge_source(
    policy: Policy,
    found: SourceVerification,
    store: Repository,
    *,
    verifier: Verifier,
    lookup: Lookup | None = None,
) -> Verdict:
    """Return the policy's verdict about a source that was verified.

    Raises:
        OciError: the store or the look-up did not answer as needed.
    """
    held = _held(store, found.manifest.root, verifier)
    boms = Evidence("", "", datetime.now(UTC), attestations=held).of_type(CYCLONEDX)
    evidence = Evidence(
        subject=found.manifest.origin.uri or found.manifest.name,
        digest=found.manifest.root,
        now=datetime.now(UTC),
        bom=boms[0].predicate if boms else None,
        attestations=held,
    )
    return judge(policy, with_licences(policy, evidence, lookup))


def _held(store: Repository, root: str, verifier: Verifier) -> tuple[Attested, ...]:
    held = []
    for candidate in about(store, root, exhaustive=True):
        try:
            one, _ = hold_attested(candidate.fetch(), verifier, frozenset({root}))
        except VerificationError:
            continue  # what a stranger attached proves nothing, and can prevent nothing
        held.append(one)
    return tuple(held)
