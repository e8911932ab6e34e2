"""Signing with keys of AWS KMS: its real client library, and local-kms, which has its API."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.keys import load_public, public_pem
from lading.attest.signers import kms_services
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import RegistryError, SigningKeyError
from support.cosign import Cosign, about_the_blob
from support.key_services import (
    REGION,
    SECRET,
    attest_and_verify,
    attested_image,
    insist,
    local_kms,
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
    with local_kms(tmp_path_factory.mktemp("aws")) as env:
        yield env


@pytest.fixture
def aws(service: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The service's own client, in a session that the product's is not."""
    for name, value in service.items():
        monkeypatch.setenv(name, value)
    import boto3

    return boto3.Session().client("kms")


def new_key(aws: Any, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> dict[str, Any]:
    return dict(aws.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"])


def exported(aws: Any, key: dict[str, Any]) -> PublicKey:
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    der = aws.get_public_key(KeyId=key["KeyId"])["PublicKey"]
    return load_public(public_pem(load_der_public_key(der)))  # type: ignore[arg-type]


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P384"])
@pytest.mark.parametrize(
    "uri", ["awskms:{KeyId}", "awskms:{Arn}", "awskms:///{Arn}", "awskms:///alias/{KeyId}"]
)
def test_a_key_signs_by_each_of_its_names(aws: Any, spec: str, uri: str) -> None:
    key = new_key(aws, spec)
    aws.create_alias(AliasName=f"alias/{key['KeyId']}", TargetKeyId=key["KeyId"])
    signs(uri.format(**key), exported(aws, key))


def test_an_arn_says_in_which_region_its_key_is(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key(aws)
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    signs(f"awskms:{key['Arn']}", exported(aws, key))
    assert "specify a region" in refusal(f"awskms:{key['KeyId']}", SigningKeyError)
    monkeypatch.setenv("AWS_REGION", REGION)  # what boto3 alone does not read
    signs(f"awskms:{key['KeyId']}", exported(aws, key))


def test_an_alias_that_moves_is_not_signed_with_unseen(aws: Any) -> None:
    first, second = new_key(aws), new_key(aws)
    aws.create_alias(AliasName="alias/moving", TargetKeyId=first["KeyId"])
    signer = KmsSigner("awskms:alias/moving")
    aws.update_alias(AliasName="alias/moving", TargetKeyId=second["KeyId"])
    with pytest.raises(SigningKeyError, match="not one by the key it named"):
        signer.sign(about_the_blob())


def test_cosign_uses_the_same_key_both_ways(
    aws: Any, service: dict[str, str], tmp_path: Path
) -> None:
    key = new_key(aws)
    uri, public = f"awskms:///{key['Arn']}", exported(aws, key)
    cosign = Cosign(tmp_path, service)
    bundle = KmsSigner(uri).sign(about_the_blob())
    for judge in (public_pem(public), uri):
        done = cosign.verify(bundle, judge)
        assert done.returncode == 0, done.stderr
    other = f"awskms:///{new_key(aws)['Arn']}"
    assert cosign.verify(bundle, other).returncode != 0
    KeyVerifier([public]).verify(cosign.attest(uri))


@pytest.mark.parametrize(
    ("spec", "usage", "message"),
    [
        ("RSA_2048", "SIGN_VERIFY", "an RSA key"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "secp256k1"),
        ("ECC_NIST_P521", "SIGN_VERIFY", "ECDSA_SHA_512"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "SigningAlgorithms"),
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "UnsupportedOperation"),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "UnsupportedOperation"),
    ],
)
def test_keys_of_another_kind(aws: Any, spec: str, usage: str, message: str) -> None:
    words = refusal(f"awskms:{new_key(aws, spec, usage)['KeyId']}", SigningKeyError)
    assert message in words
    assert "wanted key spec ECC_NIST_P256 or ECC_NIST_P384, usage SIGN_VERIFY" in words


def test_keys_that_are_not_to_be_had(aws: Any) -> None:
    assert "NotFoundException" in refusal("awskms:alias/nobody", SigningKeyError)
    key = new_key(aws)
    signer = KmsSigner(f"awskms:{key['KeyId']}")
    aws.disable_key(KeyId=key["KeyId"])
    assert "DisabledException" in refusal(f"awskms:{key['KeyId']}", SigningKeyError)
    with pytest.raises(SigningKeyError, match=r"did not sign.*DisabledException"):
        signer.sign(about_the_blob())


def test_a_service_that_does_not_answer(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"awskms:{new_key(aws)['KeyId']}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:1")
    assert "Could not connect" in refusal(uri, RegistryError)
    limits = dataclasses.replace(kms_services.LIMITS, service_seconds=1.5)
    monkeypatch.setattr(kms_services, "LIMITS", limits)
    with silent_server() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
        assert "an answer within 2 s" in refusal(uri, RegistryError)


def test_through_the_command_line(
    aws: Any, service: dict[str, str], registry_referrers: Registry, tmp_path: Path
) -> None:
    key = new_key(aws)
    uri = f"awskms:{key['KeyId']}"
    image = attested_image(registry_referrers, "aws")
    lading = attest_and_verify(image, uri, public_pem(exported(aws, key)), service, tmp_path)

    def fails(uri: str, env: dict[str, str], status: int, words: str) -> None:
        attest = ("attest", f"registry:{image}", "--signing-key", uri)
        insist(lading, *attest, status=status, says=words, env=env)

    fails("awskms:nobody", {}, 22, "NotFoundException")
    wrong = new_key(aws, "RSA_2048", "ENCRYPT_DECRYPT")["KeyId"]
    fails(f"awskms:{wrong}", {}, 22, "usage SIGN_VERIFY")
    fails(uri, {"AWS_ENDPOINT_URL": f"http://u:{SECRET}@127.0.0.1:1"}, 20, "did not answer")
    nothing = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    fails(uri, nothing, 22, "AWS_PROFILE, or AWS_ACCESS_KEY_ID")
    fails("awskms://127.0.0.1:8080/alias/x", {}, 2, "AWS_ENDPOINT_URL_KMS=https://127.0.0.1:8080")
