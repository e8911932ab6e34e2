from __future__ import annotations

import base64
import hashlib
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, rsa

from lading.attest import keys
from lading.errors import SigningKeyError
from support.attest_samples import pair, private, public

if TYPE_CHECKING:
    from pathlib import Path

PKCS8 = serialization.PrivateFormat.PKCS8
SEC1 = serialization.PrivateFormat.TraditionalOpenSSL
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PEM = serialization.Encoding.PEM
OPEN = serialization.NoEncryption()
KINDS: list[keys.KeyKind] = ["p256", "p384", "ed25519"]


def secret(value: bytes | None) -> keys.PasswordSource:
    return lambda: value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("password", [None, b"pa\xc3\x9fword"])
def test_generated_keys_load(kind: keys.KeyKind, password: bytes | None) -> None:
    made = keys.generate(kind, password)
    assert (b"ENCRYPTED" in made.private_pem) == (password is not None)
    loaded = keys.load_private(made.private_pem, secret(password))
    assert keys.public_pem(loaded.public_key()) == made.public_pem
    assert keys.key_id(keys.load_public(made.public_pem)) == keys.key_id(loaded.public_key())


def test_the_name_of_a_key_is_the_digest_of_its_spki() -> None:
    der = base64.b64decode(b"".join(pair().public_pem.splitlines()[1:-1]))
    assert keys.key_id(public()) == f"sha256:{hashlib.sha256(der).hexdigest()}"
    assert base64.b64decode(keys.key_hint(public())) == hashlib.sha256(der).digest()


def test_the_private_half_is_not_printed() -> None:
    assert "PRIVATE" not in repr(pair())


def test_a_password_is_asked_only_when_needed() -> None:
    def ask() -> bytes:
        raise AssertionError("asked")

    assert keys.load_private(pair().private_pem, ask)


def test_passwords_come_from_the_environment_then_from_a_prompt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LADING_KEY_PASSWORD", raising=False)
    assert keys.environment_password()() is None
    assert keys.environment_password(lambda: "typed")() == b"typed"
    monkeypatch.setenv("LADING_KEY_PASSWORD", "ß")
    assert keys.environment_password(lambda: "typed")() == b"\xc3\x9f"
    monkeypatch.setenv("LADING_KEY_PASSWORD", "")
    assert keys.environment_password(lambda: "typed")() == b""


ENCRYPTED = keys.generate("p256", b"right").private_pem
RSA = rsa.generate_private_key(65537, 2048)
P521 = ec.generate_private_key(ec.SECP521R1())
K256 = ec.generate_private_key(ec.SECP256K1())
ED448 = ed448.Ed448PrivateKey.generate()
SSH = private("ssh", "ed25519").private_bytes(PEM, serialization.PrivateFormat.OpenSSH, OPEN)


@pytest.mark.parametrize(
    ("content", "password", "message"),
    [
        pytest.param(ENCRYPTED, b"wrong", "password does not open", id="wrong password"),
        pytest.param(ENCRYPTED, b"", "password does not open", id="empty password"),
        pytest.param(ENCRYPTED, None, "no password", id="no password"),
        pytest.param(b"", None, "not a key in PEM", id="empty"),
        pytest.param(b"hello", None, "not a key in PEM", id="text"),
        pytest.param(b"\x30\x77" + b"\0" * 100, None, "not a key in PEM", id="DER"),
        pytest.param(b"x" * 70_000, None, "too large", id="too large"),
        pytest.param(pair().private_pem * 2, None, "more than one key", id="two keys"),
        pytest.param(pair().public_pem, None, "needs the private key", id="public key"),
        pytest.param(
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            None,
            "needs the private key",
            id="certificate",
        ),
        pytest.param(SSH, None, "OpenSSH", id="OpenSSH"),
        pytest.param(RSA.private_bytes(PEM, PKCS8, OPEN), None, "not supported", id="RSA"),
        pytest.param(RSA.private_bytes(PEM, SEC1, OPEN), None, "not supported", id="RSA PKCS#1"),
        pytest.param(P521.private_bytes(PEM, PKCS8, OPEN), None, "not supported", id="P-521"),
        pytest.param(K256.private_bytes(PEM, SEC1, OPEN), None, "not supported", id="secp256k1"),
        pytest.param(ED448.private_bytes(PEM, PKCS8, OPEN), None, "not supported", id="Ed448"),
        pytest.param(
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            None,
            "does not parse",
            id="garbage inside",
        ),
    ],
)
def test_private_keys_that_cannot_be_used(
    content: bytes, password: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    for source in (path, str(path), content):
        with pytest.raises(SigningKeyError, match=message) as caught:
            keys.load_private(source, secret(password))
        assert caught.value.where == (None if isinstance(source, bytes) else str(path))


def test_unsupported_keys_are_named() -> None:
    with pytest.raises(SigningKeyError) as caught:
        keys.load_private(P521.private_bytes(PEM, PKCS8, OPEN))
    assert "secp521r1" in str(caught.value)
    with pytest.raises(SigningKeyError) as caught:
        keys.load_public(RSA.public_key().public_bytes(PEM, SPKI))
    assert "an RSA key" in str(caught.value)
    assert "P-256, P-384 or Ed25519" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(pair().private_pem, "private key", id="private key"),
        pytest.param(ENCRYPTED, "private key", id="encrypted private key"),
        pytest.param(pair().public_pem * 2, "more than one key", id="two keys"),
        pytest.param(b"", "not a key in PEM", id="empty"),
        pytest.param(
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "does not parse",
            id="garbage inside",
        ),
        pytest.param(
            P521.public_key().public_bytes(PEM, SPKI), "not supported", id="unsupported curve"
        ),
        pytest.param(
            dsa.generate_private_key(1024).public_key().public_bytes(PEM, SPKI),
            "not supported",
            id="DSA",
        ),
    ],
)
def test_public_keys_that_cannot_be_used(content: bytes, message: str) -> None:
    with pytest.raises(SigningKeyError, match=message):
        keys.load_public(content)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for load in (keys.load_private, keys.load_public):
        with pytest.raises(SigningKeyError, match="cannot be read"):
            load(tmp_path / "none")
        with pytest.raises(SigningKeyError, match="cannot be read"):
            load(tmp_path)


def test_keys_that_openssl_makes(tmp_path: Path) -> None:
    """`ecparam -genkey` puts a parameters block in front; `pkcs8` and `ec -aes256` encrypt."""
    path = tmp_path / "key.pem"
    run = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-out", str(path)]
    try:
        subprocess.run(run, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not on PATH")
    plain = keys.load_private(path)
    for command in (["pkcs8", "-topk8", "-v2", "aes-256-cbc"], ["ec", "-aes256"]):
        out = tmp_path / command[0]
        subprocess.run(
            ["openssl", *command, "-in", str(path), "-out", str(out), "-passout", "pass:pw"],
            check=True,
            capture_output=True,
        )
        loaded = keys.load_private(out, secret(b"pw"))
        assert keys.key_id(loaded.public_key()) == keys.key_id(plain.public_key())
        with pytest.raises(SigningKeyError, match="password does not open"):
            keys.load_private(out, secret(b"no"))


def test_writing_never_overwrites_and_never_exposes(tmp_path: Path) -> None:
    private_path, public_path = tmp_path / "lading.key", tmp_path / "lading.pub"
    keys.write_pair(pair(), private_path, public_path)
    assert private_path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SigningKeyError, match="never overwritten"):
        keys.write_pair(pair("bob"), private_path, tmp_path / "other.pub")
    with pytest.raises(SigningKeyError, match="never overwritten"):
        keys.write_pair(pair("bob"), tmp_path / "other.key", public_path)
    assert not (tmp_path / "other.key").exists()
    with pytest.raises(SigningKeyError, match="cannot be written"):
        keys.write_pair(pair(), tmp_path / "none" / "key", tmp_path / "none" / "pub")


def test_an_empty_password_makes_no_key() -> None:
    with pytest.raises(SigningKeyError, match="empty"):
        keys.generate("p256", b"")
