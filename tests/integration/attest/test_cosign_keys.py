"""cosign as the judge of key signatures, both ways, and of its own encrypted key files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.attest import keys
from lading.attest.signers.key import KeySigner
from lading.attest.statement import parse_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import SigningKeyError, VerificationError
from support.attest_samples import pair, private, public
from support.cosign import BLOB_SHA256, PASSWORD, Cosign, about_the_blob

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop


@pytest.fixture
def cosign(tmp_path: Path) -> Cosign:
    return Cosign(tmp_path)


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_cosign_accepts_what_we_sign(cosign: Cosign, kind: keys.KeyKind) -> None:
    bundle = KeySigner(private("alice", kind)).sign(about_the_blob())
    done = cosign.verify(bundle, pair("alice", kind).public_pem)
    assert done.returncode == 0, done.stderr
    assert "Verified OK" in done.stderr


def test_cosign_refuses_what_we_refuse(cosign: Cosign) -> None:
    bundle = KeySigner(private()).sign(about_the_blob())
    assert cosign.verify(bundle, pair("mallory").public_pem).returncode != 0
    other = KeySigner(private()).sign(about_the_blob("0" * 64))
    assert cosign.verify(other, pair().public_pem).returncode != 0
    assert cosign.verify(bundle[:-2] + b',"x":1}}', pair().public_pem).returncode != 0


@pytest.mark.parametrize("kind", ["p256", "p384"])
def test_we_accept_what_cosign_signs(cosign: Cosign, kind: keys.KeyKind) -> None:
    (cosign.home / "plain.pem").write_bytes(pair("alice", kind).private_pem)
    done = cosign.run("import-key-pair", "--key", "plain.pem", "--output-key-prefix", "imported")
    assert done.returncode == 0, done.stderr
    bundle = cosign.attest("imported.key")
    verified = KeyVerifier([public("alice", kind)]).verify(bundle)
    assert parse_statement(verified.payload).sha256 == {f"sha256:{BLOB_SHA256}"}
    with pytest.raises(VerificationError):
        KeyVerifier([public("mallory", kind)]).verify(bundle)


@pytest.mark.parametrize("kind", ["p384", "ed25519"])
def test_cosign_cannot_verify_its_own_signatures_with_these_keys(
    cosign: Cosign, kind: keys.KeyKind
) -> None:
    """cosign 3.1 signs P-384 over SHA-384 and Ed25519 prehashed, and verifies neither with --key.

    So P-256 is the default. When this fails, cosign has learnt it: then there is more to agree on.
    """
    (cosign.home / "plain.pem").write_bytes(pair("alice", kind).private_pem)
    cosign.run("import-key-pair", "--key", "plain.pem", "--output-key-prefix", "imported")
    bundle = cosign.attest("imported.key")
    assert cosign.verify(bundle, pair("alice", kind).public_pem).returncode != 0


def test_cosigns_encrypted_keys_sign_here(cosign: Cosign) -> None:
    pytest.importorskip("nacl")
    done = cosign.run("generate-key-pair")
    assert done.returncode == 0, done.stderr
    path = cosign.home / "cosign.key"
    key = keys.load_private(path, lambda: PASSWORD)
    assert keys.public_pem(key.public_key()) == (cosign.home / "cosign.pub").read_bytes()
    done = cosign.verify(
        KeySigner(key).sign(about_the_blob()), (cosign.home / "cosign.pub").read_bytes()
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(SigningKeyError, match="password does not open"):
        keys.load_private(path, lambda: b"wrong")
    with pytest.raises(SigningKeyError, match="no password"):
        keys.load_private(path)
