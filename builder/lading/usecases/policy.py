"""Use case: judge an image's evidence by a policy file; at deploy, and before a push."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from lading.attest.predicates import SLSA_PROVENANCE_V1, SLSA_VSA_V1
from lading.attest.vsa import ATTESTED_POLICY, read_vsa
from lading.errors import LimitError, PolicyViolation
from lading.inputs import read_input
from lading.inventory import Level
from lading.limits import LIMITS
from lading.policy import Attested, Evidence, judge, read_policy
from lading.policy.components import merged
from lading.policy.opa import Opa
from lading.policy.rules.licences import ModelLicenses
from lading.policy.verdict import RuleResult, Verdict, Violation
from lading.usecases.attach import spot_of
from lading.usecases.attest import Attestation, attach_seal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lading.attest.interface import Signer
    from lading.attest.vsa import Vsa
    from lading.policy import Policy
    from lading.usecases.gather import Gathered

__all__ = [
    "Lookup",
    "PolicyRefusal",
    "evaluate",
    "judge_build",
    "load_policy",
    "refuse",
    "seal_under",
]

_SEAL: Final = "sealed-policy"
_OURS: Final = "https://lading.dev/"


class Lookup(Protocol):
    """Looks the licence of a model up, by its name, and what it was made from."""

    def __call__(self, name: str) -> tuple[str | None, tuple[str, ...]]:
        """Return both, None for no licence; raise FactsError when nobody answers."""
        ...


def load_policy(path: Path) -> Policy:
    """Read a policy and the Rego files that it names.

    Raises:
        InputError: it cannot be read, or is no policy.
    """

    def read(file: Path) -> bytes:
        return read_input(file, "the policy", LIMITS.policy_file)

    return read_policy(
        read(path), str(path), read_module=lambda name: read(path.parent / name), engine=Opa()
    )


def evaluate(
    policy: Policy, gathered: Gathered, *, lookup: Lookup | None = None, sealing: bool = False
) -> Verdict:
    """Return the policy's verdict about an image: its rules', and that its seal is under it.

    An image that was sealed under a policy file passes only a policy that it was sealed under: a
    file that was changed since is another policy. Not asked when it is ``sealing`` that follows.
    """
    evidence = with_licences(policy, gathered.evidence, lookup)
    verdict = judge(policy, evidence)
    other = [] if sealing else _other_policy(policy, evidence)
    extra = [*other, *_no_bom(gathered)]
    if not extra:
        return verdict
    violations = tuple(
        Violation(rule, rule, Level.ERROR, message, None, ("AML.M0013",)) for rule, message in extra
    )
    results = tuple(
        RuleResult(one.rule, one.kind, one.level, one.atlas, (one,)) for one in violations
    )
    return dataclasses.replace(verdict, results=(*verdict.results, *results))


def judge_build(
    policy: Policy,
    name: str,
    digest: str,
    boms: Sequence[bytes],
    *,
    provenance: Mapping[str, Any] | None,
    previous: Mapping[str, Any] | None,
    lookup: Lookup | None = None,
) -> Verdict:
    """Return the verdict about an image that was built and not pushed yet.

    ``boms`` are its platforms'. Rules about what is attached later are deferred.
    """
    now = datetime.now(UTC)
    made = () if provenance is None else (_unsigned(SLSA_PROVENANCE_V1, provenance, now),)
    evidence = Evidence(
        subject=name,
        digest=digest,
        now=now,
        bom=merged([json.loads(one) for one in boms]),
        attestations=made,
        previous=previous,
        before_push=True,
    )
    return judge(policy, with_licences(policy, evidence, lookup))


def _unsigned(predicate_type: str, predicate: Mapping[str, Any], now: datetime) -> Attested:
    """What is about to be signed by this build itself; nobody's signature is claimed for it."""
    return Attested(predicate_type, predicate, "", "", "", None, now, trusted_time=False)


def with_licences(policy: Policy, evidence: Evidence, lookup: Lookup | None) -> Evidence:
    """Look up what rules say is to be looked up (``lookup: hub``), and nothing else.

    What was made from a model inherits from all that it was made from: each of them is asked once.

    Raises:
        LimitError: more than ``LIMITS.policy_lookups``.
    """
    wanted = {
        name
        for rule in policy.rules
        if isinstance(rule, ModelLicenses) and evidence.bom is not None
        for name in rule.wanted_lookups(evidence)
    }
    if not wanted or lookup is None:
        return evidence
    seen = {one.name.lower() for one in evidence.models}
    licences: dict[str, str | None] = {}
    bases: dict[str, tuple[str, ...]] = {}
    waiting = sorted(wanted)
    while waiting:
        name = waiting.pop(0)
        if name.lower() in seen:
            continue
        if len(licences) >= LIMITS.policy_lookups:
            raise LimitError(
                "There are too many base models to look up",
                where=evidence.subject,
                wanted=f"at most {LIMITS.policy_lookups}",
            )
        seen.add(name.lower())
        licences[name], bases[name] = lookup(name)
        waiting += bases[name]
    return dataclasses.replace(evidence, licences=licences, bases=bases)


def _other_policy(policy: Policy, evidence: Evidence) -> list[tuple[str, str]]:
    seals: list[Vsa] = []
    for one in evidence.of_type(SLSA_VSA_V1):
        verifier = one.predicate.get("verifier")
        if isinstance(verifier, dict) and str(verifier.get("id")).startswith(_OURS):
            seals.append(read_vsa(one.predicate))
    under = [one for one in seals if one.policy.sha256 != ATTESTED_POLICY.sha256]
    if not under or any(one.passed and one.policy == policy.identity for one in under):
        return []
    sealed = under[0].policy
    text = (
        f"the image was sealed under another policy, {sealed.uri} (sha256:{sealed.sha256}); "
        f"this one is sha256:{policy.identity.sha256}"
    )
    return [(_SEAL, text)]


def _no_bom(gathered: Gathered) -> list[tuple[str, str]]:
    if gathered.evidence.bom is None:
        return []  # every rule that needs one says so
    return [
        ("platforms", f"the platform {one} of the image has no verified BOM")
        for one in gathered.missing_platforms
    ]


class PolicyRefusal(PolicyViolation):
    """A policy's no, with the verdict that says why."""

    def __init__(self, verdict: Verdict, *, got: str, where: str) -> None:
        super().__init__("The policy says no", where=where, got=got)
        self.verdict = verdict


def refuse(verdict: Verdict) -> None:
    """Return when the policy says yes.

    Raises:
        PolicyRefusal: it says no.
    """
    if verdict.passed:
        return
    errors = [one for one in verdict.violations if one.level is Level.ERROR]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise PolicyRefusal(
        verdict,
        where=f"{verdict.policy.uri} (sha256:{verdict.policy.sha256[:12]})",
        got=f"{errors[0].rule}: {errors[0].message}{more}" if errors else "no rule was judged",
    )


def seal_under(verdict: Verdict, gathered: Gathered, signer: Signer) -> Attestation:
    """Sign and attach a seal that says the image passed the policy, over all that was judged.

    Raises:
        ValueError: it did not pass, or not every rule was judged.
        SigningKeyError, RegistryError, OciError: the seal was not attached.
    """
    if not (verdict.passed and verdict.complete):
        raise ValueError("only a complete yes is sealed")
    spot = spot_of(gathered.located)
    inputs = [
        Attestation(one.predicate_type, one.digest, "", spot.store.name, existed=True)
        for one in gathered.evidence.attestations
        if one.predicate_type != SLSA_VSA_V1
    ]
    return attach_seal(
        spot.subjects(gathered.name),
        inputs,
        policy=verdict.policy,
        signer=signer,
        store=spot.store,
        subject=spot.subject,
    )
