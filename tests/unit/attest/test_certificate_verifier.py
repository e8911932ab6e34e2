"""Bundles under an organisation's own certificate authority, made here and now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lading.attest.certificates import load_chain
from lading.attest.dsse import encode_base64
from lading.attest.identities import TextRule
from lading.attest.signers.certificate import CertificateSigner
from lading.attest.signers.key import KeySigner
from lading.attest.verifiers.certificate import CertificateVerifier
from lading.errors import InputError, SigningKeyError, VerificationError
from support.attest_samples import (
    OTHER_IMAGE,
    edited,
    private,
    signed_anyway,
    signer,
    statement,
)

if TYPE_CHECKING:
    from lading.attest.keys import PrivateKey

NOW = datetime(2026, 6, 1, tzinfo=UTC)
NAME = "release@acme.example"
CODE_SIGNING = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
SAN = x509.SubjectAlternativeName([x509.RFC822Name(NAME)])


class Authority:
    """A certificate authority; ``parent`` None makes a root."""

    def __init__(
        self,
        name: str,
        parent: Authority | None = None,
        usage: x509.ExtendedKeyUsage | None = None,
        path_length: int | None = None,
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path_length = path_length
        self.certificate = (parent or self).issue(
            self.key.public_key(),
            self.name,
            lives=timedelta(days=4000),
            authority=self,
            usage=usage,
        )

    def issue(
        self,
        key: Any,
        name: x509.Name | None = None,
        *,
        starts: datetime = NOW - timedelta(days=1),
        lives: timedelta = timedelta(days=30),
        san: x509.SubjectAlternativeName | None = SAN,
        usage: x509.ExtendedKeyUsage | None = CODE_SIGNING,
        authority: Authority | None = None,
    ) -> x509.Certificate:
        is_ca = authority is not None
        bits = dict.fromkeys(KEY_USAGES, False) | {
            "key_cert_sign" if is_ca else "digital_signature": True
        }
        start = NOW - timedelta(days=2000) if is_ca else starts
        builder = (
            x509.CertificateBuilder(self.name, name or x509.Name([]), key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + lives)
            .add_extension(
                x509.BasicConstraints(is_ca, authority.path_length if authority else None),
                critical=True,
            )
            .add_extension(x509.KeyUsage(**bits), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        if san is not None and not is_ca:
            builder = builder.add_extension(san, critical=name is None)
        if usage is not None:
            builder = builder.add_extension(usage, critical=False)
        return builder.sign(self.key, hashes.SHA256())


KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
ROOT = Authority("root")
ISSUING = Authority("issuing", ROOT)


def verifier(name: TextRule | None = None, **changes: Any) -> CertificateVerifier:
    options: dict[str, Any] = {
        "roots": [ROOT.certificate],
        "names": [name or TextRule(NAME)],
        "intermediates": [ISSUING.certificate],
        "now": lambda: NOW,
        **changes,
    }
    return CertificateVerifier(options.pop("roots"), options.pop("names"), **options)


def certified(key: PrivateKey, certificate: x509.Certificate) -> CertificateSigner:
    return CertificateSigner(KeySigner(key), key.public_key(), certificate)


def bundle(authority: Authority = ISSUING, **options: Any) -> bytes:
    key = private("leaf")
    return certified(key, authority.issue(key.public_key(), **options)).sign(statement())


def code(content: bytes, judge: CertificateVerifier | None = None) -> str:
    with pytest.raises(VerificationError) as caught:
        (judge or verifier()).verify(content)
    return caught.value.code


def test_what_is_signed_verifies() -> None:
    verified = verifier().verify(bundle())
    assert verified.payload == statement()
    assert (verified.signer.kind, verified.signer.name, verified.time) == (
        "certificate",
        NAME,
        None,
    )
    assert verifier(intermediates=[]).verify(bundle(ROOT))
    p384 = private("leaf", "p384")
    made = certified(p384, ISSUING.issue(p384.public_key())).sign(statement())
    assert verifier().verify(made)


def test_a_pattern_of_names() -> None:
    rule = TextRule(r"[a-z]+@acme\.example", is_pattern=True)
    assert verifier(rule).verify(bundle())
    loose = TextRule("acme", is_pattern=True)
    assert code(bundle(), verifier(loose)) == "identity"


def test_another_name() -> None:
    san = x509.SubjectAlternativeName([x509.RFC822Name("mallory@acme.example")])
    assert code(bundle(san=san)) == "identity"
    uri = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"mailto:{NAME}")])
    assert code(bundle(san=uri)) == "identity"


def test_two_names() -> None:
    names = [x509.RFC822Name("mallory@acme.example"), x509.RFC822Name(NAME)]
    key = private("leaf")
    certificate = ISSUING.issue(key.public_key(), san=x509.SubjectAlternativeName(names))
    with pytest.raises(SigningKeyError, match="exactly one"):
        certified(key, certificate)
    assert code(swapped(certificate)) == "certificate"


def swapped(certificate: x509.Certificate) -> bytes:
    """Return a bundle whose certificate was replaced."""
    der = encode_base64(certificate.public_bytes(serialization.Encoding.DER))
    return edited(bundle(), lambda d: d["verificationMaterial"]["certificate"].update(rawBytes=der))


def test_another_root() -> None:
    assert code(bundle(Authority("root"))) == "certificate"
    assert code(bundle(Authority("issuing", Authority("root")))) == "certificate"


def test_a_leaf_that_signs_leaves() -> None:
    key = private("leaf")
    leaf = Authority("leaf", ROOT)
    leaf.certificate = ISSUING.issue(leaf.key.public_key(), leaf.name, san=SAN)
    made = certified(key, leaf.issue(key.public_key())).sign(statement())
    judge = verifier(intermediates=[ISSUING.certificate, leaf.certificate])
    assert code(made, judge) == "certificate"


def test_an_intermediate_that_is_not_given() -> None:
    assert code(bundle(), verifier(intermediates=[])) == "certificate"


@pytest.mark.parametrize("usage", [None, SERVER])
def test_a_certificate_for_another_use(usage: x509.ExtendedKeyUsage | None) -> None:
    assert code(bundle(usage=usage)) == "certificate"


def test_an_intermediate_for_another_use() -> None:
    web = Authority("web", ROOT, usage=SERVER)
    assert code(bundle(web), verifier(intermediates=[web.certificate])) == "certificate"


@pytest.mark.parametrize("starts", [NOW - timedelta(days=31), NOW + timedelta(days=1)])
def test_expired_certificate_without_timestamp(starts: datetime) -> None:
    assert code(bundle(starts=starts)) == "certificate"


def test_without_a_name() -> None:
    key = private("leaf")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    certificate = ISSUING.issue(key.public_key(), name, san=None)
    assert code(swapped(certificate)) == "certificate"


def test_payload_swapped() -> None:
    payload = encode_base64(statement(OTHER_IMAGE))
    changed = edited(bundle(), lambda d: d["dsseEnvelope"].update(payload=payload))
    assert code(changed) == "signature"


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [(b"{}", "statement-type"), (statement() + b"{}", "malformed"), (b"", "malformed")],
)
def test_signed_but_not_a_strict_statement(payload: bytes, wanted: str) -> None:
    good, raw = bundle(), json.loads(signed_anyway(payload, name="leaf"))
    assert code(edited(good, lambda d: d.update(dsseEnvelope=raw["dsseEnvelope"]))) == wanted


def test_certificate_of_another_key() -> None:
    other = ISSUING.issue(private("mallory").public_key())
    assert code(swapped(other)) == "signature"
    with pytest.raises(SigningKeyError, match="another key"):
        certified(private("leaf"), other)


def test_certificate_of_a_key_that_is_not_supported() -> None:
    key = ec.generate_private_key(ec.SECP521R1())
    assert code(swapped(ISSUING.issue(key.public_key()))) == "certificate"


def test_signed_with_a_bare_key() -> None:
    assert code(signer().sign(statement())) == "signer-kind"


def test_a_timestamp_that_is_none() -> None:
    def change(document: dict[str, Any]) -> None:
        stamps = [{"signedTimestamp": encode_base64(b"\x30\x00")}]
        document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] = stamps

    judge = verifier(authorities=[[ISSUING.certificate, ROOT.certificate]])
    assert code(edited(bundle(), change), judge) == "timestamp"


def test_trusting_nobody_is_refused_at_once() -> None:
    for options in ({"roots": []}, {"names": []}):
        with pytest.raises(InputError):
            verifier(**options)


def test_a_file_of_certificates(tmp_path: Any) -> None:
    path = tmp_path / "chain.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(ISSUING.certificate.public_bytes(pem) + ROOT.certificate.public_bytes(pem))
    assert load_chain(path) == [ISSUING.certificate, ROOT.certificate]
    for content in (b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        path.write_bytes(content)
        with pytest.raises(InputError):
            load_chain(path)
    with pytest.raises(InputError):
        load_chain(tmp_path / "none")
