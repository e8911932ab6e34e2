"""Which attestation counts: one state machine over candidates, with no I/O of its own.

For each candidate, in this order, and stopping at the first step that fails:

1. Fetch its bytes (``unavailable``).
2. The verifier's own steps: strict parse, signer, signature, and for keyless the certificate, log
   and timestamp (the codes of :mod:`lading.attest.verifiers`).
3. The statement parses (in-toto attestation v1, ``statement.md``).
4. Its predicate type is the wanted one; another type is no failure, it is another attestation.
5. Its subjects name every wanted digest by SHA-256 (``subject``).
6. It is not older than ``max_age`` (``freshness``): by its trusted time where it has one, else by
   the time that its predicate claims and its signer signed.
7. Its predicate says what the caller's ``check`` wants (``content``, or the check's own code).

Among those that pass, the newest by that same time counts; equal times are settled by the bundle's
digest. An invalid one beside it makes neither a yes nor a no, and is reported. Hints (what a
referrer's unsigned annotations say) order the work: candidates whose hint names another type are
fetched only when no other one held.

Invariant: a value is returned only for a statement whose signature by a trusted signer holds.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from lading.attest.bundle import parse_bundle
from lading.attest.statement import Statement, parse_statement
from lading.attest.times import claimed_time
from lading.errors import NoAttestation, VerificationError
from lading.limits import LIMITS
from lading.records import record
from lading_oci.errors import FactsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading.attest.interface import SignerIdentity, Verified, Verifier

__all__ = [
    "Candidate",
    "Evidence",
    "NotVerifiedError",
    "Refusal",
    "insist_on_few",
    "verify_attestations",
]

_CLOCK_SKEW: Final = timedelta(minutes=5)
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)

# The further a candidate came, the more its refusal tells.
_PROGRESS: Final = (
    "unavailable",
    "malformed",
    "bundle-type",
    "signatures",
    "payload-type",
    "signer-kind",
    "signer",
    "certificate",
    "timestamp",
    "sct",
    "log",
    "issuer",
    "identity",
    "signature",
    "statement-type",
    "signer-type",
    "subject",
    "freshness",
    "reference",
    "content",
    "seal",
)


@record
class Candidate:
    """A bundle that may count. ``fetch`` returns its bytes or raises a ``FactsError``.

    ``source`` says where it lies (a referrer's digest); ``predicate_hint`` is what an unsigned
    annotation says of its type, None when nothing does.
    """

    source: str
    fetch: Callable[[], bytes]
    predicate_hint: str | None = None


@record
class Refusal:
    """A candidate that does not count, and why; ``code`` is a ``VerificationError.code``."""

    source: str
    code: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return JSON data for ``verify``'s document."""
        return {"source": self.source, "code": self.code, "reason": self.reason}


@record
class Evidence:
    """The attestation that counts.

    ``time`` is trusted (timestamp or log), ``claimed_time`` the signer's word; ``digest`` is the
    bundle's, ``sha256:…``; ``older`` are sources of other valid attestations; ``refused`` are
    candidates that proved nothing.
    """

    statement: Statement
    payload: bytes
    signer: SignerIdentity
    time: datetime | None
    claimed_time: datetime | None
    digest: str
    source: str
    log_index: int | None = None
    older: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


class NotVerifiedError(VerificationError):
    """No candidate held. The facts are the most telling refusal's; ``refused`` lists them all."""

    def __init__(
        self, reason: VerificationError, source: str, refused: tuple[Refusal, ...]
    ) -> None:
        super().__init__(
            reason.what,
            code=reason.code,
            where=source,
            got=reason.got,
            wanted=reason.wanted,
            hint=reason.hint,
        )
        self.refused = refused


@record
class _Held:
    source: str
    digest: str
    verified: Verified
    statement: Statement
    claimed: datetime | None

    @property
    def order(self) -> tuple[datetime, str]:
        return self.verified.time or self.claimed or _BEGINNING, self.digest


@record
class _Rules:
    verifier: Verifier
    subjects: frozenset[str]
    predicate_type: str | None
    now: datetime
    max_age: timedelta | None
    check: Callable[[Statement], object] | None


def insist_on_few(attached: int) -> None:
    """Return when as many attestations may be read.

    Raises:
        VerificationError: ``limit``: there are more than are ever read.
    """
    if attached > LIMITS.attestations_read:
        raise VerificationError(
            "more attestations are attached than are ever read",
            code="limit",
            got=str(attached),
            wanted=f"at most {LIMITS.attestations_read}",
            hint="remove what floods the image's referrers in the registry",
        )


def verify_attestations(
    bundles: Iterable[Candidate],
    *,
    verifier: Verifier,
    subject_digests: frozenset[str],
    predicate_type: str | None,
    now: datetime,
    max_age: timedelta | None = None,
    check: Callable[[Statement], object] | None = None,
) -> Evidence:
    """Return the newest attestation that holds for every digest in ``subject_digests``.

    ``subject_digests`` are ``sha256:<hex>``; ``predicate_type`` None takes any type; ``now`` has a
    time zone; ``check`` raises :class:`VerificationError` for a statement that must not count.

    Raises:
        NoAttestation: there was no candidate of the wanted type.
        NotVerifiedError: there were some, and none holds.
        FactsError: none could be fetched; the first one's own error.
    """
    if not subject_digests:
        raise VerificationError("there is no digest to verify", code="subject")
    rules = _Rules(verifier, subject_digests, predicate_type, now, max_age, check)
    likely, unlikely = _by_hint(bundles, predicate_type)
    held: list[_Held] = []
    failed: list[tuple[Candidate, FactsError]] = []
    others: set[str] = set()
    read = 0
    for candidates in (likely, unlikely):
        read += len(candidates)
        insist_on_few(read)
        for candidate in candidates:
            try:
                outcome = _judge(candidate, rules)
            except FactsError as e:
                failed.append((candidate, e))
            else:
                held.append(outcome) if isinstance(outcome, _Held) else others.add(outcome)
        if held:
            return _evidence(held, failed)
    raise _none_held(failed, others, predicate_type)


def _by_hint(
    bundles: Iterable[Candidate], predicate_type: str | None
) -> tuple[list[Candidate], list[Candidate]]:
    likely: list[Candidate] = []
    unlikely: list[Candidate] = []
    for candidate in bundles:
        fits = predicate_type is None or candidate.predicate_hint in (None, predicate_type)
        (likely if fits else unlikely).append(candidate)
    return likely, unlikely


def _judge(candidate: Candidate, rules: _Rules) -> _Held | str:
    """Return what holds, or the predicate type of another kind of attestation; raise a refusal."""
    content = candidate.fetch()
    try:
        verified = rules.verifier.verify(content)
    except VerificationError:
        claimed = _claimed_type(content) or candidate.predicate_hint
        if rules.predicate_type is not None and claimed not in (None, rules.predicate_type):
            return str(claimed)
        raise
    statement = parse_statement(verified.payload)
    if rules.predicate_type not in (None, statement.predicate_type):
        return statement.predicate_type
    missing = rules.subjects - statement.sha256
    if missing:
        raise VerificationError(
            "the attestation is about something else",
            code="subject",
            got=_listed(statement.sha256) or "subjects without SHA-256",
            wanted=_listed(missing),
        )
    held = _Held(candidate.source, _sha256(content), verified, statement, claimed_time(statement))
    _check_age(held, rules)
    if rules.check is not None:
        rules.check(statement)
    return held


def _check_age(held: _Held, rules: _Rules) -> None:
    if rules.max_age is None:
        return
    time = held.verified.time or held.claimed
    if time is None:
        raise VerificationError(
            "the attestation does not say when it was made", code="freshness", wanted="a time"
        )
    if not rules.now - rules.max_age <= time <= rules.now + _CLOCK_SKEW:
        raise VerificationError(
            "the attestation is too old" if time < rules.now else "the attestation's time is ahead",
            code="freshness",
            got=time.isoformat(),
            wanted=f"at most {rules.max_age} before {rules.now.isoformat(timespec='seconds')}",
        )


def _claimed_type(content: bytes) -> str | None:
    """Return what an unverified bundle says of its type: to choose words with, never to decide."""
    try:
        return parse_statement(parse_bundle(content).envelope.payload).predicate_type
    except VerificationError:
        return None


def _evidence(held: list[_Held], failed: list[tuple[Candidate, FactsError]]) -> Evidence:
    held.sort(key=lambda one: one.order, reverse=True)
    best = held[0]
    return Evidence(
        statement=best.statement,
        payload=best.verified.payload,
        signer=best.verified.signer,
        time=best.verified.time,
        claimed_time=best.claimed,
        digest=best.digest,
        source=best.source,
        log_index=best.verified.log_index,
        older=tuple(one.source for one in held[1:]),
        refused=_refusals(failed),
    )


def _none_held(
    failed: list[tuple[Candidate, FactsError]], others: set[str], predicate_type: str | None
) -> FactsError:
    refused = [(c, e) for c, e in failed if isinstance(e, VerificationError)]
    if refused:
        candidate, reason = max(refused, key=lambda one: _progress(one[1].code))
        return NotVerifiedError(reason, candidate.source, _refusals(failed))
    if failed:
        return failed[0][1]
    return NoAttestation(
        "there is no attestation of the wanted type" if others else "there is no attestation",
        got=", ".join(sorted(others))[:300] or None,
        wanted=predicate_type,
        hint="attest the image with `lading build --push` or `lading attest`, or check its digest",
    )


def _refusals(failed: list[tuple[Candidate, FactsError]]) -> tuple[Refusal, ...]:
    return tuple(
        Refusal(c.source, e.code if isinstance(e, VerificationError) else "unavailable", str(e))
        for c, e in failed
    )


def _progress(code: str) -> int:
    return _PROGRESS.index(code) if code in _PROGRESS else 0


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _listed(digests: frozenset[str]) -> str:
    shown = sorted(digests)[:4]
    return ", ".join(shown) + (f" and {len(digests) - 4} more" if len(digests) > len(shown) else "")
