"""Use case: judge an image's evidence by a policy file; at deploy, and before a push.

Everything that a trusted signer attested about the image is fetched and verified, whatever its
type; what does not hold is no evidence, and says so only to whoever asks (``lading tree``).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from lading.attest.predicates import CYCLONEDX, SLSA_PROVENANCE_V1, SLSA_VSA_V1
from lading.attest.statement import Subject, parse_statement
from lading.attest.times import claimed_time
from lading.attest.vsa import ATTESTED_POLICY, read_vsa
from lading.errors import InputError, LimitError, PolicyViolation, VerificationError
from lading.inventory import Level
from lading.limits import LIMITS
from lading.policy import Attested, Evidence, judge, read_policy
from lading.policy.components import merged
from lading.policy.opa import Opa
from lading.policy.rules.licences import ModelLicenses
from lading.policy.verdict import RuleResult, Verdict, Violation
from lading.usecases.attest import Attestation, attach_seal
from lading.usecases.bundles import candidates, find_bundles
from lading.usecases.digests import all_digests, platform_manifests
from lading.usecases.locate import locate
from lading_oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from lading.attest.interface import Signer, Verifier
    from lading.attest.statement import Statement
    from lading.policy import Policy
    from lading.usecases.locate import Located, Place, Ports
    from lading.usecases.targets import NamedImage

__all__ = [
    "Gathered",
    "Lookup",
    "PolicyRefusal",
    "evaluate",
    "gather",
    "hold_attested",
    "judge_build",
    "load_policy",
    "refuse",
    "seal_under",
]

_SEAL: Final = "sealed-policy"
_OURS: Final = "https://lading.dev/"


class Lookup(Protocol):
    """Looks the licence of a model up, by its name."""

    def __call__(self, name: str) -> str | None:
        """Return it, None where there is none; raise FactsError when nobody answers."""
        ...


def load_policy(path: Path) -> Policy:
    """Read a policy and the Rego files that it names.

    Raises:
        InputError: it cannot be read, or is no policy.
    """

    def read_module(name: str) -> bytes:
        return _read(path.parent / name)

    return read_policy(_read(path), str(path), read_module=read_module, engine=Opa())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LIMITS.policy_file + 1)
    except OSError as error:
        raise InputError(
            "The policy cannot be read", where=str(path), got=error.strerror
        ) from error
    if len(content) > LIMITS.policy_file:
        raise LimitError("The policy is too large", where=str(path))
    return content


@dataclass(frozen=True, slots=True)
class Gathered:
    """Verified evidence about an image, and where it was found; ``name`` is its repository's."""

    name: str
    located: Located
    place: Place
    evidence: Evidence
    missing_platforms: tuple[str, ...] = ()


def gather(
    image: NamedImage, ports: Ports, *, verifier: Verifier, previous: Mapping[str, Any] | None
) -> Gathered:
    """Return every attestation that holds for all that the name stands for.

    Raises:
        EngineError, OciError: what must be asked did not answer as needed.
        VerificationError: more is attached than is ever read.
    """
    located = locate(image, ports)
    place, bundles = find_bundles(located)
    if len(bundles) > LIMITS.attestations_read:
        raise VerificationError(
            "more attestations are attached than are ever read",
            code="limit",
            got=str(len(bundles)),
            wanted=f"at most {LIMITS.attestations_read}",
        )
    held: list[tuple[Attested, Statement]] = []
    for bundle, candidate in zip(bundles, candidates(place.repository, bundles), strict=True):
        try:
            one, statement = hold_attested(candidate.fetch(), verifier, located.wanted)
        except VerificationError:
            continue  # what a stranger attached proves nothing, and can prevent nothing
        listed = _time(bundle.annotations.get("org.opencontainers.image.created"))
        held.append((dataclasses.replace(one, listed=listed), statement))
    platforms: tuple[str, ...] = ()
    home = located.places[0]  # evidence may be kept apart; the image's own index is here
    if home.subject == located.digest:
        platforms = platform_manifests(home.repository, located.digest)
    boms, covered = _boms(held, located.digest, platforms)
    evidence = Evidence(
        subject=str(image.reference),
        digest=located.digest,
        now=datetime.now(UTC),
        bom=merged(boms) if boms else None,
        attestations=tuple(one for one, _ in held),
        previous=previous,
    )
    missing = tuple(one for one in platforms if one not in covered)
    return Gathered(image.reference.name, located, place, evidence, missing)


def hold_attested(
    content: bytes, verifier: Verifier, wanted: frozenset[str]
) -> tuple[Attested, Statement]:
    """Return what one bundle attests of all ``wanted`` digests.

    Raises:
        VerificationError: it does not hold, or is about something else.
    """
    verified = verifier.verify(content)
    statement = parse_statement(verified.payload)
    if not wanted <= statement.sha256:
        raise VerificationError("it is about something else", code="subject")
    attested = Attested(
        predicate_type=statement.predicate_type,
        predicate=statement.predicate,
        digest=digest_of(content),
        signer_kind=verified.signer.kind,
        signer=verified.signer.name,
        issuer=verified.signer.issuer,
        time=verified.time or claimed_time(statement),
        trusted_time=verified.time is not None,
    )
    return attested, statement


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _boms(
    held: Sequence[tuple[Attested, Statement]], digest: str, platforms: Sequence[str]
) -> tuple[list[Mapping[str, Any]], set[str]]:
    """Return the newest BOM of each platform, and the manifests that they are about."""
    several = len(platforms) > 1
    shared = {digest} if several else set()
    found = [(one, about) for one, about in held if one.predicate_type == CYCLONEDX]
    order = Evidence("", "", datetime.now(UTC), attestations=tuple(one for one, _ in found))
    by_digest = {one.digest: about.sha256 for one, about in found}
    boms: list[Mapping[str, Any]] = []
    covered: set[str] = set()
    for one in order.of_type(CYCLONEDX):
        own = by_digest[one.digest] - shared
        if not own & covered:
            boms.append(one.predicate)
            covered |= own
            if not several:
                break
    return boms, covered


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
    """Look up what rules say is to be looked up (``lookup: hub``), and nothing else."""
    wanted = {
        name
        for rule in policy.rules
        if isinstance(rule, ModelLicenses) and evidence.bom is not None
        for name in rule.wanted_lookups(evidence)
    }
    if not wanted or lookup is None:
        return evidence
    return dataclasses.replace(evidence, licences={name: lookup(name) for name in sorted(wanted)})


def _other_policy(policy: Policy, evidence: Evidence) -> list[tuple[str, str]]:
    seals = []
    for one in evidence.of_type(SLSA_VSA_V1):
        verifier = one.predicate.get("verifier")
        if isinstance(verifier, dict) and str(verifier.get("id")).startswith(_OURS):
            seals.append(read_vsa(one.predicate))
    under = [one.policy for one in seals if one.policy.sha256 != ATTESTED_POLICY.sha256]
    if not under or any(one.sha256 == policy.identity.sha256 for one in under):
        return []
    text = (
        f"the image was sealed under another policy, {under[0].uri} (sha256:{under[0].sha256}); "
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
    located, place = gathered.located, gathered.place
    repository, home = place.repository, located.places[0]
    in_registry = home.subject == located.digest
    digests = all_digests(home.repository, located.digest) if in_registry else (located.digest,)
    apart = place.subject != located.digest
    inputs = [
        Attestation(one.predicate_type, one.digest, "", repository.name, existed=True)
        for one in gathered.evidence.attestations
        if one.predicate_type != SLSA_VSA_V1
    ]
    return attach_seal(
        [Subject(gathered.name, {"sha256": one.removeprefix("sha256:")}) for one in digests],
        inputs,
        policy=verdict.policy,
        signer=signer,
        store=repository,
        subject=located.digest if apart else repository.resolve(located.digest),
    )
