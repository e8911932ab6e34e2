from __future__ import annotations

import contextlib
import importlib.util

import pytest

from lading.attest.signers.kms import KmsSigner, is_kms_uri
from lading.errors import SigningKeyError, UsageError


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("awskms:alias/a", True),
        ("awskms:///arn:aws:kms:eu-west-1:1:key/2", True),
        ("gcpkms://projects/p", True),
        ("azurekms://v.vault.azure.net/keys/k", True),
        ("hashivault://k", True),
        ("hv:k", True),
        ("hsm:", True),
        ("pkcs11:token=t;id=%02", True),
        ("lading.key", False),
        ("/etc/awskms", False),
        ("awskms", False),
        ("C:/keys/lading.key", False),
        ("https://example.com/key", False),
    ],
)
def test_what_names_a_key_service(text: str, answer: bool) -> None:
    assert is_kms_uri(text) is answer


@pytest.mark.parametrize(
    "uri", ["awskms:", "ftp://x", "pkcs11:token=t", "pkcs11:id=%02?pin-value=1234", "hv:"]
)
def test_uris_that_cannot_be_meant(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        KmsSigner(uri)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "library", "extra"),
    [
        ("awskms:alias/a", "boto3", "awskms"),
        ("gcpkms:projects/p", "google.cloud.kms", "gcpkms"),
        ("azurekms://v.vault.azure.net/keys/k", "azure.keyvault", "azurekms"),
        ("hashivault://k", "hvac", "vault"),
    ],
)
def test_a_missing_client_library_is_named(uri: str, library: str, extra: str) -> None:
    with contextlib.suppress(ModuleNotFoundError):
        if importlib.util.find_spec(library):
            pytest.skip(f"{library} is installed")
    with pytest.raises(SigningKeyError, match="not installed") as caught:
        KmsSigner(uri)
    assert f"securesystemslib[{extra}]" in (caught.value.hint or "")
