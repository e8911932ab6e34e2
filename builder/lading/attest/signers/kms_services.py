"""Keys of the key services: the public half, and what signs with the private one.

securesystemslib speaks to the services. Where its own way would have no bound (AWS), choose a
region other than the key's (AWS), or knows one kind of key only (Vault), the rest is here.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from lading.attest.keys import load_public, public_pem
from lading.attest.signers.kms_errors import within
from lading.errors import SigningKeyError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.attest.keys import PublicKey
    from lading.attest.signers.kms_uris import KeyUri

__all__ = ["open_key"]

Sign: TypeAlias = "Callable[[bytes], bytes]"


def open_key(uri: KeyUri, secret: Callable[[str], str]) -> tuple[PublicKey, Sign]:
    """Ask the service for its public key; return it, and what signs a message with its pair.

    ``secret`` gives a PIN. A service has ``LIMITS.service_seconds`` for each answer; a hardware
    module, which may wait for a hand, has as long as it takes.

    Raises:
        RegistryError: the service took too long.
        SigningKeyError: the key is of no kind that signs here, or not its newest version.
        Exception: whatever the service's library raises.
    """
    if uri.scheme == "hsm":
        return _open(uri, secret)
    public, sign = within(LIMITS.service_seconds, uri, lambda: _open(uri, secret))
    return public, lambda message: within(LIMITS.service_seconds, uri, lambda: sign(message))


def _open(uri: KeyUri, secret: Callable[[str], str]) -> tuple[PublicKey, Sign]:
    library = _library()
    if uri.scheme == "awskms":
        with _bounded_aws(uri.place):
            return _opened(library.AWSSigner.import_(uri.name), uri, secret)
    if uri.scheme == "gcpkms":
        return _opened(library.GCPSigner.import_(uri.name), uri, secret)
    if uri.scheme == "azurekms":
        return _opened(library.AzureSigner.import_(uri.place, uri.name), uri, secret)
    if uri.scheme == "hv":
        return _vault(uri, secret)
    number = int(uri.name) if uri.name else None
    return _opened(library.HSMSigner.import_(number, uri.place or None, secret), uri, secret)


def _opened(
    found: tuple[str, Any], uri: KeyUri, secret: Callable[[str], str]
) -> tuple[PublicKey, Sign]:
    # the service's own form of the URI names the key's version, and stays that version
    exact, key = found
    _insist_on_newest(uri.version, exact.rpartition("/")[2])
    signer = _library().Signer.from_priv_key_uri(exact, key, secret)
    return _public(key, uri), lambda message: bytes.fromhex(signer.sign(message).signature)


def _insist_on_newest(version: str, newest: str) -> None:
    """These services hand out their newest key only: another must not be signed with unseen."""
    if version not in ("", newest):
        raise SigningKeyError(
            "only the newest version of this key can sign", got=version, wanted=newest
        )


@contextmanager
def _bounded_aws(region: str) -> Iterator[None]:
    """Make AWS's library give up in good time, and look where the key is."""
    import boto3
    from botocore.config import Config
    from botocore.session import get_session

    session = get_session()
    session.set_default_client_config(
        Config(connect_timeout=LIMITS.connect_seconds, read_timeout=LIMITS.read_seconds)
    )
    if not region and "AWS_DEFAULT_REGION" not in os.environ:
        region = os.environ.get("AWS_REGION", "")  # as every other AWS library reads it
    before = boto3.DEFAULT_SESSION
    boto3.setup_default_session(botocore_session=session, region_name=region or None)
    try:
        yield
    finally:
        boto3.DEFAULT_SESSION = before


def _vault(uri: KeyUri, secret: Callable[[str], str]) -> tuple[PublicKey, Sign]:
    from lading.attest.signers.vault import TransitKey

    key = TransitKey.newest(uri)
    _insist_on_newest(uri.version, str(key.version))
    if key.kind == "ed25519":
        return _opened(_library().VaultSigner.import_(uri.name), uri, secret)
    return load_public(key.public_pem), key.sign


def _library() -> Any:
    from securesystemslib import signer  # 100 ms, and only for keys in services

    return signer


def _public(key: Any, uri: KeyUri) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text = str(key.keyval["public"])
    if key.keytype == "ed25519":
        return load_public(public_pem(Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))))
    try:
        return load_public(text.encode())
    except SigningKeyError as e:
        raise SigningKeyError(e.what, where=uri.text, got=e.got, wanted=uri.service.keys) from e
