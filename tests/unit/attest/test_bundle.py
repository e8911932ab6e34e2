from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.bundle import Bundle, parse_bundle
from lading.attest.dsse import PAYLOAD_TYPE, Envelope
from lading.attest.strict_json import canonical_bytes
from lading.errors import LimitError, VerificationError
from support.attest_samples import bundle, edited

if TYPE_CHECKING:
    from collections.abc import Callable

ENTRY = {
    "logIndex": "7",
    "logId": {"keyId": "AAAA"},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1700000000",
    "inclusionPromise": {"signedEntryTimestamp": "AAAA"},
    "inclusionProof": {
        "logIndex": "7",
        "rootHash": "AAAA",
        "treeSize": "9",
        "hashes": ["AAAA"],
        "checkpoint": {"envelope": "log\n9\nAAAA\n"},
    },
    "canonicalizedBody": "e30=",
}
FULL = Bundle(
    Envelope(b"{}", PAYLOAD_TYPE, b"s"),
    certificate=b"der",
    log_entries=(ENTRY,),
    timestamps=(b"stamp",),
)


def test_golden() -> None:
    content = Bundle(Envelope(b"{}", PAYLOAD_TYPE, b"s"), key_hint="aGludA==").to_bytes()
    assert content == (
        b'{"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json",'
        b'"signatures":[{"sig":"cw=="}]},'
        b'"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
        b'"verificationMaterial":{"publicKey":{"hint":"aGludA=="},'
        b'"timestampVerificationData":{"rfc3161Timestamps":[]},"tlogEntries":[]}}'
    )


@pytest.mark.parametrize(
    "payload", [b"", b"a", b"ab", b"abc", bytes(range(256)), b'{"payload":""}', b"x" * 100_000]
)
@pytest.mark.parametrize("signer", [{"key_hint": "aGludA=="}, {"certificate": b"der"}])
def test_the_payload_stands_where_canonical_json_has_it(
    payload: bytes, signer: dict[str, Any]
) -> None:
    content = Bundle(Envelope(payload, PAYLOAD_TYPE, b"s"), **signer).to_bytes()
    document = json.loads(content)
    assert base64.b64decode(document["dsseEnvelope"]["payload"], validate=True) == payload
    assert canonical_bytes(document) == content


def test_round_trip() -> None:
    assert parse_bundle(FULL.to_bytes()) == FULL
    assert parse_bundle(FULL.to_bytes()).to_bytes() == FULL.to_bytes()


def test_reads_what_leaves_empty_lists_out() -> None:
    def change(document: dict[str, Any]) -> None:
        del document["verificationMaterial"]["tlogEntries"]
        del document["verificationMaterial"]["timestampVerificationData"]

    content = edited(bundle(), change)
    assert parse_bundle(content).log_entries == ()


def at(*path: str | int, value: object) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        inner: Any = document
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value

    return change


M = "verificationMaterial"
E = (M, "tlogEntries", 0)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            at("mediaType", value="application/vnd.dev.sigstore.bundle+json;version=0.2"),
            "bundle-type",
        ),
        (at("mediaType", value=None), "bundle-type"),
        (at("media_type", value="x"), "malformed"),
        (at("messageSignature", value={}), "malformed"),
        (at(M, value=[]), "malformed"),
        (at(M, "extra", value=1), "malformed"),
        (at(M, "tlog_entries", value=[]), "malformed"),
        (at(M, "publicKey", value={"hint": "x"}), "malformed"),
        (at(M, "certificate", value={"rawBytes": ""}), "malformed"),
        (at(M, "certificate", value={"raw_bytes": "AAAA"}), "malformed"),
        (at(M, "certificate", value=None), "malformed"),
        (at(M, "x509CertificateChain", value={"certificates": []}), "malformed"),
        (at(M, "tlogEntries", value=None), "malformed"),
        (at(M, "tlogEntries", value=[ENTRY] * 9), "malformed"),
        (at(M, "timestampVerificationData", "rfc3161Timestamps", value=[{}] * 33), "malformed"),
        (at(*E, "logIndex", value=7), "malformed"),
        (at(*E, "logIndex", value="07"), "malformed"),
        (at(*E, "logIndex", value="1e3"), "malformed"),
        (at(*E, "logIndex", value="9223372036854775808"), "malformed"),
        (at(*E, "logIndex", value="\u0667"), "malformed"),
        (at(*E, "extra", value="7"), "malformed"),
        (at(*E, "logId", "keyId", value="AA"), "malformed"),
        (at(*E, "inclusionProof", "hashes", value=["AAAA"] * 65), "malformed"),
        (at(*E, "inclusionProof", "checkpoint", "envelope", value="x" * 100_000), "malformed"),
        (at("dsseEnvelope", value=None), "malformed"),
        (at("dsseEnvelope", "signatures", value=[]), "signatures"),
    ],
)
def test_refuses(change: Callable[[dict[str, Any]], None], code: str) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_bundle(edited(FULL.to_bytes(), change))
    assert caught.value.code == code


def test_refuses_a_key_and_a_certificate_at_once_or_neither() -> None:
    neither = edited(FULL.to_bytes(), lambda d: d[M].pop("certificate"))
    with pytest.raises(VerificationError, match="one key or one certificate"):
        parse_bundle(neither)


def test_no_bundle_is_written_that_others_would_not_read() -> None:
    big = Bundle(Envelope(b" " * 8_000_000, PAYLOAD_TYPE, b"s"), key_hint="")
    with pytest.raises(LimitError, match="too large"):
        big.to_bytes()


def test_sigstores_own_models_read_the_shape() -> None:
    """The protobuf specification's JSON names and types, as another implementation has them."""
    models = pytest.importorskip("sigstore_models.bundle.v1")
    for content in (FULL.to_bytes(), bundle()):
        parsed = models.Bundle.from_json(content)
        assert json.loads(parsed.to_json()) == json.loads(content)
