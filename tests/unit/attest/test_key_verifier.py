"""Attacks on one key-signed bundle: each is a named case that must be refused, with its code."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from lading.attest import keys
from lading.attest.bundle import parse_bundle
from lading.attest.dsse import encode_base64
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import SigningKeyError, VerificationError
from lading.limits import LIMITS
from support.attest_samples import (
    IMAGE,
    OTHER_IMAGE,
    bundle,
    edited,
    private,
    public,
    signed_anyway,
    signer,
    statement,
)

ALICE = KeyVerifier([public("alice")])


def refusal(content: bytes, verifier: KeyVerifier = ALICE) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        verifier.verify(content)
    return caught.value


def with_envelope(content: bytes, **changes: Any) -> bytes:
    return edited(content, lambda document: document["dsseEnvelope"].update(changes))


def with_signature(content: bytes, signature: bytes) -> bytes:
    return with_envelope(content, signatures=[{"sig": encode_base64(signature)}])


def with_hint(content: bytes, hint: str) -> bytes:
    return edited(
        content, lambda document: document["verificationMaterial"]["publicKey"].update(hint=hint)
    )


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519"])
def test_what_is_signed_verifies(kind: keys.KeyKind) -> None:
    made = signer("alice", kind)
    verified = KeyVerifier([public("alice", kind)]).verify(made.sign(statement()))
    assert verified.payload == statement()
    assert verified.signer == made.identity
    assert verified.signer.name == keys.key_id(public("alice", kind))
    assert (verified.time, verified.log_index) == (None, None)


def test_signing_twice_gives_the_same_bundle() -> None:
    assert bundle() == bundle()


def test_any_of_several_trusted_keys_will_do() -> None:
    both = KeyVerifier([public("bob", "ed25519"), public("alice"), public("carol", "p384")])
    assert both.verify(bundle()).signer.name == keys.key_id(public("alice"))


def test_trusting_nobody_is_refused_at_once() -> None:
    with pytest.raises(SigningKeyError):
        KeyVerifier([])


def test_as_many_keys_as_the_bound_are_trusted() -> None:
    many = [public(f"signer {number}", "ed25519") for number in range(LIMITS.trusted_keys)]
    assert KeyVerifier(many).verify(signer("signer 7", "ed25519").sign(statement()))
    with pytest.raises(SigningKeyError, match="too many"):
        KeyVerifier([*many, public("alice")])


# --- the attacks -------------------------------------------------------------------------------


def test_payload_swapped() -> None:
    payload = encode_base64(statement(OTHER_IMAGE))
    assert refusal(with_envelope(bundle(), payload=payload)).code == "signature"


def test_signature_of_another_statement_by_the_same_key() -> None:
    other = parse_bundle(bundle(statement(OTHER_IMAGE))).envelope.signature
    assert refusal(with_signature(bundle(), other)).code == "signature"


def test_one_bit_of_the_payload_flipped() -> None:
    payload = bytearray(statement())
    payload[-10] ^= 1
    changed = with_envelope(bundle(), payload=encode_base64(bytes(payload)))
    assert refusal(changed).code == "signature"


def test_two_signatures() -> None:
    good = json.loads(bundle())["dsseEnvelope"]["signatures"][0]
    bad = {"sig": encode_base64(b"x" * 70)}
    for signatures in ([good, bad], [bad, good], [good, good], []):
        assert refusal(with_envelope(bundle(), signatures=signatures)).code == "signatures"


def test_wrong_key() -> None:
    error = refusal(bundle(name="mallory"))
    assert error.code == "signer"
    assert keys.key_id(public("mallory")) in str(error)
    assert keys.key_id(public("alice")) in str(error)


def test_hint_that_claims_the_trusted_key() -> None:
    lying = with_hint(bundle(name="mallory"), keys.key_hint(public("alice")))
    assert refusal(lying).code == "signature"


@pytest.mark.parametrize(
    "hint",
    ["", "x", "\u202e", "A" * 10_000, keys.key_hint(public("bob"))],
    ids=["empty", "short", "control", "long", "another key"],
)
def test_hint_decides_nothing(hint: str) -> None:
    """A trusted signature under any hint holds, and an untrusted one under any hint does not."""
    assert ALICE.verify(with_hint(bundle(), hint)).payload == statement()
    error = refusal(with_hint(bundle(name="mallory"), hint))
    assert error.code == "signer"
    assert str(error).isascii()


def test_wrong_curve() -> None:
    """A P-384 signature under a P-256 key, and a P-256 one over the other curve's hash."""
    assert refusal(signer("alice", "p384").sign(statement())).code == "signer"
    envelope = parse_bundle(bundle()).envelope
    key = private()
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    other_hash = key.sign(envelope.signed, ec.ECDSA(hashes.SHA384()))
    assert refusal(with_signature(bundle(), other_hash)).code == "signature"


def test_signature_without_the_pre_authentication_encoding() -> None:
    key = private()
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    bare = key.sign(statement(), ec.ECDSA(hashes.SHA256()))
    assert refusal(with_signature(bundle(), bare)).code == "signature"


def test_signature_of_another_payload_type() -> None:
    """A good signature over the same bytes as another type is not one over a statement."""
    foreign = signed_anyway(statement(), payload_type="application/vnd.other+json")
    assert refusal(foreign).code == "payload-type"
    relabelled = with_envelope(foreign, payloadType="application/vnd.in-toto+json")
    assert refusal(relabelled).code == "signature"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(b"\x00", id="one byte"),
        pytest.param(encode_dss_signature(0, 0), id="r = s = 0"),
        pytest.param(encode_dss_signature(1, 2**256), id="s out of range"),
        pytest.param(b"\x30\x80" + b"\x00" * 68, id="indefinite length"),
        pytest.param(b"\x30" * 16_384, id="DER all the way down"),
    ],
)
def test_degenerate_signatures(signature: bytes) -> None:
    assert refusal(with_signature(bundle(), signature)).code == "signature"


def test_signature_in_another_encoding() -> None:
    """BER forms of a good DER signature: long-form length, padded integer, trailing bytes."""
    der = parse_bundle(bundle()).envelope.signature
    r, s = decode_dss_signature(der)
    padded = encode_dss_signature(r, s)
    body = (
        b"\x02" + bytes([len(padded[4 : 4 + padded[3]]) + 1]) + b"\x00" + padded[4 : 4 + padded[3]]
    )
    rest = padded[4 + padded[3] :]
    forms = (
        b"\x30\x81" + der[1:],
        b"\x30" + bytes([len(body + rest)]) + body + rest,
        der + b"\x00",
        r.to_bytes(32, "big") + s.to_bytes(32, "big"),
    )
    for form in forms:
        assert refusal(with_signature(bundle(), form)).code == "signature"


def test_the_mirrored_signature_changes_nothing_that_is_signed() -> None:
    """(r, n - s) is another valid ECDSA signature of the same statement by the same key.

    Others' tools make either form, so both hold; what they prove is byte for byte the same.
    """
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = decode_dss_signature(parse_bundle(bundle()).envelope.signature)
    mirrored = with_signature(bundle(), encode_dss_signature(r, order - s))
    assert ALICE.verify(mirrored) == ALICE.verify(bundle())


def test_certificate_in_place_of_a_key() -> None:
    def change(document: dict[str, Any]) -> None:
        document["verificationMaterial"]["certificate"] = {"rawBytes": "AAAA"}
        del document["verificationMaterial"]["publicKey"]

    assert refusal(edited(bundle(), change)).code == "signer-kind"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        pytest.param(b"", "malformed", id="nothing"),
        pytest.param(b"{}", "statement-type", id="an empty object"),
        pytest.param(statement()[:-1] + b',"predicate":{"a":1}}', "malformed", id="duplicated key"),
        pytest.param(statement() + b"{}", "malformed", id="trailing bytes"),
        pytest.param(statement() + b"\x00", "malformed", id="a trailing NUL"),
        pytest.param(
            statement().replace(b'"bomFormat":"CycloneDX"', b'"n":1e999999999'),
            "malformed",
            id="gigantic number",
        ),
        pytest.param(
            statement().replace(b'"bomFormat":"CycloneDX"', b'"n":' + b"9" * 100_000),
            "malformed",
            id="gigantic integer",
        ),
        pytest.param(
            statement().replace(b'"CycloneDX"', b"[" * 5000 + b"]" * 5000),
            "malformed",
            id="deep nesting",
        ),
        pytest.param(
            b'{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":'
            b'{"sha256":"' + IMAGE[7:].encode() + b'"}}],"predicateType":"t","predicate":{}}',
            "malformed",
            id="predicate {}",
        ),
    ],
)
def test_signed_but_not_a_strict_statement(payload: bytes, code: str) -> None:
    assert refusal(signed_anyway(payload)).code == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(bundle() + b"{}", "malformed", id="trailing document"),
        pytest.param(bundle() + b"x", "malformed", id="trailing bytes"),
        pytest.param(
            bundle().replace(b'"mediaType"', b'"mediaType":"x","mediaType"'),
            "malformed",
            id="duplicated key",
        ),
        pytest.param(
            bundle().replace(b'"dsseEnvelope"', b'"dsseEnvelope":{},"dsseEnvelop\\u0065"'),
            "malformed",
            id="duplicated key, escaped",
        ),
        pytest.param(bundle().replace(b"=", b""), "malformed", id="base64 without padding"),
        pytest.param(
            bundle().replace(b'"payload":"', b'"payload":"\\n'), "malformed", id="base64, newline"
        ),
        pytest.param(b"[" * 5_000_000, "malformed", id="deep nesting"),
        pytest.param(b'{"a":' + b"9" * 1_000_000 + b"}", "malformed", id="gigantic number"),
        pytest.param(b" " * 10_000_001, "malformed", id="too large"),
        pytest.param(b"", "malformed", id="nothing"),
        pytest.param(b"{}", "bundle-type", id="an empty object"),
        pytest.param(b"\x80\x02}q\x00.", "malformed", id="not JSON"),
    ],
)
def test_hostile_bundles(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_every_single_byte_counts() -> None:
    """Whatever one byte is changed to, the answer is a refusal or the same evidence."""
    content = bundle()
    wanted = ALICE.verify(content)
    for index in range(0, len(content), 7):
        changed = bytearray(content)
        changed[index] ^= 0x41
        try:
            assert ALICE.verify(bytes(changed)) == wanted
        except VerificationError:
            continue


def test_a_signature_moved_into_the_urlsafe_alphabet() -> None:
    sig = json.loads(bundle())["dsseEnvelope"]["signatures"][0]["sig"]
    other = base64.urlsafe_b64encode(base64.b64decode(sig)).decode()
    if other == sig:
        other = sig[:-4] + "-_-="
    assert refusal(with_envelope(bundle(), signatures=[{"sig": other}])).code == "malformed"


HEAVY = (
    "docker",
    "oras",
    "sigstore",
    "securesystemslib",
    "huggingface_hub",
    "rich",
    "requests",
    "urllib3",
    "pydantic",
    "typer",
    "click",
    "yaml",
    "numpy",
    "nacl",
)


def test_the_verifying_path_imports_only_cryptography_and_the_standard_library() -> None:
    code = (
        "import sys; import lading.attest.verify, lading.attest.verifiers.key; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules} "
        "- set(sys.stdlib_module_names)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if not name.startswith("_")}
    assert not loaded & set(HEAVY)
    assert "cryptography" in loaded
    assert loaded <= {"cryptography", "lading", "lading_oci", "cffi", "sitecustomize"}
