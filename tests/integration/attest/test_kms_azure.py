"""Signing with keys of Azure Key Vault: its real client library, and a server of our own.

The server (``support.azure_vault``) has the REST API, Microsoft's sign-in and real keys and is none
of Microsoft's; that cosign's client, which is another, gets along with it is what vouches for it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from lading.attest.keys import public_pem
from lading.attest.signers import kms_services
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import RegistryError, SigningKeyError
from support.cosign import Cosign, about_the_blob
from support.key_services import (
    SECRET,
    attest_and_verify,
    attested_image,
    azure_vault,
    insist,
    refusal,
    signs,
    silent_server,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.azure_vault import AzureVault
    from support.registries import Registry

pytestmark = pytest.mark.interop

BASE = "azurekms://acme.vault.azure.net/keys"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("azure")


@pytest.fixture(scope="module")
def service(directory: Path) -> Iterator[tuple[AzureVault, dict[str, str]]]:
    with azure_vault(directory) as (vault, env):
        vault.other_kinds["rsa"] = "RSA"
        vault.broken.add("broken")
        yield vault, env


@pytest.fixture
def vault(
    service: tuple[AzureVault, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> AzureVault:
    for name, value in service[1].items():
        monkeypatch.setenv(name, value)
    return service[0]


@pytest.mark.parametrize("curve", ["P-256", "P-384"])
def test_the_newest_version_of_a_key_signs(vault: AzureVault, curve: str) -> None:
    first = vault.new_version(curve, curve)
    version = vault.versions(curve)[0]
    for uri in (f"{BASE}/{curve}", f"{BASE}/{curve}/{version}", f"azurekms://acme/{curve}"):
        signs(uri, first)
    before = KmsSigner(f"{BASE}/{curve}")
    newest = vault.new_version(curve, curve)
    signs(f"{BASE}/{curve}", newest)
    assert "only the newest version" in refusal(f"{BASE}/{curve}/{version}", SigningKeyError)
    # who opened the key before goes on with the version that was opened
    KeyVerifier([first]).verify(before.sign(about_the_blob()))


def test_cosign_accepts_what_a_key_signs_and_signs_with_it(
    vault: AzureVault,
    service: tuple[AzureVault, dict[str, str]],
    directory: Path,
    tmp_path: Path,
) -> None:
    public, uri = vault.new_version("both"), "azurekms://acme.vault.azure.net/both"
    cosign = Cosign(tmp_path, {**service[1], "SSL_CERT_FILE": str(directory / "ca.crt")})
    bundle = KmsSigner(uri).sign(about_the_blob())
    # Not by the URI: for that, cosign 3.1 has the vault verify, and sends it r in the place of s.
    done = cosign.verify(bundle, public_pem(public))
    assert done.returncode == 0, done.stderr
    assert cosign.run("public-key", "--key", uri).stdout.encode() == public_pem(public)
    KeyVerifier([public]).verify(cosign.attest(uri))


def test_keys_that_do_not_sign(vault: AzureVault) -> None:
    vault.new_version("p521", "P-521")
    wanted = "wanted type EC or EC-HSM on curve P-256 or P-384"
    assert f"secp521r1; {wanted}" in refusal(f"{BASE}/p521", SigningKeyError)
    words = refusal(f"{BASE}/rsa", SigningKeyError)
    assert "RSA" in words
    assert wanted in words
    assert "KeyNotFound" in refusal(f"{BASE}/nobody", SigningKeyError)


def test_a_service_that_does_not_answer(vault: AzureVault, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = dataclasses.replace(kms_services.LIMITS, service_seconds=1.5)
    monkeypatch.setattr(kms_services, "LIMITS", limits)
    with silent_server() as address:
        monkeypatch.setenv("https_proxy", f"http://{address}")
        assert "an answer within 2 s" in refusal(f"{BASE}/alone", RegistryError)


def test_credentials_that_do_not_do(vault: AzureVault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.new_version("alone")
    monkeypatch.setenv("AZURE_CLIENT_SECRET", f"wrong-{SECRET}")
    assert "Invalid client secret" in refusal(f"{BASE}/alone", SigningKeyError)
    monkeypatch.delenv("AZURE_CLIENT_SECRET")
    words = refusal(f"{BASE}/alone", SigningKeyError)
    assert "come from AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET" in words


def test_through_the_command_line(
    vault: AzureVault,
    service: tuple[AzureVault, dict[str, str]],
    registry_referrers: Registry,
    tmp_path: Path,
) -> None:
    image = attested_image(registry_referrers, "azure")
    pem, uri = public_pem(vault.new_version("line")), f"{BASE}/line"
    lading = attest_and_verify(image, uri, pem, service[1], tmp_path)

    def fails(uri: str, env: dict[str, str], status: int, words: str) -> None:
        attest = ("attest", f"registry:{image}", "--signing-key", uri)
        insist(lading, *attest, status=status, says=words, env=env)

    fails(f"{BASE}/nobody", {}, 22, "KeyNotFound")
    fails(f"{BASE}/rsa", {}, 22, "curve P-256 or P-384")
    fails(f"{BASE}/broken", {}, 20, "did not answer")
    fails(uri, {"AZURE_CLIENT_SECRET": f"wrong-{SECRET}"}, 22, "Invalid client secret")
    before = vault.tokens
    fails(uri, {"REQUESTS_CA_BUNDLE": ""}, 20, "CERTIFICATE_VERIFY_FAILED")  # no CA of the machine
    assert vault.tokens == before  # nothing is said to whom the certificate does not vouch for
    fails("azurekms://acme.vault.azure.cn/keys/line", {}, 2, "azurekms://VAULT.vault.azure.net")
