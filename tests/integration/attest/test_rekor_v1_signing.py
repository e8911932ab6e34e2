"""Keyless signing into a real log of Rekor's first version, and what others say of the result."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest import trust
from lading.attest.bundle import parse_bundle
from lading.attest.dsse import encode_base64
from lading.attest.identities import TrustedIdentity
from lading.attest.signers.keyless import KeylessSigner
from lading.attest.tokens import read_token
from lading.attest.verifiers.keyless import KeylessVerifier
from lading.errors import RegistryError, VerificationError
from lading_oci import open_registry, parse_reference
from local_sigstore.rekor_v1 import running_rekor_v1
from support.attest_samples import IMAGE, OTHER_IMAGE, edited, statement
from support.cosign import Cosign
from support.oci_images import make_image, push_image
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading.attest.interface import Verified
    from local_sigstore.local import LocalSigstore
    from local_sigstore.rekor_v1 import RekorV1
    from support.registries import Registry

pytestmark = pytest.mark.interop

BUILDER = "builder@example.com"


@pytest.fixture(scope="module")
def log(local: LocalSigstore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RekorV1]:
    with running_rekor_v1(tmp_path_factory.mktemp("rekor-v1")) as running:
        yield running


def sign(
    local: LocalSigstore, log: RekorV1, content: bytes | None = None, *, stamped: bool = False
) -> bytes:
    document = log.trust_config(local, stamped=stamped)
    config = trust.client_trust_config(local.write("config-v1.json", document))
    token = read_token(local.issuer.token(), now=datetime.now(UTC))
    return KeylessSigner(config, token).sign(content or statement())


def verify(local: LocalSigstore, log: RekorV1, bundle: bytes) -> Verified:
    root = trust.trusted_root(local.write("root-v1.json", log.trusted_root(local)))
    return KeylessVerifier(root, [TrustedIdentity.exact(BUILDER, local.issuer.url)]).verify(bundle)


@pytest.fixture(scope="module")
def good(local: LocalSigstore, log: RekorV1) -> bytes:
    sign(local, log)  # so that an inclusion proof has hashes
    return sign(local, log)


def entry(bundle: bytes) -> dict[str, Any]:
    (one,) = parse_bundle(bundle).log_entries
    return one


# --- what is signed ----------------------------------------------------------------------------


def test_the_logs_promise_is_the_trusted_time(
    local: LocalSigstore, log: RekorV1, good: bytes
) -> None:
    verified = verify(local, log, good)

    assert verified.payload == statement()
    assert verified.time == datetime.fromtimestamp(int(entry(good)["integratedTime"]), UTC)
    assert abs(verified.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert entry(good)["inclusionPromise"]["signedEntryTimestamp"]
    assert entry(good)["inclusionProof"]["hashes"]
    assert parse_bundle(good).timestamps == ()


def test_the_log_has_what_the_bundle_says(log: RekorV1, good: bytes) -> None:
    index = entry(good)["logIndex"]
    with urllib.request.urlopen(f"{log.url}/api/v1/log/entries?logIndex={index}", timeout=5) as got:
        (kept,) = json.load(got).values()

    assert kept["body"] == entry(good)["canonicalizedBody"]
    body = json.loads(base64.b64decode(kept["body"]))
    assert (body["kind"], body["apiVersion"]) == ("dsse", "0.0.1")
    assert body["spec"]["payloadHash"]["value"] == hashlib.sha256(statement()).hexdigest()


def test_a_timestamp_beside_the_promise(local: LocalSigstore, log: RekorV1) -> None:
    both = sign(local, log, stamped=True)

    assert len(parse_bundle(both).timestamps) == 1
    assert verify(local, log, both).payload == statement()


def test_nothing_reaches_the_log_when_the_timestamp_authority_fails(
    local: LocalSigstore, log: RekorV1
) -> None:
    def size() -> int:
        with urllib.request.urlopen(f"{log.url}/api/v1/log", timeout=5) as got:
            return int(json.load(got)["treeSize"])

    before = size()
    document = log.trust_config(local, stamped=True)
    document["signingConfig"]["tsaUrls"][0]["url"] = "http://127.0.0.1:9/tsa"
    config = trust.client_trust_config(local.write("config-v1.json", document))
    token = read_token(local.issuer.token(), now=datetime.now(UTC))
    with pytest.raises(RegistryError, match="timestamp authority"):
        KeylessSigner(config, token).sign(statement())
    assert size() == before


def test_the_logs_own_words_when_it_refuses(local: LocalSigstore, tmp_path: Path) -> None:
    with (
        running_rekor_v1(tmp_path, "--enabled_entry_types=hashedrekord") as refusing,
        pytest.raises(RegistryError, match="the transparency log refused the entry") as caught,
    ):
        sign(local, refusing)
    assert "entry kind 'dsse' is not enabled" in str(caught.value.got)


def test_attest_and_verify(
    local: LocalSigstore, log: RekorV1, registry_referrers: Registry, tmp_path: Path
) -> None:
    image = f"{registry_referrers.host}/rekor-v1:1"
    push_image(
        open_registry(parse_reference(image)), make_image(image, layer=bytes(10240)), tag="1"
    )
    lading = Lading(
        tmp_path,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LADING_IDENTITY_TOKEN": local.issuer.token(),
        },
    )
    config = local.write("config-v1.json", log.trust_config(local))
    root = local.write("root-v1.json", log.trusted_root(local))

    lading.ok("attest", f"registry:{image}", "--keyless", f"--trust-config={config}")
    words = (f"--issuer={local.issuer.url}", f"--trusted-root={root}", "--json")
    yes = lading.ok("verify", f"registry:{image}", f"--identity={BUILDER}", *words).json()
    no = lading("verify", f"registry:{image}", "--identity=other@example.com", *words)

    assert all(BUILDER in one["signer"] for one in yes["attestations"])
    assert (no.status, no.json()["error"]["code"]) == (10, "identity")


# --- cosign and sigstore-python as judges ------------------------------------------------------


def test_cosign_accepts_what_we_sign(local: LocalSigstore, log: RekorV1, good: bytes) -> None:
    root = local.write("root-v1.json", log.trusted_root(local))
    for name, bundle, accepted in (
        ("good", good, True),
        ("moved", edited(good, lambda d: _entry(d).update(integratedTime="1")), False),
    ):
        (local.directory / f"{name}-v1.json").write_bytes(bundle)
        judged = Cosign(local.directory).run(
            *("verify-blob-attestation", f"--bundle={name}-v1.json", f"--trusted-root={root}"),
            *(f"--certificate-identity={BUILDER}", "--type=cyclonedx", "--digestAlg=sha256"),
            f"--certificate-oidc-issuer={local.issuer.url}",
            f"--digest={IMAGE.removeprefix('sha256:')}",
        )
        assert (judged.returncode == 0) is accepted, judged.stderr


def test_sigstore_python_accepts_what_we_sign(
    local: LocalSigstore, log: RekorV1, good: bytes
) -> None:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import Identity

    root = trust.trusted_root(local.write("root-v1.json", log.trusted_root(local)))
    policy = Identity(identity=BUILDER, issuer=local.issuer.url)
    kind, payload = Verifier(trusted_root=root).verify_dsse(Bundle.from_json(good), policy)
    assert (kind, payload) == ("application/vnd.in-toto+json", statement())


def test_we_accept_what_cosign_signs(local: LocalSigstore, log: RekorV1) -> None:
    (local.directory / "statement.json").write_bytes(statement())
    services = local.write("services-v1.json", log.trust_config(local)["signingConfig"])
    root = local.write("root-v1.json", log.trusted_root(local))
    done = Cosign(local.directory).run(
        *("attest-blob", "--statement=statement.json", "--bundle=cosign-v1.json", "--yes"),
        *(f"--signing-config={services}", f"--trusted-root={root}"),
        f"--identity-token={local.issuer.token()}",
    )
    assert done.returncode == 0, done.stderr
    bundle = (local.directory / "cosign-v1.json").read_bytes()
    assert verify(local, log, bundle).payload == statement()
    assert entry(bundle)["kindVersion"] == {"kind": "dsse", "version": "0.0.1"}


def test_we_accept_what_sigstore_python_signs(local: LocalSigstore, log: RekorV1) -> None:
    from sigstore.dsse import Statement
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext

    document = log.trust_config(local)
    config = trust.client_trust_config(local.write("config-v1.json", document))
    context = SigningContext.from_trust_config(config)
    with context.signer(IdentityToken(local.issuer.token())) as theirs:
        bundle = theirs.sign_dsse(Statement(statement())).to_json().encode()
    assert verify(local, log, bundle).payload == statement()


# --- attacks on entries that this log made -----------------------------------------------------


def _entry(document: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = document["verificationMaterial"]["tlogEntries"][0]
    return one


def code(local: LocalSigstore, log: RekorV1, bundle: bytes) -> str:
    with pytest.raises(VerificationError) as caught:
        verify(local, log, bundle)
    return caught.value.code


def test_log_entry_of_another_envelope(local: LocalSigstore, log: RekorV1, good: bytes) -> None:
    other = entry(sign(local, log, statement(OTHER_IMAGE)))
    moved = edited(good, lambda d: d["verificationMaterial"].update(tlogEntries=[other]))
    assert code(local, log, moved) == "log"


def test_entry_with_a_promise_of_another(local: LocalSigstore, log: RekorV1, good: bytes) -> None:
    promise = entry(sign(local, log))["inclusionPromise"]
    moved = edited(good, lambda d: _entry(d).update(inclusionPromise=promise))
    assert code(local, log, moved) == "log"


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda e: e.update(integratedTime=str(int(e["integratedTime"]) + 1)), "log"),
        (lambda e: e.update(logIndex=str(int(e["logIndex"]) + 1)), "log"),
        (lambda e: e.pop("inclusionPromise"), "timestamp"),
        (lambda e: e["inclusionProof"].update(hashes=[encode_base64(bytes(32))]), "log"),
        (lambda e: e.pop("inclusionProof"), "log"),
    ],
    ids=["another time", "another index", "no promise", "another proof", "no proof"],
)
def test_entry_changed(
    local: LocalSigstore,
    log: RekorV1,
    good: bytes,
    change: Callable[[dict[str, Any]], object],
    wanted: str,
) -> None:
    assert code(local, log, edited(good, lambda d: change(_entry(d)))) == wanted
