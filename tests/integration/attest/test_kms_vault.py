"""Signing with keys of Vault's Transit engine: hvac, and OpenBao, which has Vault's API."""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lading.attest.keys import load_public, public_pem
from lading.attest.signers import kms_services
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import RegistryError, SigningKeyError
from support.cosign import Cosign, about_the_blob
from support.key_services import (
    SECRET,
    attest_and_verify,
    attested_image,
    insist,
    openbao,
    refusal,
    signs,
    silent_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.attest.keys import PublicKey
    from support.registries import Registry

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with openbao(tmp_path_factory.mktemp("vault")) as env:
        yield env


@pytest.fixture
def transit(service: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in service.items():
        monkeypatch.setenv(name, value)
    import hvac

    return hvac.Client().secrets.transit


def new_key(transit: Any, name: str, kind: str) -> str:
    transit.create_key(name, key_type=kind)
    return f"hashivault://{name}"


def exported(transit: Any, name: str, version: int = 1) -> PublicKey:
    data = transit.read_key(name)["data"]
    text = data["keys"][str(version)]["public_key"]
    if data["type"] != "ed25519":
        return load_public(text.encode())
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(text))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p256", "ecdsa-p384"])
def test_the_newest_version_of_a_key_signs(transit: Any, kind: str) -> None:
    uri = new_key(transit, f"turns-{kind}", kind)
    signs(uri, exported(transit, f"turns-{kind}"))
    before = KmsSigner(uri)
    for _ in range(9):  # 10 is newer than 9
        transit.rotate_key(f"turns-{kind}")
    newest = exported(transit, f"turns-{kind}", 10)
    signs(uri, newest)
    signs(f"hv:turns-{kind}/10", newest)
    words = refusal(f"{uri}/9", SigningKeyError)
    assert "only the newest version" in words
    assert "got 9; wanted 10" in words
    # who opened the key before goes on with the version that was opened
    KeyVerifier([before.public_key]).verify(before.sign(about_the_blob()))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p256"])
def test_cosign_accepts_what_a_key_signs(
    transit: Any, service: dict[str, str], tmp_path: Path, kind: str
) -> None:
    uri = new_key(transit, f"both-{kind}", kind)
    cosign = Cosign(tmp_path, service)
    bundle = KmsSigner(uri).sign(about_the_blob())
    public = exported(transit, f"both-{kind}")
    done = cosign.verify(bundle, public_pem(public))
    assert done.returncode == 0, done.stderr
    if kind == "ecdsa-p256":  # with an Ed25519 key, cosign neither signs nor verifies in Vault
        done = cosign.verify(bundle, uri)
        assert done.returncode == 0, done.stderr
        KeyVerifier([public]).verify(cosign.attest(uri))


@pytest.mark.parametrize("kind", ["rsa-2048", "aes256-gcm96"])
def test_keys_of_another_kind(transit: Any, kind: str) -> None:
    words = refusal(new_key(transit, f"other-{kind}", kind), SigningKeyError)
    assert f"got {kind}" in words
    assert "wanted type ecdsa-p256, ecdsa-p384 or ed25519" in words


def test_keys_that_are_not_to_be_had(
    transit: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "InvalidPath" in refusal("hashivault://nobody", SigningKeyError)
    uri = new_key(transit, "closed", "ecdsa-p256")
    signer = KmsSigner(uri)
    transit.update_key_configuration("closed", deletion_allowed=True)
    transit.delete_key("closed")
    with pytest.raises(SigningKeyError, match=r"did not sign.*InvalidRequest"):
        signer.sign(about_the_blob())
    monkeypatch.setenv("VAULT_TOKEN", f"wrong-{SECRET}")
    assert "VAULT_ADDR and VAULT_TOKEN" in refusal(uri, SigningKeyError)
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("HOME", str(tmp_path))  # ~/.vault-token is a token, too
    assert "permission denied" in refusal(uri, SigningKeyError)


def test_a_service_that_does_not_answer(transit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", f"http://user:{SECRET}@127.0.0.1:1")
    assert "ConnectionError" in refusal("hashivault://x", RegistryError)
    limits = dataclasses.replace(kms_services.LIMITS, service_seconds=1.5)
    monkeypatch.setattr(kms_services, "LIMITS", limits)
    with silent_server() as address:
        monkeypatch.setenv("VAULT_ADDR", f"http://{address}")
        assert "an answer within 2 s" in refusal("hashivault://x", RegistryError)


def test_through_the_command_line(
    transit: Any, service: dict[str, str], registry_referrers: Registry, tmp_path: Path
) -> None:
    uri = new_key(transit, "line", "ecdsa-p256")
    image = attested_image(registry_referrers, "vault")
    pem = public_pem(exported(transit, "line"))
    lading = attest_and_verify(image, uri, pem, service, tmp_path)

    def fails(uri: str, env: dict[str, str], status: int, words: str) -> None:
        attest = ("attest", f"registry:{image}", "--signing-key", uri)
        insist(lading, *attest, status=status, says=words, env=env)

    fails("hashivault://nobody", {}, 22, "InvalidPath")
    fails(new_key(transit, "secret", "aes256-gcm96"), {}, 22, "ecdsa-p256")
    fails(uri, {"VAULT_ADDR": f"http://u:{SECRET}@127.0.0.1:1"}, 20, "did not answer")
    fails(uri, {"VAULT_TOKEN": f"wrong-{SECRET}"}, 22, "permission denied")
    fails("hashivault://a/b", {}, 2, "hashivault://NAME")
