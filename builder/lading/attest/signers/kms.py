"""Signing with a key that never leaves a key service or a hardware module, named by a URI.

What a service returns is checked here against its own public key before anybody else sees it.
Each service's client library is optional; :mod:`lading.attest.signers.kms_uris` lists the URIs.

Credentials are each service's ambient ones. A PIN comes from the password source, never from the
URI: a command line is readable by every process on the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.attest.bundle import Bundle
from lading.attest.dsse import PAYLOAD_TYPE, Envelope
from lading.attest.interface import SignerIdentity
from lading.attest.keys import key_hint, key_id
from lading.attest.signatures import verifies
from lading.attest.signers.kms_errors import explained
from lading.attest.signers.kms_services import open_key
from lading.attest.signers.kms_uris import is_kms_uri, parse_kms_uri
from lading.attest.statement import check_statement
from lading.errors import SigningKeyError

if TYPE_CHECKING:
    from lading.attest.keys import PasswordSource, PublicKey

__all__ = ["KmsSigner", "is_kms_uri"]


class KmsSigner:
    """A :class:`~lading.attest.interface.Signer` over a key in a key service.

    Raises:
        UsageError: a URI of no known service, of no one key, or with a PIN in it.
        SigningKeyError: the service's library, the credentials or the key cannot be used.
        RegistryError: the service did not answer as needed, or not in time.
    """

    def __init__(self, uri: str, password: PasswordSource | None = None) -> None:
        self._uri: Final = parse_kms_uri(uri)
        self._password: Final = password
        with explained(self._uri, "the key service does not give its public key"):
            public_key, self._sign = open_key(self._uri, self._secret)
        self.public_key: Final[PublicKey] = public_key

    @property
    def identity(self) -> SignerIdentity:
        """Who a verifier will say has signed."""
        return SignerIdentity("key", key_id(self.public_key))

    def sign(self, statement: bytes) -> bytes:
        """Return the bundle over ``statement``; only its digest goes to most services.

        Raises:
            VerificationError: ``statement`` is malformed.
            SigningKeyError: the service did not sign, or not with the key it named.
            RegistryError: the service did not answer as needed, or not in time.
            LimitError: the bundle would be too large.
        """
        check_statement(statement)
        signed = Envelope(statement, PAYLOAD_TYPE, b"").signed
        with explained(self._uri, "the key service did not sign"):
            signature = self._sign(signed)
        if not verifies(self.public_key, signature, signed):
            raise SigningKeyError(
                "the key service's signature is not one by the key it named over what it was sent",
                where=self._uri.text,
            )
        envelope = Envelope(statement, PAYLOAD_TYPE, signature)
        return Bundle(envelope, key_hint=key_hint(self.public_key)).to_bytes()

    def _secret(self, what: str) -> str:
        secret = self._password() if self._password is not None else None
        if secret is None:
            raise SigningKeyError(
                f"the key needs a {what}, and there is none", where=self._uri.text
            )
        return secret.decode()
