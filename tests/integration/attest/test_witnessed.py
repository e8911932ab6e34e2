"""Timestamps and log entries for key and certificate signatures, from the local Sigstore."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import parts
from lading.attest import keys, trust
from lading.attest.bundle import parse_bundle
from lading.attest.dsse import encode_base64
from lading.attest.identities import TextRule
from lading.attest.signers.certificate import CertificateSigner
from lading.attest.signers.key import KeySigner
from lading.attest.signers.witnessed import WitnessedSigner
from lading.attest.verifiers.certificate import CertificateVerifier
from lading.attest.verifiers.key import KeyVerifier
from lading.attest.verifiers.witnessed import WitnessedVerifier
from lading.errors import InputError, VerificationError
from support.attest_forge import Flaws, certified, timestamp
from support.attest_samples import (
    IMAGE,
    OTHER_IMAGE,
    edited,
    pair,
    private,
    public,
    statement,
)

if TYPE_CHECKING:
    from local_sigstore.local import LocalSigstore

pytestmark = pytest.mark.interop

MATERIAL = "verificationMaterial"


def sign(
    local: LocalSigstore,
    content: bytes | None = None,
    *,
    kind: keys.KeyKind = "p256",
    log: bool = True,
    timestamp: bool = True,
) -> bytes:
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    witnessed = WitnessedSigner(
        *(KeySigner(private("alice", kind), deterministic=False), public("alice", kind), config),
        log=log,
        timestamp=timestamp,
    )
    return witnessed.sign(content or statement())


def verifier(
    local: LocalSigstore, *, kind: keys.KeyKind = "p256", log: bool = True, timestamp: bool = True
) -> WitnessedVerifier:
    root = trust.trusted_root(local.write("root.json", local.trusted_root()))
    return WitnessedVerifier([public("alice", kind)], root, log=log, timestamp=timestamp)


def code(local: LocalSigstore, bundle: bytes, **options: bool) -> str:
    with pytest.raises(VerificationError) as caught:
        verifier(local, **options).verify(bundle)
    return caught.value.code


@pytest.fixture(scope="module")
def good(local: LocalSigstore) -> bytes:
    return sign(local)


def test_both_witnesses(local: LocalSigstore, good: bytes) -> None:
    verified = verifier(local).verify(good)
    assert verified.payload == statement()
    assert verified.time is not None
    assert abs(verified.time - datetime.now(UTC)) < timedelta(minutes=2)
    assert verified.log_index is not None
    bare = KeyVerifier([public()]).verify(good)
    assert (bare.signer, bare.time, bare.log_index) == (verified.signer, None, None)


def test_p384(local: LocalSigstore) -> None:
    assert verifier(local, kind="p384").verify(sign(local, kind="p384")).log_index is not None


def test_the_log_takes_no_ed25519(local: LocalSigstore) -> None:
    with pytest.raises(InputError, match="Ed25519"):
        sign(local, kind="ed25519")
    stamped = sign(local, kind="ed25519", log=False)
    assert verifier(local, kind="ed25519", log=False).verify(stamped).time is not None


def test_cosign_accepts_a_logged_key_signature_without_being_told_to_ignore_the_log(
    local: LocalSigstore, good: bytes
) -> None:
    home = local.directory
    (home / "key.json").write_bytes(good)
    (home / "alice.pub").write_bytes(pair().public_pem)
    root = local.write("root.json", local.trusted_root())
    command = [str(parts.require("cosign")), "verify-blob-attestation", "--bundle=key.json"]
    command += ["--key=alice.pub", f"--trusted-root={root}", "--type=cyclonedx"]
    command += ["--digestAlg=sha256", f"--digest={IMAGE.removeprefix('sha256:')}"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TUF_ROOT": str(home / "tuf")}
    done = subprocess.run(
        [*command, "--use-signed-timestamps"],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr


def test_a_log_that_takes_no_keys_is_told_before_anything_is_signed(local: LocalSigstore) -> None:
    document = local.trust_config()
    document["signingConfig"]["rekorTlogUrls"][0]["majorApiVersion"] = 1
    config = trust.client_trust_config(local.write("v1.json", document))
    with pytest.raises(InputError, match="takes no signatures by keys"):
        WitnessedSigner(KeySigner(private()), public(), config, log=True, timestamp=False)
    document["signingConfig"]["tsaUrls"] = []
    config = trust.client_trust_config(local.write("v1.json", document))
    with pytest.raises(InputError, match="no timestamp authority"):
        WitnessedSigner(KeySigner(private()), public(), config, log=False, timestamp=True)


@pytest.mark.parametrize(
    ("log", "stamp", "wanted"), [(True, False, "timestamp"), (False, True, "log")]
)
def test_a_witness_that_is_missing(
    local: LocalSigstore, log: bool, stamp: bool, wanted: str
) -> None:
    bundle = sign(local, log=log, timestamp=stamp)
    assert code(local, bundle) == wanted
    assert verifier(local, log=log, timestamp=stamp).verify(bundle)


def test_log_entry_of_another_envelope(local: LocalSigstore, good: bytes) -> None:
    other = parse_bundle(sign(local, statement(OTHER_IMAGE)))
    swapped = dataclasses.replace(parse_bundle(good), log_entries=other.log_entries).to_bytes()
    assert code(local, swapped) == "log"
    assert code(local, swapped, log=False) == "log"


def test_log_entry_twice(local: LocalSigstore, good: bytes) -> None:
    parsed = parse_bundle(good)
    twice = dataclasses.replace(parsed, log_entries=parsed.log_entries * 2)
    for log in (True, False):
        with pytest.raises(VerificationError, match="exactly one transparency log entry") as caught:
            verifier(local, log=log, timestamp=True).verify(twice.to_bytes())
        assert (caught.value.code, caught.value.got) == ("log", "2")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rootHash", encode_base64(b"\x01" * 32)),
        ("treeSize", "99999"),
        ("logIndex", "-1"),
        ("hashes", [encode_base64(b"\x01" * 32)] * 3),
        ("checkpoint", {"envelope": "rekor-local\n1\nAAAA\n\n— rekor-local AAAAAAAA\n"}),
        ("checkpoint", {}),
    ],
)
def test_inclusion_proof_changed(
    local: LocalSigstore, good: bytes, field: str, value: object
) -> None:
    def change(document: dict[str, Any]) -> None:
        document[MATERIAL]["tlogEntries"][0]["inclusionProof"][field] = value

    assert code(local, edited(good, change)) == "log"


def test_timestamp_of_another_signature(local: LocalSigstore, good: bytes) -> None:
    stamps = (timestamp(local, b"another signature"),)
    changed = dataclasses.replace(parse_bundle(good), timestamps=stamps).to_bytes()
    assert code(local, changed) == "timestamp"
    assert code(local, changed, timestamp=False) == "timestamp"


def test_the_earliest_of_several_timestamps_counts(local: LocalSigstore, good: bytes) -> None:
    """A later one is no younger proof, and a foreign one beside them is none."""
    parsed = parse_bundle(good)
    first = verifier(local).verify(good).time
    time.sleep(1.1)  # an authority's times are whole seconds
    later = timestamp(local, parsed.envelope.signature)
    foreign = timestamp(local, b"another signature")
    for stamps in ((later, foreign, *parsed.timestamps), (*parsed.timestamps, later)):
        both = dataclasses.replace(parsed, timestamps=stamps).to_bytes()
        assert verifier(local).verify(both).time == first
    alone = dataclasses.replace(parsed, timestamps=(later,)).to_bytes()
    assert verifier(local).verify(alone).time != first


def test_witnesses_do_not_make_good_what_the_key_does_not(
    local: LocalSigstore, good: bytes
) -> None:
    root = trust.trusted_root(local.write("root.json", local.trusted_root()))
    with pytest.raises(VerificationError) as caught:
        WitnessedVerifier([public("bob")], root, log=True, timestamp=True).verify(good)
    assert caught.value.code == "signer"


# --- certificates of an organisation's own -----------------------------------------------------


def test_expired_certificate_with_a_timestamp(local: LocalSigstore) -> None:
    """It held when it signed, says the timestamp authority; without the timestamp it is expired."""
    key = private("leaf")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = certified(local, key, Flaws(with_sct=False))
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    inner = CertificateSigner(KeySigner(key), key.public_key(), certificate)
    bundle = WitnessedSigner(inner, key.public_key(), config, log=False, timestamp=True).sign(
        statement()
    )

    def judge(authorities: list[Any]) -> CertificateVerifier:
        return CertificateVerifier(
            [local.ca_certificate],
            [TextRule("builder@example.com")],
            authorities=authorities,
            now=lambda: datetime.now(UTC) + timedelta(days=300),
        )

    verified = judge([local.tsa_chain]).verify(bundle)
    assert verified.time is not None
    with pytest.raises(VerificationError) as caught:
        judge([]).verify(bundle)
    assert caught.value.code == "certificate"
    bare = dataclasses.replace(parse_bundle(bundle), timestamps=()).to_bytes()
    with pytest.raises(VerificationError) as caught:
        judge([local.tsa_chain]).verify(bare)
    assert "timestamp" in (caught.value.hint or "")
