"""Signing with a key that never leaves a key service or a hardware module, named by a URI.

securesystemslib speaks to the services; what it returns is checked here against the service's own
public key before anybody else sees it. Each service's client library is optional.

========== ============================================================================
service    URI
========== ============================================================================
AWS        ``awskms:KEY_ID_OR_ARN`` (also ``awskms:///…`` as cosign writes it)
GCP        ``gcpkms:projects/…/cryptoKeyVersions/N`` (also ``gcpkms://…``)
Azure      ``azurekms://VAULT.vault.azure.net/keys/NAME/VERSION``
Vault      ``hv:NAME`` (also ``hashivault://NAME``): Transit engine, Ed25519, newest version
PKCS#11    ``hsm:[ID][?label=TOKEN]``, or RFC 7512 ``pkcs11:token=…;id=%02?module-path=…``
========== ============================================================================

Credentials are each service's ambient ones. A PIN comes from the password source, never from the
URI: a command line is readable by every process on the machine.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, quote, unquote, unquote_to_bytes, urlsplit

from lading.attest.bundle import Bundle
from lading.attest.dsse import PAYLOAD_TYPE, Envelope
from lading.attest.interface import SignerIdentity
from lading.attest.keys import key_hint, key_id, load_public, public_pem
from lading.attest.signatures import verifies
from lading.attest.statement import check_statement
from lading.errors import LadingError, SigningKeyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.attest.keys import PasswordSource, PublicKey

__all__ = ["KmsSigner", "is_kms_uri"]

_EXTRAS: Final = {
    "awskms": "securesystemslib[awskms]",
    "gcpkms": "securesystemslib[gcpkms]",
    "azurekms": "securesystemslib[azurekms]",
    "hv": "securesystemslib[vault]",
    "hsm": "securesystemslib[hsm]",
}
_ALIASES: Final = {"hashivault": "hv", "pkcs11": "hsm"}
_MODULE_VARIABLE: Final = "PYKCS11LIB"


def is_kms_uri(text: str) -> bool:
    """Say whether ``text`` names a key service, and not a key file."""
    scheme = text.partition(":")[0]
    return ":" in text and (scheme in _EXTRAS or scheme in _ALIASES)


class KmsSigner:
    """A :class:`~lading.attest.interface.Signer` over a key in a key service.

    Raises:
        UsageError: a URI of no known service, or with a PIN in it.
        SigningKeyError: the service, its library, its credentials or its key cannot be used.
    """

    def __init__(self, uri: str, password: PasswordSource | None = None) -> None:
        self._uri: Final = _normal(uri)
        self._scheme: Final = self._uri.partition(":")[0]
        self._password: Final = password
        with self._explained("the key service does not give its public key"):
            # the service's own form of the URI names the key's version, and stays that version
            self._exact_uri, self._key = _import(self._uri, self._secret)
        self.public_key: Final[PublicKey] = _public(self._key)

    @property
    def identity(self) -> SignerIdentity:
        """Who a verifier will say has signed."""
        return SignerIdentity("key", key_id(self.public_key))

    def sign(self, statement: bytes) -> bytes:
        """Return the bundle over ``statement``; only its digest goes to most services.

        Raises:
            VerificationError: ``statement`` is malformed.
            SigningKeyError: the service did not sign, or not with the key it named.
            LimitError: the bundle would be too large.
        """
        check_statement(statement)
        signed = Envelope(statement, PAYLOAD_TYPE, b"").signed
        with self._explained("the key service did not sign"):
            signer = _services().Signer.from_priv_key_uri(self._exact_uri, self._key, self._secret)
            signature = bytes.fromhex(signer.sign(signed).signature)
        if not verifies(self.public_key, signature, signed):
            raise SigningKeyError(
                "the key service signed with another key than it named", where=self._uri
            )
        envelope = Envelope(statement, PAYLOAD_TYPE, signature)
        return Bundle(envelope, key_hint=key_hint(self.public_key)).to_bytes()

    def _secret(self, what: str) -> str:
        secret = self._password() if self._password is not None else None
        if secret is None:
            raise SigningKeyError(f"the key needs a {what}, and there is none", where=self._uri)
        return secret.decode()

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        from securesystemslib.exceptions import UnsupportedLibraryError

        try:
            yield
        except LadingError:
            raise
        except UnsupportedLibraryError as e:
            raise SigningKeyError(
                "this key service's client library is not installed",
                where=self._uri,
                hint=f"install it with: pip install '{_EXTRAS[self._scheme]}'",
            ) from e
        except Exception as e:
            words = " ".join(str(e).split())[:300]
            raise SigningKeyError(
                what, where=self._uri, got=f"{type(e).__name__}: {words}".rstrip(": ")
            ) from e


def _normal(uri: str) -> str:
    """Return the URI in securesystemslib's form."""
    scheme, _, rest = uri.partition(":")
    if scheme == "pkcs11":
        return _from_rfc7512(rest)
    scheme = _ALIASES.get(scheme, scheme)
    if scheme not in _EXTRAS or (not rest and scheme != "hsm"):
        raise UsageError(
            "this URI names no key service",
            got=uri[:160],
            wanted=", ".join(f"{name}:" for name in (*_EXTRAS, "pkcs11")),
        )
    return uri if scheme == "azurekms" else f"{scheme}:{rest.lstrip('/')}"


def _from_rfc7512(rest: str) -> str:
    """Turn ``token=…;id=%02?module-path=…`` into ``hsm:2?label=…`` (RFC 7512, section 2.3)."""
    path, _, query = rest.partition("?")
    attributes = dict(part.partition("=")[::2] for part in path.split(";") if part)
    options = {name: values[0] for name, values in parse_qs(query).items()}
    if "pin-value" in options or "pin-source" in options:
        raise UsageError(
            "a PIN does not belong in a URI", hint="set LADING_KEY_PASSWORD, or wait to be asked"
        )
    if "id" not in attributes:
        raise UsageError("the PKCS#11 URI names no key", wanted="id=%NN", got=rest[:160])
    if module := options.get("module-path"):
        os.environ.setdefault(_MODULE_VARIABLE, module)  # the only way to tell securesystemslib
    number = int.from_bytes(unquote_to_bytes(attributes["id"]), "big")
    label = unquote(attributes.get("token", ""))
    return f"hsm:{number}" + (f"?label={quote(label)}" if label else "")


def _import(uri: str, secret: Any) -> tuple[str, Any]:
    """Ask the service for the public key; return the exact URI and securesystemslib's key."""
    services = _services()
    scheme, _, rest = uri.partition(":")
    found: tuple[str, Any]
    version = ""
    if scheme == "awskms":
        found = services.AWSSigner.import_(rest)
    elif scheme == "gcpkms":
        found = services.GCPSigner.import_(rest)
    elif scheme == "hv":
        name, _, version = rest.partition("/")
        found = services.VaultSigner.import_(name)
    elif scheme == "azurekms":
        parts = urlsplit(uri)
        name, _, version = parts.path.removeprefix("/keys/").partition("/")
        found = services.AzureSigner.import_(parts.netloc.partition(".")[0], name)
    else:
        number, _, query = rest.partition("?")
        label = parse_qs(query).get("label", [None])[0]
        found = services.HSMSigner.import_(int(number) if number else None, label, secret)
    return _of_version(version, found)


def _of_version(version: str, found: tuple[str, Any]) -> tuple[str, Any]:
    """These services hand out their newest key only: another one must not be signed with unseen."""
    newest = found[0].rpartition("/")[2]
    if version not in ("", newest):
        raise SigningKeyError(
            "only the newest version of this key can sign", got=version, wanted=newest
        )
    return found


def _services() -> Any:
    from securesystemslib import signer  # 100 ms, and only for keys in services

    return signer


def _public(key: Any) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text = str(key.keyval["public"])
    if key.keytype == "ed25519":
        return load_public(public_pem(Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))))
    return load_public(text.encode())
