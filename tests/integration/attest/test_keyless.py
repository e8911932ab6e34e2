"""Keyless signing and verification against a whole local Sigstore."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import load_der_x509_certificate

import parts
from lading.attest import trust
from lading.attest.bundle import parse_bundle
from lading.attest.identities import TrustedIdentity
from lading.attest.signers.keyless import KeylessSigner
from lading.attest.verifiers.keyless import KeylessVerifier
from lading.attest.verify import Candidate, verify_attestations
from support.attest_keyless import BUILDER, MATERIAL, code, refusal, sign, token, verifier
from support.attest_samples import IMAGE, OTHER_IMAGE, edited, statement
from support.cosign import Cosign

if TYPE_CHECKING:
    from local_sigstore.local import LocalSigstore

pytestmark = pytest.mark.interop


def test_what_is_signed_verifies(local: LocalSigstore, good: bytes) -> None:
    verified = verifier(local).verify(good)
    assert verified.payload == statement()
    assert str(verified.signer) == f"{BUILDER} ({local.issuer.url})"
    assert verified.time is not None
    assert abs(verified.time - datetime.now(UTC)) < timedelta(minutes=2)
    assert verified.log_index is not None
    assert parse_bundle(good).to_bytes() == good


def test_the_certificate_is_in_the_certificate_log(local: LocalSigstore, good: bytes) -> None:
    """TesseraCT answers once a certificate is in; its files are c2sp.org/static-ct-api's."""
    if not local.ct_log.real:
        parts.require("tesseract")
    certificate = load_der_x509_certificate(parse_bundle(good).certificate or b"")
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    log = local.directory / "ct"
    origin, size, *_ = (log / "checkpoint").read_text().splitlines()
    entries = b"".join(
        one.read_bytes() for one in (log / "tile" / "data").rglob("*") if one.is_file()
    )
    assert (origin, int(size) > 0, spki in entries) == ("ct.local.example", True, True)


def test_what_will_be_published_is_known_before_signing(local: LocalSigstore) -> None:
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    announced = KeylessSigner(config, token(local))
    assert verifier(local).verify(announced.sign(statement())).signer == announced.identity
    assert "eyJ" not in repr(token(local))


def test_a_trusted_root_is_found_in_a_client_trust_config_too(
    local: LocalSigstore, good: bytes
) -> None:
    root = trust.trusted_root(local.write("both.json", local.trust_config()))
    rule = TrustedIdentity.exact(BUILDER, local.issuer.url)
    assert KeylessVerifier(root, [rule]).verify(good).payload == statement()


def test_the_state_machine_takes_the_trusted_time(local: LocalSigstore, good: bytes) -> None:
    evidence = verify_attestations(
        [Candidate("s", lambda: good)],
        verifier=verifier(local),
        subject_digests=frozenset({IMAGE}),
        predicate_type=None,
        now=datetime.now(UTC),
        max_age=timedelta(minutes=5),
    )
    assert evidence.time is not None


def test_verifying_opens_no_connection(
    local: LocalSigstore, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = verifier(local)

    def refuse(*_: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert judge.verify(good).payload == statement()


# --- cosign and sigstore-python as judges ------------------------------------------------------


def test_cosign_accepts_what_we_sign(local: LocalSigstore, good: bytes) -> None:
    (local.directory / "good.json").write_bytes(good)
    root = local.write("root.json", local.trusted_root())

    def judged(identity: str) -> tuple[int, str]:
        done = Cosign(local.directory).run(
            *("verify-blob-attestation", "--bundle=good.json", f"--trusted-root={root}"),
            *(f"--certificate-identity={identity}", "--type=cyclonedx"),
            *(f"--certificate-oidc-issuer={local.issuer.url}", "--digestAlg=sha256"),
            f"--digest={IMAGE.removeprefix('sha256:')}",
        )
        return done.returncode, done.stderr

    status, said = judged(BUILDER)
    assert status == 0, said
    status, said = judged("other@example.com")
    assert (status, "expected SAN value" in said) == (1, True), said


def test_we_accept_what_cosign_signs(local: LocalSigstore) -> None:
    (local.directory / "statement.json").write_bytes(statement())
    config = local.write("signing.json", local.signing_config())
    root = local.write("root.json", local.trusted_root())
    done = Cosign(local.directory).run(
        *("attest-blob", "--statement=statement.json", "--bundle=cosign.json", "--yes"),
        *(f"--signing-config={config}", f"--trusted-root={root}"),
        f"--identity-token={local.issuer.token()}",
    )
    assert done.returncode == 0, done.stderr
    bundle = (local.directory / "cosign.json").read_bytes()
    assert verifier(local).verify(bundle).payload == statement()


def test_sigstore_python_accepts_what_we_sign(local: LocalSigstore, good: bytes) -> None:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    root = trust.trusted_root(local.write("root.json", local.trusted_root()))
    policy = Identity(identity=BUILDER, issuer=local.issuer.url)
    kind, payload = Verifier(trusted_root=root).verify_dsse(Bundle.from_json(good), policy)
    assert (kind, payload) == ("application/vnd.in-toto+json", statement())


def test_we_accept_what_sigstore_python_signs(local: LocalSigstore) -> None:
    """Its own client throughout: the services that it chooses, its statement, its bundle."""
    from sigstore.dsse import StatementBuilder, Subject
    from sigstore.oidc import IdentityToken as SigstoreToken
    from sigstore.sign import SigningContext

    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    image = Subject(name="image", digest={"sha256": IMAGE.removeprefix("sha256:")})
    made = StatementBuilder([image], "https://cyclonedx.org/bom", {"bomFormat": "CycloneDX"})
    with SigningContext.from_trust_config(config).signer(
        SigstoreToken(local.issuer.token())
    ) as theirs:
        bundle = theirs.sign_dsse(made.build()).to_json().encode()

    verified = verifier(local).verify(bundle)
    assert str(verified.signer) == f"{BUILDER} ({local.issuer.url})"
    assert (verified.time is not None, verified.log_index is not None) == (True, True)
    found = verify_attestations(
        [Candidate("theirs", lambda: bundle)],
        verifier=verifier(local),
        subject_digests=frozenset({IMAGE}),
        predicate_type="https://cyclonedx.org/bom",
        now=datetime.now(UTC),
    )
    assert found.statement.predicate == {"bomFormat": "CycloneDX"}

    stranger = TrustedIdentity.exact("other@example.com", local.issuer.url)
    assert refusal(local, bundle, stranger).code == "identity"
    other = json.loads(sign(local, statement(OTHER_IMAGE)))[MATERIAL]["tlogEntries"]
    moved = edited(bundle, lambda d: d[MATERIAL].update(tlogEntries=other))
    assert code(local, moved) == "log"
