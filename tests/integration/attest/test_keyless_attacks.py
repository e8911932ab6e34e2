"""Attacks on bundles that were signed keyless: who, when, the log, and the envelope."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from lading.attest.bundle import parse_bundle
from lading.attest.dsse import encode_base64
from lading.attest.identities import TextRule, TrustedIdentity
from lading.errors import VerificationError
from local_sigstore.ct_log import CtLog
from support.attest_forge import Flaws, forge, timestamp
from support.attest_keyless import BUILDER, MATERIAL, ONE_ENTRY, code, refusal, sign, verifier
from support.attest_samples import OTHER_IMAGE, edited, signer, statement

if TYPE_CHECKING:
    from local_sigstore.local import LocalSigstore

pytestmark = pytest.mark.interop


# --- attacks: who ------------------------------------------------------------------------------


def test_forging_without_a_flaw_makes_a_good_bundle(local: LocalSigstore) -> None:
    assert verifier(local).verify(forge(local, statement())).payload == statement()


@pytest.mark.parametrize(
    "trusted",
    [
        pytest.param("builder@example.co", id="a prefix"),
        pytest.param("uilder@example.com", id="a suffix"),
        pytest.param("Builder@example.com", id="another case"),
        pytest.param("builder@example.com ", id="a space"),
        pytest.param("builder@example\\.com", id="a pattern as a text"),
    ],
)
def test_identity_tricks(local: LocalSigstore, good: bytes, trusted: str) -> None:
    error = refusal(local, good, TrustedIdentity.exact(trusted, local.issuer.url))
    assert error.code == "identity"
    assert BUILDER in str(error)


@pytest.mark.parametrize(
    "pattern", ["builder", "@example.com", "builder@example", "^builder", "example.com$", "b|c"]
)
def test_unanchored_patterns_match_nothing_more(
    local: LocalSigstore, good: bytes, pattern: str
) -> None:
    loose = TrustedIdentity.matching(pattern, local.issuer.url)
    assert refusal(local, good, loose).code == "identity"
    whole = TrustedIdentity.matching(r".+@example\.com", local.issuer.url)
    assert verifier(local, whole).verify(good)


def test_wrong_issuer(local: LocalSigstore, good: bytes) -> None:
    rule = TrustedIdentity.exact(BUILDER, "https://accounts.example")
    assert refusal(local, good, rule).code == "issuer"
    wide = TrustedIdentity(TextRule(BUILDER), TextRule("http://127.0.0.1", is_pattern=True))
    assert refusal(local, good, wide).code == "issuer"


def test_identity_of_one_rule_with_the_issuer_of_another(local: LocalSigstore, good: bytes) -> None:
    rules = (
        TrustedIdentity.exact(BUILDER, "https://accounts.example"),
        TrustedIdentity.exact("other@example.com", local.issuer.url),
    )
    assert refusal(local, good, *rules).code == "issuer"


def test_two_names_in_one_certificate(local: LocalSigstore) -> None:
    names = (x509.RFC822Name("mallory@example.com"), x509.RFC822Name(BUILDER))
    for order in (names, names[::-1]):
        assert code(local, forge(local, statement(), Flaws(names=order))) == "certificate"


def test_a_host_name_that_reads_like_the_identity(local: LocalSigstore) -> None:
    flaws = Flaws(names=(x509.DNSName(BUILDER),))
    assert code(local, forge(local, statement(), flaws)) == "certificate"


def test_signed_with_a_key(local: LocalSigstore) -> None:
    assert code(local, signer().sign(statement())) == "signer-kind"


# --- attacks: certificate ----------------------------------------------------------------------


def test_certificate_by_another_authority(local: LocalSigstore) -> None:
    flaws = Flaws(ca_key=ec.generate_private_key(ec.SECP256R1()), with_sct=False)
    assert code(local, forge(local, statement(), flaws)) == "certificate"


def test_certificate_for_another_use(local: LocalSigstore) -> None:
    flaws = Flaws(usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert code(local, forge(local, statement(), flaws)) == "certificate"


@pytest.mark.parametrize("starts", [timedelta(days=-30), timedelta(hours=-1), timedelta(hours=1)])
def test_signed_outside_the_certificates_validity(local: LocalSigstore, starts: timedelta) -> None:
    flaws = Flaws(starts=starts)
    assert code(local, forge(local, statement(), flaws)) == "certificate"


def test_expired_certificate_without_timestamp(local: LocalSigstore) -> None:
    flaws = Flaws(starts=timedelta(days=-30), stamped=False)
    assert code(local, forge(local, statement(), flaws)) == "timestamp"


def test_sct_missing(local: LocalSigstore) -> None:
    assert code(local, forge(local, statement(), Flaws(with_sct=False))) == "sct"


def test_sct_by_another_log(local: LocalSigstore) -> None:
    flaws = Flaws(ct_log=CtLog("http://127.0.0.1:1"))
    assert code(local, forge(local, statement(), flaws)) == "sct"


@pytest.mark.parametrize("der", [b"\x30\x00", b"\x00" * 100, b"\x30\x84\xff\xff\xff\xff"])
def test_certificate_that_is_none(local: LocalSigstore, good: bytes, der: bytes) -> None:
    changed = edited(good, lambda d: d[MATERIAL]["certificate"].update(rawBytes=encode_base64(der)))
    assert code(local, changed) == "certificate"


# --- attacks: log and time ---------------------------------------------------------------------


def test_log_entry_missing(local: LocalSigstore) -> None:
    error = refusal(local, forge(local, statement(), Flaws(logged=False)))
    assert (error.code, error.what, error.got) == ("log", ONE_ENTRY, "0")


@pytest.mark.parametrize("other", ["the same", "another's", "an empty one"])
def test_log_entry_twice(local: LocalSigstore, good: bytes, other: str) -> None:
    """Whichever comes first, and whether or not the second one holds."""
    (first,) = json.loads(good)[MATERIAL]["tlogEntries"]
    second = {
        "the same": first,
        "another's": json.loads(sign(local, statement(OTHER_IMAGE)))[MATERIAL]["tlogEntries"][0],
        "an empty one": {},
    }[other]
    for entries in ([first, second], [second, first], [first] * 3):
        changed = edited(good, lambda d, both=entries: d[MATERIAL].update(tlogEntries=both))
        error = refusal(local, changed)
        assert (error.code, error.what) == ("log", ONE_ENTRY)
        assert error.got == str(len(entries))


def test_log_entry_of_another_envelope(local: LocalSigstore, good: bytes) -> None:
    """The entry is real and its proof holds; it is just of something else by the same identity."""
    other = json.loads(sign(local, statement(OTHER_IMAGE)))[MATERIAL]["tlogEntries"]
    changed = edited(good, lambda d: d[MATERIAL].update(tlogEntries=other))
    assert code(local, changed) == "log"


@pytest.mark.parametrize("field", ["rootHash", "treeSize", "checkpoint", "hashes", "logIndex"])
def test_inclusion_proof_changed(local: LocalSigstore, good: bytes, field: str) -> None:
    def change(document: dict[str, Any]) -> None:
        proof = document[MATERIAL]["tlogEntries"][0]["inclusionProof"]
        proof[field] = {
            "rootHash": encode_base64(b"\x01" * 32),
            "treeSize": "999",
            "checkpoint": {"envelope": proof["checkpoint"]["envelope"].replace("\n\n", "1\n\n")},
            "hashes": [*proof["hashes"], encode_base64(b"\x01" * 32)],
            "logIndex": str(int(proof["logIndex"]) + 1),
        }[field]

    assert code(local, edited(good, change)) == "log"


def test_timestamp_missing(local: LocalSigstore) -> None:
    flaws = Flaws(stamped=False)
    assert code(local, forge(local, statement(), flaws)) == "timestamp"


def test_timestamp_of_another_signature(local: LocalSigstore, good: bytes) -> None:
    stamp = encode_base64(timestamp(local, b"another signature"))
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": stamp}]}
    changed = edited(good, lambda d: d[MATERIAL].update(timestampVerificationData=stamps))
    assert code(local, changed) == "timestamp"


@pytest.mark.parametrize("stamp", [b"", b"\x30\x00", b"\x00" * 50, b"\x30\x84\xff\xff\xff\xff"])
def test_timestamp_that_is_none(local: LocalSigstore, good: bytes, stamp: bytes) -> None:
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": encode_base64(stamp)}]}
    changed = edited(good, lambda d: d[MATERIAL].update(timestampVerificationData=stamps))
    assert code(local, changed) == "timestamp"


def test_the_logs_own_word_for_the_time_is_not_taken_without_a_promise(
    local: LocalSigstore,
) -> None:
    def change(document: dict[str, Any]) -> None:
        document[MATERIAL]["tlogEntries"][0]["integratedTime"] = "1700000000"

    flawed = edited(forge(local, statement(), Flaws(stamped=False)), change)
    assert code(local, flawed) == "timestamp"


# --- attacks: envelope -------------------------------------------------------------------------


def test_payload_swapped(local: LocalSigstore, good: bytes) -> None:
    payload = encode_base64(statement(OTHER_IMAGE))
    changed = edited(good, lambda d: d["dsseEnvelope"].update(payload=payload))
    assert code(local, changed) == "signature"


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"{}", "statement-type"),
        (statement() + b"{}", "malformed"),
        (b'{"_type":"x",' + statement()[1:], "malformed"),
        (statement()[:-1] + b',"more":1}', "malformed"),
    ],
    ids=["an empty object", "more bytes", "a key twice", "unknown key"],
)
def test_signed_but_not_a_strict_statement(
    local: LocalSigstore, payload: bytes, wanted: str
) -> None:
    """Everything about it holds; what was signed is just not one statement."""
    assert code(local, forge(local, payload)) == wanted


def test_signature_by_another_key_than_the_certificates(local: LocalSigstore) -> None:
    mine, other = (parse_bundle(forge(local, statement())) for _ in range(2))
    swapped = dataclasses.replace(
        mine, certificate=other.certificate, log_entries=other.log_entries
    )
    assert code(local, swapped.to_bytes()) == "signature"


def test_every_part_of_the_material_counts(local: LocalSigstore, good: bytes) -> None:
    """Whatever one byte is changed to, the answer is a refusal or the same evidence."""
    judge = verifier(local)
    wanted = judge.verify(good)
    for index in range(0, len(good), 53):
        changed = bytearray(good)
        changed[index] ^= 0x05
        try:
            assert judge.verify(bytes(changed)) == wanted
        except VerificationError:
            continue


@pytest.mark.parametrize(
    "claims",
    [
        {"logIndex": "424242"},
        {"logIndex": "424242", "inclusionPromise": {"signedEntryTimestamp": "AAAA"}},
    ],
    ids=["alone", "with a promise that nobody checks"],
)
def test_the_position_in_the_log_is_the_proofs(
    local: LocalSigstore, good: bytes, claims: dict[str, object]
) -> None:
    """What an entry claims beside its proof is nobody's word in a Rekor v2 log."""
    changed = edited(good, lambda d: d[MATERIAL]["tlogEntries"][0].update(claims))
    proved = json.loads(good)[MATERIAL]["tlogEntries"][0]["inclusionProof"]["logIndex"]
    assert verifier(local).verify(changed).log_index == int(proved)
