"""cosign as the judge of key signatures, both ways, and of its own encrypted key files."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading.attest import keys
from lading.attest.signers.key import KeySigner
from lading.attest.statement import Subject, build_statement, parse_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import SigningKeyError, VerificationError
from support.attest_samples import pair, private, public

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

BLOB = b"the bytes that are attested"
HEX = hashlib.sha256(BLOB).hexdigest()
PASSWORD = b"correct horse"
# A signing configuration that names no services: nothing is sent anywhere.
NO_SERVICES = {
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {},
}


class Cosign:
    """The real program in a private home, so that it finds and keeps nothing of this user's."""

    def __init__(self, home: Path) -> None:
        self.program = parts.require("cosign")
        self.home = home
        (home / "blob").write_bytes(BLOB)
        (home / "predicate.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6"}')
        (home / "services.json").write_text(json.dumps(NO_SERVICES))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TUF_ROOT": str(self.home / "tuf"),
            "COSIGN_PASSWORD": PASSWORD.decode(),
        }
        return subprocess.run(
            [str(self.program), *arguments],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=180,
        )

    def verify(self, bundle: bytes, public_pem: bytes, *more: str) -> Any:
        (self.home / "bundle.json").write_bytes(bundle)
        (self.home / "key.pub").write_bytes(public_pem)
        command = ["verify-blob-attestation", "--key", "key.pub", "--bundle", "bundle.json"]
        options = ["--insecure-ignore-tlog", "--type", "cyclonedx", *more]
        return self.run(*command, *options, "blob")

    def attest(self, key: str) -> bytes:
        done = self.run(
            *("attest-blob", "--key", key, "--type", "cyclonedx", "--predicate", "predicate.json"),
            *("--signing-config", "services.json", "--bundle", "out.json", "--yes", "blob"),
        )
        assert done.returncode == 0, done.stderr
        return (self.home / "out.json").read_bytes()


@pytest.fixture
def cosign(tmp_path: Path) -> Cosign:
    return Cosign(tmp_path)


def statement(hexadecimal: str = HEX) -> bytes:
    subject = Subject("blob", {"sha256": hexadecimal})
    return build_statement([subject], "https://cyclonedx.org/bom", {"bomFormat": "CycloneDX"})


@pytest.mark.parametrize("kind", ["p256", "ed25519"])
def test_cosign_accepts_what_we_sign(cosign: Cosign, kind: keys.KeyKind) -> None:
    bundle = KeySigner(private("alice", kind)).sign(statement())
    done = cosign.verify(bundle, pair("alice", kind).public_pem)
    assert done.returncode == 0, done.stderr
    assert "Verified OK" in done.stderr


def test_cosign_refuses_what_we_refuse(cosign: Cosign) -> None:
    bundle = KeySigner(private()).sign(statement())
    assert cosign.verify(bundle, pair("mallory").public_pem).returncode != 0
    other = KeySigner(private()).sign(statement("0" * 64))
    assert cosign.verify(other, pair().public_pem).returncode != 0
    assert cosign.verify(bundle[:-2] + b',"x":1}}', pair().public_pem).returncode != 0


@pytest.mark.parametrize("kind", ["p256", "p384"])
def test_we_accept_what_cosign_signs(cosign: Cosign, kind: keys.KeyKind) -> None:
    (cosign.home / "plain.pem").write_bytes(pair("alice", kind).private_pem)
    done = cosign.run("import-key-pair", "--key", "plain.pem", "--output-key-prefix", "imported")
    assert done.returncode == 0, done.stderr
    bundle = cosign.attest("imported.key")
    verified = KeyVerifier([public("alice", kind)]).verify(bundle)
    assert parse_statement(verified.payload).sha256 == {f"sha256:{HEX}"}
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
        KeySigner(key).sign(statement()), (cosign.home / "cosign.pub").read_bytes()
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(SigningKeyError, match="password does not open"):
        keys.load_private(path, lambda: b"wrong")
    with pytest.raises(SigningKeyError, match="no password"):
        keys.load_private(path)
