"""Key services on loopback, with real keys, each as the environment in which a client finds it.

local-kms has the API of AWS KMS, OpenBao that of Vault; servers of our own have those of Google
Cloud and Azure, whose clients reach them under the services' own names and with TLS, through a
proxy. The secrets in the environment are told nobody.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import parts
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import LadingError, VerificationError
from lading_oci import open_registry, parse_reference
from support.attest_samples import public, statement
from support.azure_vault import LOGIN, VAULT, AzureVault, serve_azure
from support.connect_proxy import proxy_to
from support.oci_images import make_image, push_image
from support.processes import free_port, http_answers, running
from support.product import Lading, cosign_verify
from support.tls import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from lading.attest.keys import PublicKey
    from support.registries import Registry

__all__ = [
    "REGION",
    "SECRET",
    "attest_and_verify",
    "attested_image",
    "azure_vault",
    "google_kms",
    "insist",
    "local_kms",
    "openbao",
    "refusal",
    "signs",
    "silent_server",
]

REGION = "eu-west-1"
SECRET = "never-to-be-shown"  # part of every credential
EMPTY_TAR = b"\x00" * 10240


@contextmanager
def local_kms(scratch: Path) -> Iterator[dict[str, str]]:
    """AWS KMS as local-kms has it: everybody may do everything."""
    parts.require("boto3")
    program, port = parts.require("local-kms"), free_port()
    env = {
        "KMS_PORT": str(port),
        "KMS_DATA_PATH": str(scratch / "kms"),
        "KMS_REGION": REGION,
        "KMS_ACCOUNT_ID": "111122223333",
    }
    log = scratch / "local-kms.log"
    with running([str(program)], ready=lambda: http_answers(port), log=log, env=env):
        yield {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",  # nothing is asked outside of this machine
        }


@contextmanager
def openbao(scratch: Path) -> Iterator[dict[str, str]]:
    """OpenBao in memory, unsealed, with a Transit engine; the token is root's."""
    parts.require("hvac")
    program, port = parts.require("bao"), free_port()
    token = f"root-{SECRET}"
    command = [str(program), "server", "-dev", "-dev-no-store-token"]
    command += [f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}"]
    env = {"PATH": os.environ["PATH"], "HOME": str(scratch)}
    address, log = f"http://127.0.0.1:{port}", scratch / "bao.log"
    with running(command, ready=lambda: _takes(address, token), log=log, env=env):
        import hvac

        hvac.Client(address, token).sys.enable_secrets_engine("transit")
        yield {"VAULT_ADDR": address, "VAULT_TOKEN": token}


@contextmanager
def google_kms(scratch: Path, keys: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Google Cloud KMS as ``tests/kms/google_kms.py`` has it, with ``keys``: name → kind."""
    parts.require("google-cloud-kms")
    port = free_port()
    make_certificates(scratch, "cloudkms.googleapis.com")
    account = {"account": "signer@acme.example", "directory": str(scratch), "port": port}
    _service_account(scratch, account["account"])  # type: ignore[arg-type]
    (scratch / "config.json").write_text(json.dumps({**account, "keys": dict(keys)}))
    program = parts.ROOT / "tests" / "kms" / "google_kms.py"
    command = [sys.executable, str(program), str(scratch / "config.json")]
    with (
        running(command, ready=(scratch / "ready").is_file, log=scratch / "google.log"),
        proxy_to({"cloudkms.googleapis.com": port}) as proxy,
    ):
        yield {
            "GOOGLE_APPLICATION_CREDENTIALS": str(scratch / "account.json"),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(scratch / "ca.crt"),
            "grpc_proxy": proxy,
            "NO_GCE_CHECK": "true",  # nothing is asked outside of this machine
        }


@contextmanager
def azure_vault(scratch: Path) -> Iterator[tuple[AzureVault, dict[str, str]]]:
    """Azure Key Vault as ``support.azure_vault`` has it; and the vault, to make keys in."""
    parts.require("azure-keyvault-keys")
    make_certificates(scratch, VAULT, LOGIN)
    vault = AzureVault("a1a1a1a1-0000-4000-8000-000000000001", "lading", SECRET, f"token-{SECRET}")
    with (
        serve_azure(vault, scratch),
        proxy_to({VAULT: vault.port, LOGIN: vault.port}) as proxy,
    ):
        yield (
            vault,
            {
                "AZURE_TENANT_ID": vault.tenant,
                "AZURE_CLIENT_ID": vault.client,
                "AZURE_CLIENT_SECRET": vault.secret,
                "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",  # and no others are tried
                "https_proxy": proxy,
                "no_proxy": "127.0.0.1,localhost",
                "REQUESTS_CA_BUNDLE": str(scratch / "ca.crt"),
            },
        )


def _service_account(directory: Path, email: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (directory / "account.pub").write_bytes(public)
    document = {
        "type": "service_account",
        "project_id": "acme",
        "private_key_id": SECRET,
        "private_key": private.decode(),
        "client_email": email,
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (directory / "account.json").write_text(json.dumps(document))


def _takes(address: str, token: str) -> bool:
    request = urllib.request.Request(f"{address}/v1/auth/token/lookup-self")
    request.add_header("X-Vault-Token", token)
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def silent_server() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def signs(uri: str, key: PublicKey) -> bytes:
    """Sign by ``uri``, insist that ``key`` and no other verifies it, and return the bundle."""
    signer = KmsSigner(uri)
    assert signer.public_key == key
    bundle = signer.sign(statement())
    assert KeyVerifier([key]).verify(bundle).payload == statement()
    with pytest.raises(VerificationError):
        KeyVerifier([public("somebody else")]).verify(bundle)
    return bundle


def refusal(uri: str, kind: type[LadingError]) -> str:
    """Return all that is said when ``uri`` does not sign; the error is of just this kind."""
    with pytest.raises(LadingError) as caught:
        KmsSigner(uri).sign(statement())
    error = caught.value
    assert type(error) is kind, error
    words = f"{error} | {error.hint}"
    assert SECRET not in words
    return words


def attested_image(registry: Registry, name: str) -> str:
    """Push a small image and return its reference."""
    image = f"{registry.host}/acme/{name}:1"
    push_image(open_registry(parse_reference(image)), make_image(name, layer=EMPTY_TAR), tag="1")
    return image


def attest_and_verify(
    image: str, uri: str, public_pem: bytes, env: Mapping[str, str], home: Path
) -> Lading:
    """As a user: keep the public key, attest ``image`` and verify it; cosign agrees.

    ``public_pem`` is the same key as the service's own client exported it.
    """
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "TUF_ROOT": str(home / "tuf")}
    lading = Lading(home, {**base, **env})
    lading.ok("keygen", "--public-of", uri)  # to lading.pub
    assert (home / "lading.pub").read_bytes() == public_pem
    done = lading("attest", f"registry:{image}", "--signing-key", uri)
    assert done.status == 0, done.err
    assert SECRET not in done.out + done.err
    Lading(home, base).ok("verify", f"registry:{image}", "--key", "lading.pub")
    judged = cosign_verify(lading, image)
    assert judged.status == 0, judged.err
    return lading


def insist(lading: Lading, *words: str, status: int, says: str, env: Mapping[str, str]) -> None:
    """Run ``lading`` in ``env``: it ends as documented, says why, and shows no secret."""
    done = lading(*words, env=env)
    said = " ".join(done.err.split())  # lines are broken at the terminal's width
    assert (done.status, says in said) == (status, True), done.err
    assert SECRET not in done.out + done.err
