from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from lading.attest.signers.kms import KmsSigner, is_kms_uri
from lading.attest.signers.kms_errors import explained, within
from lading.attest.signers.kms_uris import KeyUri, parse_kms_uri
from lading.errors import LadingError, RegistryError, SigningKeyError, UsageError

VERSION = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1c64274f-90ce-4d95-881e-14f260d9fb56"
VAULT = parse_kms_uri("hashivault://k")


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
    ("uri", "text", "name", "version", "place"),
    [
        ("awskms:alias/a", "awskms:alias/a", "alias/a", "", ""),
        ("awskms:///alias/a", "awskms:alias/a", "alias/a", "", ""),
        ("awskms://alias/a", "awskms:alias/a", "alias/a", "", ""),
        (f"awskms:///{ARN}", f"awskms:{ARN}", ARN, "", "eu-west-1"),
        (f"gcpkms://{VERSION}", f"gcpkms:{VERSION}", VERSION, "", ""),
        (f"gcpkms:{VERSION.replace('cryptoKeyV', 'v')}", f"gcpkms:{VERSION}", VERSION, "", ""),
        ("azurekms://v/k", "azurekms://v.vault.azure.net/keys/k", "k", "", "v"),
        (
            *("azurekms://v.vault.azure.net/keys/k/0a1", "azurekms://v.vault.azure.net/keys/k/0a1"),
            *("k", "0a1", "v"),
        ),
        ("hashivault://k", "hv:k", "k", "", ""),
        ("hv:k.1-a/12", "hv:k.1-a/12", "k.1-a", "12", ""),
        ("hsm:", "hsm:", "", "", ""),
        ("hsm:2?label=my%20token", "hsm:2?label=my%20token", "2", "", "my token"),
        ("pkcs11:token=my%20token;id=%01%02", "hsm:258?label=my%20token", "258", "", "my token"),
    ],
)
def test_what_a_uri_names(uri: str, text: str, name: str, version: str, place: str) -> None:
    found = parse_kms_uri(uri)
    scheme = text.partition(":")[0]
    assert found == KeyUri(scheme, text, name, version, place)
    assert parse_kms_uri(found.text) == found


@pytest.mark.parametrize(
    "uri",
    [
        *("awskms:", "awskms://", "ftp://x", "pkcs11:token=t", "pkcs11:id=%02?pin-value=1234"),
        *("hv:", "hv:a/b", "hv:a/0", "hv:../auth", "hashivault://a?b", "hashivault://a/1/2"),
        *("awskms://localhost:4566/alias/a", "awskms://kms.example.com/alias/a"),
        *("gcpkms:projects/p", f"gcpkms:{VERSION.rpartition('/')[0]}", f"gcpkms:{VERSION}/x"),
        # the library would ask v.vault.azure.net instead, with everybody's credentials
        *("azurekms://v.managedhsm.azure.net/keys/k", "azurekms://v.vault.azure.cn/keys/k"),
        *("azurekms://v.vault.azure.net", "azurekms://v.vault.azure.net/keys/k/1/2"),
        *("azurekms://v.vault.azure.net:8443/keys/k", "azurekms://u:pw@v/keys/k"),
    ],
)
def test_uris_that_cannot_be_meant(uri: str) -> None:
    with pytest.raises(UsageError) as caught:
        KmsSigner(uri)
    assert "1234" not in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("awskms://", "names no AWS key.*awskms:KEY_ID_OR_ARN"),
        ("gcpkms:", "names no version of a Google Cloud key"),
        ("azurekms://", "names no key in an Azure key vault"),
        ("hashivault://", "names no key in Vault"),
        ("kms://a", "names no key service"),
    ],
)
def test_a_service_without_a_key_is_told_how_its_keys_are_named(uri: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_kms_uri(uri)


def test_an_endpoint_in_a_uri_is_told_where_it_belongs() -> None:
    with pytest.raises(UsageError) as caught:
        KmsSigner("awskms://localhost:4566/alias/a")
    assert caught.value.hint == "set AWS_ENDPOINT_URL_KMS=https://localhost:4566"


@pytest.mark.parametrize(
    ("uri", "library", "extra"),
    [
        ("awskms:alias/a", "boto3", "awskms"),
        (f"gcpkms:{VERSION}", "google.cloud", "gcpkms"),
        ("azurekms://v.vault.azure.net/keys/k", "azure.identity", "azurekms"),
        ("hashivault://k", "hvac", "vault"),
        ("hsm:2", "pkcs11", "hsm"),
    ],
)
def test_a_missing_client_library_is_named(uri: str, library: str, extra: str) -> None:
    """In a process of its own, where the library is missing although this machine may have it."""
    program = (
        "import sys; library, uri = sys.argv[1:]; sys.modules[library] = None\n"
        "from lading.attest.signers.kms import KmsSigner\n"
        "from lading.errors import SigningKeyError\n"
        "try:\n    KmsSigner(uri, lambda: b'1234')\n"
        "except SigningKeyError as e:\n    print(e.what, '|', e.hint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, library, uri], capture_output=True, text=True, check=True
    )
    assert "client library is not installed | " in done.stdout
    assert f"securesystemslib[{extra}]" in done.stdout


class Answer(Exception):
    """As a service's library says that it was answered."""

    def __init__(self, status: int | None = None, response: object = None) -> None:
        super().__init__("at http://user:secret@example.com/")
        self.status_code = status
        self.response = response


def made(module: str, name: str) -> Exception:
    return type(name, (Exception,), {"__module__": module})("said so")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (made("botocore.exceptions", "ConnectionError"), RegistryError),
        (made("google.api_core.exceptions", "RetryError"), RegistryError),
        (made("somewhere.else", "RetryError"), SigningKeyError),
        (Answer(status=503), RegistryError),
        (Answer(status=429), RegistryError),
        (Answer(status=403), SigningKeyError),
        (Answer(response={"ResponseMetadata": {"HTTPStatusCode": 500}}), RegistryError),
        (Answer(response={"ResponseMetadata": {"HTTPStatusCode": 400}}), SigningKeyError),
        (Answer(response={}), SigningKeyError),
        (KeyError("SigningAlgorithms"), SigningKeyError),
    ],
)
def test_a_service_that_is_not_well_is_told_from_a_key_that_is_not(
    error: Exception, kind: type[LadingError]
) -> None:
    with pytest.raises(LadingError) as caught, explained(VAULT, "it did not sign"):
        raise error
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)
    assert type(error).__name__ in (caught.value.got or "")


def test_a_call_has_its_time_and_no_more() -> None:
    assert within(5.0, VAULT, lambda: "done") == "done"
    with pytest.raises(ZeroDivisionError):
        within(5.0, VAULT, lambda: 1 // 0)
    never = threading.Event()
    with pytest.raises(RegistryError, match="did not answer in time"):
        within(0.05, VAULT, never.wait)
    never.set()
