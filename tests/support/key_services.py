"""Key services on loopback, with real keys: local-kms (the API of AWS KMS), OpenBao (of Vault).

Each yields the environment in which a client finds it; the secrets in there are told nobody.
"""

from __future__ import annotations

import os
import socket
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import parts
from lading.attest.signers.kms import KmsSigner
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import LadingError, VerificationError
from lading_oci import open_registry, parse_reference
from support.attest_samples import public, statement
from support.oci_images import make_image, push_image
from support.processes import free_port, http_answers, running
from support.product import Lading, cosign_verify

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
    """As a user: attest ``image`` and verify it by the exported key; cosign agrees."""
    (home / "lading.pub").write_bytes(public_pem)
    base = {"PATH": os.environ["PATH"], "HOME": str(home), "TUF_ROOT": str(home / "tuf")}
    lading = Lading(home, {**base, **env})
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
