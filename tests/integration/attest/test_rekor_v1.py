"""What no log of Rekor's first version would promise: entries made with a log's key, refused.

``test_rekor_v1_signing.py`` has the log itself.
"""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import parts
from lading.attest import trust
from lading.attest.bundle import Bundle
from lading.attest.dsse import PAYLOAD_TYPE, Envelope, pae
from lading.attest.identities import TrustedIdentity
from lading.attest.verifiers.keyless import KeylessVerifier
from lading.errors import VerificationError
from local_sigstore.made_rekor_v1 import MadeRekorV1, b64
from support.attest_forge import DER, Flaws, certified, timestamp
from support.attest_samples import IMAGE, OTHER_IMAGE, edited, statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_sigstore.local import LocalSigstore

pytestmark = pytest.mark.interop

BUILDER = "builder@example.com"


@pytest.fixture(scope="module")
def log() -> MadeRekorV1:
    return MadeRekorV1()


def signed(
    local: LocalSigstore,
    log: MadeRekorV1,
    *,
    logged: bytes | None = None,
    time: datetime | None = None,
    stamped: bool = False,
    earlier: int = 0,
) -> bytes:
    """Return a bundle over the sample statement; ``logged`` is what its entry is of instead."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certified(local, key, Flaws())

    def enveloped(content: bytes) -> Envelope:
        signature = key.sign(pae(PAYLOAD_TYPE, content), ec.ECDSA(hashes.SHA256()))
        return Envelope(content, PAYLOAD_TYPE, signature)

    envelope = enveloped(statement())
    entry = log.entry(
        enveloped(logged) if logged else envelope, certificate, time=time, earlier=earlier
    )
    return Bundle(
        envelope,
        certificate=certificate.public_bytes(DER),
        log_entries=(entry,),
        timestamps=(timestamp(local, envelope.signature),) if stamped else (),
    ).to_bytes()


def verify(
    local: LocalSigstore, log: MadeRekorV1, bundle: bytes, *, index: int = 0
) -> datetime | None:
    root = trust.trusted_root(local.write("root-v1.json", log.trusted_root(local)))
    rules = [TrustedIdentity.exact(BUILDER, local.issuer.url)]
    verified = KeylessVerifier(root, rules).verify(bundle)
    assert verified.payload == statement()
    assert verified.log_index == index
    return verified.time


def code(local: LocalSigstore, log: MadeRekorV1, bundle: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        verify(local, log, bundle)
    return caught.value.code


def test_the_promise_is_the_trusted_time(local: LocalSigstore, log: MadeRekorV1) -> None:
    time = verify(local, log, signed(local, log))

    assert time is not None
    assert abs(time - datetime.now(UTC)) < timedelta(minutes=2)


def test_the_promise_covers_the_position_over_all_trees(
    local: LocalSigstore, log: MadeRekorV1
) -> None:
    """A log of many entries was begun anew: its proof counts from there, its promise does not."""
    bundle = signed(local, log, earlier=424242)
    verify(local, log, bundle, index=424242)
    moved = edited(bundle, lambda d: _entry(d).update(logIndex="424241"))
    assert code(local, log, moved) == "log"


@pytest.mark.parametrize("later", [-40, 400], ids=["the promise's", "the timestamp's"])
def test_the_earliest_trusted_time_counts(
    local: LocalSigstore, log: MadeRekorV1, later: int
) -> None:
    now = datetime.now(UTC)
    promised = now + timedelta(seconds=later)

    time = verify(local, log, signed(local, log, time=promised, stamped=True))

    assert time is not None
    assert abs(time - min(now, promised)) < timedelta(seconds=20)


def test_cosign_accepts_what_we_do(local: LocalSigstore, log: MadeRekorV1) -> None:
    """So that it is Rekor's entry that the tests make, and not one of their own."""
    directory = local.directory
    root = local.write("root-v1.json", log.trusted_root(local))

    def judged(content: bytes) -> int:
        (directory / "v1.json").write_bytes(content)
        command = [str(parts.require("cosign")), "verify-blob-attestation", "--bundle=v1.json"]
        command += [f"--trusted-root={root}", f"--certificate-identity={BUILDER}"]
        command += [f"--certificate-oidc-issuer={local.issuer.url}", "--type=cyclonedx"]
        command += ["--digestAlg=sha256", f"--digest={IMAGE.removeprefix('sha256:')}"]
        environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
        return subprocess.run(
            command, env=environment, cwd=directory, capture_output=True, timeout=60
        ).returncode

    good = signed(local, log)
    moved = edited(good, lambda d: _entry(d).update(integratedTime="1"))
    assert (judged(good), judged(moved) != 0) == (0, True)


def test_promised_outside_the_certificates_validity(local: LocalSigstore, log: MadeRekorV1) -> None:
    for hours in (-1, 1):
        time = datetime.now(UTC) + timedelta(hours=hours)
        assert code(local, log, signed(local, log, time=time)) == "certificate"


def test_log_entry_of_another_envelope(local: LocalSigstore, log: MadeRekorV1) -> None:
    assert code(local, log, signed(local, log, logged=statement(OTHER_IMAGE))) == "log"


def test_log_of_somebody_else(local: LocalSigstore, log: MadeRekorV1) -> None:
    assert code(local, log, signed(local, MadeRekorV1())) == "log"


def _entry(document: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = document["verificationMaterial"]["tlogEntries"][0]
    return entry


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda e: e.update(integratedTime=str(int(e["integratedTime"]) + 1)), "log"),
        (lambda e: e["inclusionPromise"].update(signedEntryTimestamp=b64(b"\x30\x00")), "log"),
        (lambda e: e["inclusionProof"].update(rootHash=b64(bytes(32))), "log"),
        (lambda e: e.pop("inclusionPromise"), "timestamp"),
    ],
    ids=["another time", "another promise", "another root", "no promise"],
)
def test_promise_or_proof_changed(
    local: LocalSigstore, log: MadeRekorV1, change: Callable[[dict[str, Any]], object], wanted: str
) -> None:
    changed = edited(signed(local, log), lambda document: change(_entry(document)))

    assert code(local, log, changed) == wanted
