"""Signing with keys of Google Cloud KMS: its real client library, and a server of our own.

The server (``tests/kms/google_kms.py``) has the gRPC API and real keys and is none of Google's;
that cosign's client, which is another, gets along with it is what vouches for it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.attest.keys import load_public
from lading.attest.signers import kms_services
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import RegistryError, SigningKeyError
from support.cosign import Cosign, about_the_blob
from support.key_services import (
    attest_and_verify,
    attested_image,
    google_kms,
    insist,
    refusal,
    signs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.attest.keys import PublicKey
    from support.registries import Registry

pytestmark = pytest.mark.interop

KINDS = ("p256", "p384", "rsa", "secp256k1", "encrypt", "unavailable", "silent", "lies")
PATH = "projects/acme/locations/global/keyRings/ring/cryptoKeys/{}/cryptoKeyVersions/1"


def uri_of(kind: str) -> str:
    return f"gcpkms:{PATH.format(kind)}"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("google")


@pytest.fixture(scope="module")
def service(directory: Path) -> Iterator[dict[str, str]]:
    with google_kms(directory, {PATH.format(kind): kind for kind in KINDS}) as env:
        yield env


@pytest.fixture
def google(service: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in service.items():
        monkeypatch.setenv(name, value)


def exported(directory: Path, kind: str) -> bytes:
    return (directory / f"{KINDS.index(kind)}.pub").read_bytes()


def public(directory: Path, kind: str) -> PublicKey:
    return load_public(exported(directory, kind))


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize("kind", ["p256", "p384"])
def test_a_version_of_a_key_signs(directory: Path, kind: str) -> None:
    signs(uri_of(kind), public(directory, kind))
    as_cosign_has_it = f"gcpkms://{PATH.format(kind).replace('cryptoKeyVersions', 'versions')}"
    signs(as_cosign_has_it, public(directory, kind))


@pytest.mark.usefixtures("google")
def test_cosign_uses_the_same_key_both_ways(
    directory: Path, service: dict[str, str], tmp_path: Path
) -> None:
    uri = f"gcpkms://{PATH.format('p256').replace('cryptoKeyVersions', 'versions')}"
    trust = {"https_proxy": service["grpc_proxy"], "SSL_CERT_FILE": str(directory / "ca.crt")}
    cosign = Cosign(tmp_path, {**service, **trust})
    bundle = KmsSigner(uri).sign(about_the_blob())
    for judge in (exported(directory, "p256"), uri):
        done = cosign.verify(bundle, judge)
        assert done.returncode == 0, done.stderr
    KeyVerifier([public(directory, "p256")]).verify(cosign.attest(uri))


@pytest.mark.usefixtures("google")
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("rsa", "got an RSA key; wanted purpose asymmetric-signing"),
        ("secp256k1", "not a supported signing algorithm; wanted purpose asymmetric-signing"),
        ("encrypt", "has another purpose than ASYMMETRIC_SIGN"),
        ("nobody", "NotFound"),
        ("lies", "is not one by the key it named over what it was sent"),
    ],
)
def test_keys_that_do_not_sign(kind: str, message: str) -> None:
    assert message in refusal(uri_of(kind), SigningKeyError)


@pytest.mark.usefixtures("google")
def test_a_service_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "InternalServerError" in refusal(uri_of("unavailable"), RegistryError)
    limits = dataclasses.replace(kms_services.LIMITS, service_seconds=1.5)
    monkeypatch.setattr(kms_services, "LIMITS", limits)
    assert "an answer within 2 s" in refusal(uri_of("silent"), RegistryError)


def test_an_unfinished_call_does_not_keep_the_process(service: dict[str, str]) -> None:
    """gRPC has threads of its own; whoever gives up on it is not to wait for them at the end."""
    program = (
        "import dataclasses, sys\n"
        "from lading.attest.signers import kms, kms_services\n"
        "from lading.errors import RegistryError\n"
        "limits = dataclasses.replace(kms_services.LIMITS, service_seconds=1.5)\n"
        "kms_services.LIMITS = limits\n"
        "try:\n    kms.KmsSigner(sys.argv[1])\n"
        "except RegistryError as e:\n    print(e.what)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, uri_of("silent")],
        env={**os.environ, **service},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,  # the library itself would give up after that
    )
    assert (done.stdout, done.stderr) == ("the key service did not answer in time\n", "")


@pytest.mark.usefixtures("google")
def test_credentials_that_do_not_do(
    service: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    document = json.loads(Path(service["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**document, "client_email": "mallory@acme.example"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(other))
    assert "PermissionDenied" in refusal(uri_of("p256"), SigningKeyError)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("HOME", str(tmp_path))
    words = refusal(uri_of("p256"), SigningKeyError)
    assert "come from GOOGLE_APPLICATION_CREDENTIALS" in words


def test_through_the_command_line(
    directory: Path, service: dict[str, str], registry_referrers: Registry, tmp_path: Path
) -> None:
    image = attested_image(registry_referrers, "google")
    uri, pem = uri_of("p256"), exported(directory, "p256")
    lading = attest_and_verify(image, uri, pem, service, tmp_path)

    def fails(uri: str, env: dict[str, str], status: int, words: str) -> None:
        attest = ("attest", f"registry:{image}", "--signing-key", uri)
        insist(lading, *attest, status=status, says=words, env=env)

    fails(uri_of("nobody"), {}, 22, "NotFound")
    fails(uri_of("encrypt"), {}, 22, "ASYMMETRIC_SIGN")
    fails(uri_of("unavailable"), {}, 20, "did not answer")
    fails(uri, {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"}, 22, "was not found")
    fails(uri.rpartition("/")[0], {}, 2, "cryptoKeyVersions/N")
