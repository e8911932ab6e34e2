from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lading.attest.certificates import fulcio_identity, load_certificate
from lading.attest.identities import TextRule, TrustedIdentity
from lading.errors import UsageError, VerificationError

ACME = "https://github.com/acme/svc/.github/workflows/release.yml@refs/heads/main"
GITHUB = "https://token.actions.githubusercontent.com"
V1 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
V2 = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")


def test_an_exact_rule_allows_one_identity_of_one_issuer() -> None:
    rule = TrustedIdentity.exact(ACME, GITHUB)
    assert rule.allows(ACME, GITHUB)
    assert not rule.allows(ACME, GITHUB + "/")
    assert not rule.allows(ACME + "x", GITHUB)
    assert str(rule) == f"{ACME} ({GITHUB})"


@pytest.mark.parametrize(
    "name",
    [
        "https://github.com/acme.evil/svc/.github/workflows/release.yml@refs/heads/main",
        "https://evil.example/?" + ACME,
        ACME + "\n",
        ACME + "\nx",
        "\n" + ACME,
        "https://github.com/acme/svc/.github/workflows/release.yml@refs/heads/main-evil",
    ],
)
def test_a_pattern_is_anchored_at_both_ends(name: str) -> None:
    pattern = r"https://github\.com/acme/[^/]+/\.github/workflows/release\.yml@refs/heads/main"
    for written in (pattern, f"^{pattern}$", f"{pattern}|nothing"):
        rule = TrustedIdentity.matching(written, GITHUB)
        assert rule.allows(ACME, GITHUB)
        assert not rule.allows(name, GITHUB)


def test_rules_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="empty"):
        TrustedIdentity.exact("", GITHUB)
    with pytest.raises(UsageError, match="empty"):
        TrustedIdentity.exact(ACME, "")
    with pytest.raises(UsageError, match="not a regular expression"):
        TextRule("(", is_pattern=True)


def certificate(*extensions: x509.ExtensionType) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(minutes=10))
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    made = builder.sign(key, hashes.SHA256())
    return load_certificate(made.public_bytes(serialization.Encoding.DER))


def issuer(oid: x509.ObjectIdentifier, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(oid, value)


SAN = x509.SubjectAlternativeName([x509.RFC822Name("a@b.example")])
GOOD = issuer(V2, b"\x0c\x09https://i")


def test_fulcios_two_ways_to_name_an_issuer() -> None:
    assert str(fulcio_identity(certificate(SAN, GOOD))) == "a@b.example (https://i)"
    assert fulcio_identity(certificate(SAN, issuer(V1, b"https://old"))).issuer == "https://old"
    both = certificate(SAN, issuer(V1, b"https://old"), GOOD)
    assert fulcio_identity(both).issuer == "https://i"
    long = b"https://" + b"i" * 200
    assert (
        fulcio_identity(certificate(SAN, issuer(V2, b"\x0c\x81\xd0" + long))).issuer
        == long.decode()
    )


def test_a_user_name_is_an_identity_too() -> None:
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), b"\x0c\x05alice")
    made = certificate(x509.SubjectAlternativeName([name]), GOOD)
    assert fulcio_identity(made).name == "alice"


@pytest.mark.parametrize(
    "extensions",
    [
        pytest.param([GOOD], id="no name"),
        pytest.param([SAN], id="no issuer"),
        pytest.param([SAN, issuer(V2, b"")], id="an empty extension"),
        pytest.param([SAN, issuer(V2, b"\x0c\x00")], id="an empty issuer"),
        pytest.param([SAN, issuer(V2, b"\x16\x09https://i")], id="another string type"),
        pytest.param([SAN, issuer(V2, b"\x0c\x08https://i")], id="too short a length"),
        pytest.param([SAN, issuer(V2, b"\x0c\x0ahttps://i")], id="too long a length"),
        pytest.param([SAN, issuer(V2, b"\x0c\x81\x09https://i")], id="a long form for nothing"),
        pytest.param([SAN, issuer(V2, b"\x0c\x80https://i")], id="an indefinite length"),
        pytest.param([SAN, issuer(V2, b"\x0c\x01\xff")], id="not UTF-8"),
        pytest.param([SAN, issuer(V2, b"\x0c\x82\x00\x80" + b"i" * 128)], id="a padded length"),
        pytest.param(
            [x509.SubjectAlternativeName([*SAN, x509.RFC822Name("c@d.example")]), GOOD],
            id="two names",
        ),
        pytest.param([x509.SubjectAlternativeName([x509.DNSName("a")]), GOOD], id="a host"),
        pytest.param(
            [
                x509.SubjectAlternativeName(
                    [x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x01a")]
                ),
                GOOD,
            ],
            id="another kind of name",
        ),
        pytest.param(
            [
                x509.SubjectAlternativeName(
                    [x509.UniformResourceIdentifier("https://" + "a" * 5000)]
                ),
                GOOD,
            ],
            id="too long a name",
        ),
    ],
)
def test_certificates_that_do_not_say_who(extensions: list[x509.ExtensionType]) -> None:
    with pytest.raises(VerificationError) as caught:
        fulcio_identity(certificate(*extensions))
    assert caught.value.code == "certificate"
