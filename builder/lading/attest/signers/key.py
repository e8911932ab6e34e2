"""Signing with a key pair on this machine."""

from __future__ import annotations

from typing import Final

from lading.attest.bundle import Bundle
from lading.attest.dsse import PAYLOAD_TYPE, Envelope, pae
from lading.attest.interface import SignerIdentity
from lading.attest.keys import PrivateKey, PublicKey, key_hint, key_id
from lading.attest.signatures import sign
from lading.attest.statement import check_statement

__all__ = ["KeySigner"]


class KeySigner:
    """A :class:`~lading.attest.interface.Signer` over a private key.

    Equal statements get equal bundles, unless it is told not to be ``deterministic``.
    """

    def __init__(self, private_key: PrivateKey, *, deterministic: bool = True) -> None:
        self._key: Final = private_key
        self._deterministic: Final = deterministic

    @property
    def public_key(self) -> PublicKey:
        """The other half."""
        return self._key.public_key()

    @property
    def identity(self) -> SignerIdentity:
        """Who a verifier will say has signed."""
        return SignerIdentity("key", key_id(self._key.public_key()))

    def sign(self, statement: bytes) -> bytes:
        """Return the bundle over ``statement``; what is not an in-toto statement is not signed.

        Raises:
            VerificationError: ``statement`` is malformed.
            LimitError: the bundle would be too large.
        """
        check_statement(statement)
        message = pae(PAYLOAD_TYPE, statement)
        signature = sign(self._key, message, deterministic=self._deterministic)
        envelope = Envelope(statement, PAYLOAD_TYPE, signature)
        return Bundle(envelope, key_hint=key_hint(self._key.public_key())).to_bytes()
