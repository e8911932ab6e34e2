from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lading.attest.interface import SignerIdentity, Verified
from lading.attest.statement import Statement, Subject, build_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.attest.verify import (
    Candidate,
    Evidence,
    NotVerifiedError,
    verify_attestations,
)
from lading.errors import NoAttestation, VerificationError
from lading.limits import LIMITS
from lading_oci.errors import FactsError, TransportError
from support.attest_samples import (
    CYCLONEDX,
    IMAGE,
    OTHER_IMAGE,
    VSA,
    bundle,
    public,
    signed_anyway,
    statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD = bundle(statement(time="2026-01-01T00:00:00Z"))
NEW = bundle(statement(time="2026-05-01T00:00:00Z"))


def candidate(content: bytes, source: str = "s", hint: str | None = None) -> Candidate:
    return Candidate(source, lambda: content, hint)


def verify(
    *candidates: Candidate,
    digests: frozenset[str] = frozenset({IMAGE}),
    predicate_type: str | None = CYCLONEDX,
    max_age: timedelta | None = None,
) -> Evidence:
    return verify_attestations(
        candidates,
        verifier=KeyVerifier([public("alice")]),
        subject_digests=digests,
        predicate_type=predicate_type,
        now=NOW,
        max_age=max_age,
    )


def code(error: Callable[[], Evidence]) -> str:
    with pytest.raises(VerificationError) as caught:
        error()
    return caught.value.code


def test_one_that_holds() -> None:
    evidence = verify(candidate(NEW, "here"))
    assert evidence.payload == statement(time="2026-05-01T00:00:00Z")
    assert evidence.statement.predicate["bomFormat"] == "CycloneDX"
    assert (evidence.source, evidence.older, evidence.refused) == ("here", (), ())
    assert evidence.digest.startswith("sha256:")
    assert evidence.claimed_time == datetime(2026, 5, 1, tzinfo=UTC)


def test_the_newest_valid_one_counts_in_any_order() -> None:
    for order in ((OLD, NEW), (NEW, OLD)):
        named = [candidate(one, "new" if one is NEW else "old") for one in order]
        evidence = verify(*named)
        assert (evidence.source, evidence.older) == ("new", ("old",))


def test_equal_times_are_settled_the_same_way_every_time() -> None:
    one, two = bundle(statement(n=1)), bundle(statement(n=2))
    first = verify(candidate(one, "1"), candidate(two, "2"))
    second = verify(candidate(two, "2"), candidate(one, "1"))
    assert first.source == second.source


def test_an_attestation_without_a_time_is_older_than_any_with_one() -> None:
    timeless = bundle(statement(time=None))
    assert verify(candidate(timeless, "none"), candidate(OLD, "old")).source == "old"
    assert verify(candidate(timeless, "none")).claimed_time is None


def test_trusted_time_goes_before_claimed_time() -> None:
    class Stamped:
        def verify(self, content: bytes) -> Verified:
            time = datetime(2026, 4 if content == NEW else 5, 1, tzinfo=UTC)
            inner = KeyVerifier([public("alice")]).verify(content)
            return Verified(inner.payload, inner.payload_type, inner.signer, time, 7)

    evidence = verify_attestations(
        [candidate(NEW, "new"), candidate(OLD, "old")],
        verifier=Stamped(),
        subject_digests=frozenset({IMAGE}),
        predicate_type=CYCLONEDX,
        now=NOW,
    )
    assert (evidence.source, evidence.log_index) == ("old", 7)


@pytest.mark.parametrize(
    ("trusted", "claimed", "fresh"),
    [
        ("2026-01-01", "2026-05-31T00:00:00Z", False),
        ("2026-05-31", "2026-01-01T00:00:00Z", True),
        ("2026-05-31", None, True),
    ],
    ids=["claims to be newer", "claims to be older", "claims nothing"],
)
def test_trusted_time_decides_the_age(trusted: str, claimed: str | None, fresh: bool) -> None:
    """Who can sign cannot make what was logged long ago new by what it says of itself."""

    class Stamped:
        def verify(self, content: bytes) -> Verified:
            inner = KeyVerifier([public("alice")]).verify(content)
            time = datetime.fromisoformat(trusted).replace(tzinfo=UTC)
            return Verified(inner.payload, inner.payload_type, inner.signer, time, 7)

    def judged() -> Evidence:
        return verify_attestations(
            [candidate(bundle(statement(time=claimed)))],
            verifier=Stamped(),
            subject_digests=frozenset({IMAGE}),
            predicate_type=CYCLONEDX,
            now=NOW,
            max_age=timedelta(days=30),
        )

    assert (judged().source == "s") if fresh else (code(judged) == "freshness")


def test_what_the_caller_checks_decides_too() -> None:
    """By the caller's own code; a statement that fails it is passed over like any other."""

    def check(found: Statement) -> None:
        if found.predicate["metadata"]["timestamp"].startswith("2026-05"):
            raise VerificationError("not this one", code="seal")

    def judged(*contents: bytes) -> Evidence:
        return verify_attestations(
            [candidate(one, str(number)) for number, one in enumerate(contents)],
            verifier=KeyVerifier([public("alice")]),
            subject_digests=frozenset({IMAGE}),
            predicate_type=CYCLONEDX,
            now=NOW,
            check=check,
        )

    evidence = judged(NEW, OLD)
    assert (evidence.source, [one.code for one in evidence.refused]) == ("1", ["seal"])
    assert code(lambda: judged(NEW)) == "seal"


def test_whoever_takes_any_type_is_told_why_there_is_none() -> None:
    """What an unverified bundle says of its type is no other attestation when all are wanted."""
    assert code(lambda: verify(candidate(MALLORY), predicate_type=None)) == "signer"
    assert verify(candidate(MALLORY), candidate(OLD), predicate_type=None).source == "s"


# --- what an extra one may not do --------------------------------------------------------------

MOVED = bundle(statement(OTHER_IMAGE, time="2026-05-31T00:00:00Z"))
MALLORY = bundle(statement(time="2026-05-31T00:00:00Z"), name="mallory")


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(MALLORY, id="another signer's, newer"),
        pytest.param(MOVED, id="another image's, newer"),
        pytest.param(NEW[:-1], id="truncated"),
        pytest.param(b"\x00", id="garbage"),
        pytest.param(signed_anyway(b"{}"), id="signed, no statement"),
    ],
)
def test_an_invalid_extra_one_makes_neither_a_yes_nor_a_no(extra: bytes) -> None:
    evidence = verify(candidate(extra, "extra"), candidate(OLD, "old"))
    assert evidence.source == "old"
    assert [refusal.source for refusal in evidence.refused] == ["extra"]
    with pytest.raises(NotVerifiedError):
        verify(candidate(extra, "extra"))


def test_one_that_cannot_be_fetched_is_passed_over() -> None:
    def broken() -> bytes:
        raise TransportError("connection refused")

    evidence = verify(Candidate("gone", broken), candidate(OLD, "old"))
    assert evidence.refused[0].code == "unavailable"
    with pytest.raises(TransportError):
        verify(Candidate("gone", broken))
    assert code(lambda: verify(Candidate("gone", broken), candidate(MALLORY))) == "signer"


def test_an_error_that_is_no_refusal_is_not_swallowed() -> None:
    def defect() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        verify(Candidate("x", defect), candidate(OLD))


# --- subjects ----------------------------------------------------------------------------------


def test_another_images_attestation() -> None:
    with pytest.raises(NotVerifiedError) as caught:
        verify(candidate(MOVED, "moved"))
    assert caught.value.code == "subject"
    assert (caught.value.where, caught.value.got, caught.value.wanted) == (
        "moved",
        OTHER_IMAGE,
        IMAGE,
    )


def test_every_digest_must_be_named_in_one_attestation() -> None:
    both = frozenset({IMAGE, OTHER_IMAGE})
    assert verify(candidate(bundle(statement(IMAGE, OTHER_IMAGE))), digests=both)
    split = [candidate(bundle(statement(IMAGE))), candidate(bundle(statement(OTHER_IMAGE)))]
    assert code(lambda: verify(*split, digests=both)) == "subject"


def test_no_digest_verifies_nothing() -> None:
    assert code(lambda: verify(candidate(NEW), digests=frozenset())) == "subject"


def test_subject_with_another_algorithm() -> None:
    value = IMAGE.removeprefix("sha256:")
    for algorithm in ("sha3_256", "SHA256", "x-sha256", "sha512_256"):
        content = bundle(build_statement([Subject("i", {algorithm: value})], CYCLONEDX, {"a": 1}))
        assert code(lambda content=content: verify(candidate(content))) == "subject"  # type: ignore[misc]


def test_subject_named_like_the_digest() -> None:
    subject = Subject(IMAGE, {"sha256": OTHER_IMAGE.removeprefix("sha256:")})
    content = bundle(build_statement([subject], CYCLONEDX, {"a": 1}))
    assert code(lambda: verify(candidate(content))) == "subject"


# --- predicate types ---------------------------------------------------------------------------


def test_another_type_is_no_attestation_of_the_wanted_one() -> None:
    other = bundle(statement(predicate_type=VSA))
    with pytest.raises(NoAttestation) as caught:
        verify(candidate(other))
    assert VSA in str(caught.value)
    assert verify(candidate(other), predicate_type=VSA).statement.predicate_type == VSA
    assert verify(candidate(other), predicate_type=None).statement.predicate_type == VSA


def test_nothing_attached() -> None:
    with pytest.raises(NoAttestation):
        verify()


@pytest.mark.parametrize(
    "lookalike",
    [
        "https://cyclonedx.org/bom/",
        "https://cyclonedx.org/bom/v1.6",
        "https://CycloneDX.org/bom",
        "http://cyclonedx.org/bom",
        "https://cyclonedx.org/bom\x00",
        "cyclonedx",
    ],
)
def test_predicate_type_confusion(lookalike: str) -> None:
    with pytest.raises(NoAttestation):
        verify(candidate(bundle(statement(predicate_type=lookalike)), hint=CYCLONEDX))


def test_an_unverified_claim_of_another_type_is_another_attestation() -> None:
    """Someone's seal by an unknown key does not turn "no BOM" into "a bad BOM"."""
    foreign = bundle(statement(predicate_type=VSA), name="mallory")
    with pytest.raises(NoAttestation):
        verify(candidate(foreign))


# --- hints -------------------------------------------------------------------------------------


def test_hints_spare_fetching() -> None:
    def never() -> bytes:
        raise AssertionError("fetched")

    assert verify(Candidate("seal", never, VSA), candidate(NEW, "bom", CYCLONEDX)).source == "bom"


def test_lying_hints_are_seen_through() -> None:
    assert verify(candidate(NEW, "bom", VSA)).source == "bom"
    seal = bundle(statement(predicate_type=VSA))
    assert verify(candidate(seal, "seal", CYCLONEDX), candidate(NEW, "bom", VSA)).source == "bom"


# --- floods ------------------------------------------------------------------------------------


def test_a_flood_is_refused_before_anything_is_fetched() -> None:
    def never() -> bytes:
        raise AssertionError("fetched")

    flood = [Candidate(str(n), never) for n in range(10_000)]
    assert code(lambda: verify(*flood)) == "limit"


def test_a_flood_of_other_types_does_not_hide_the_wanted_one() -> None:
    def never() -> bytes:
        raise AssertionError("fetched")

    flood = [Candidate(str(n), never, VSA) for n in range(10_000)]
    assert verify(*flood, candidate(NEW, "bom", CYCLONEDX)).source == "bom"


def test_as_many_as_the_bound_are_read() -> None:
    bad = [candidate(b"x", str(n)) for n in range(LIMITS.attestations_read - 1)]
    evidence = verify(*bad, candidate(NEW, "bom"))
    assert (evidence.source, len(evidence.refused)) == ("bom", len(bad))
    assert code(lambda: verify(*bad, candidate(b"x"), candidate(NEW, "bom"))) == "limit"


# --- freshness ---------------------------------------------------------------------------------


def test_freshness() -> None:
    assert verify(candidate(NEW), max_age=timedelta(days=31)).source == "s"
    assert code(lambda: verify(candidate(NEW), max_age=timedelta(days=30))) == "freshness"
    assert (
        verify(candidate(OLD, "old"), candidate(NEW, "new"), max_age=timedelta(days=40)).older == ()
    )
    ahead = bundle(statement(time="2026-06-01T00:06:00Z"))
    assert verify(candidate(ahead)).source == "s"
    assert code(lambda: verify(candidate(ahead), max_age=timedelta(days=1))) == "freshness"
    timeless = bundle(statement(time=None))
    assert code(lambda: verify(candidate(timeless), max_age=timedelta(days=1))) == "freshness"


@pytest.mark.parametrize("time", ["yesterday", "2026-05-31T00:00:00", "", "9" * 1000])
def test_a_time_that_is_none_is_not_fresh(time: str) -> None:
    content = bundle(statement(time=None, metadata={"timestamp": time}))
    assert code(lambda: verify(candidate(content), max_age=timedelta(days=9))) == "freshness"


# --- which reason is shown ---------------------------------------------------------------------


def test_the_most_telling_reason_is_shown_and_all_are_listed() -> None:
    with pytest.raises(NotVerifiedError) as caught:
        verify(candidate(b"x", "junk"), candidate(MOVED, "moved"), candidate(MALLORY, "mallory"))
    assert (caught.value.code, caught.value.where) == ("subject", "moved")
    assert {r.source: r.code for r in caught.value.refused} == {
        "junk": "malformed",
        "moved": "subject",
        "mallory": "signer",
    }
    assert isinstance(caught.value, FactsError)


def test_an_unknown_code_of_a_verifier_is_shown_too() -> None:
    class Odd:
        def verify(self, content: bytes) -> Verified:
            raise VerificationError("odd", code="odd")

    with pytest.raises(NotVerifiedError) as caught:
        verify_attestations(
            [candidate(NEW)],
            verifier=Odd(),
            subject_digests=frozenset({IMAGE}),
            predicate_type=CYCLONEDX,
            now=NOW,
        )
    assert caught.value.code == "odd"


def test_identities_read_well() -> None:
    assert str(SignerIdentity("key", "sha256:00")) == "sha256:00"
    assert str(SignerIdentity("keyless", "a@b", "https://i")) == "a@b (https://i)"
