"""Signing with a key pair that an organisation's own certificate authority has certified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization

from lading.attest.bundle import Bundle
from lading.attest.certificates import subject_name
from lading.attest.dsse import PAYLOAD_TYPE, Envelope, pae
from lading.attest.interface import SignerIdentity
from lading.attest.keys import key_id
from lading.attest.signatures import sign
from lading.attest.statement import parse_statement
from lading.errors import SigningKeyError, VerificationError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from lading.attest.keys import PrivateKey

__all__ = ["CertificateSigner"]


class CertificateSigner:
    """A :class:`~lading.attest.interface.Signer` over a private key and its certificate.

    The bundle carries the leaf only (Sigstore bundle v0.3); whoever verifies has the rest of the
    chain.

    Raises:
        SigningKeyError: the certificate is of another key, or names nobody.
    """

    def __init__(self, private_key: PrivateKey, certificate: Certificate) -> None:
        self._key: Final = private_key
        self._certificate: Final = certificate
        spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if certificate.public_key().public_bytes(*spki) != private_key.public_key().public_bytes(
            *spki
        ):
            raise SigningKeyError(
                "the certificate is of another key", wanted=key_id(private_key.public_key())
            )
        try:
            self._name: Final = subject_name(certificate)
        except VerificationError as e:
            raise SigningKeyError(e.what, got=e.got, wanted=e.wanted) from e

    @property
    def identity(self) -> SignerIdentity:
        """Who a verifier will say has signed."""
        return SignerIdentity("certificate", self._name)

    def sign(self, statement: bytes) -> bytes:
        """Return the bundle over ``statement``.

        Raises:
            VerificationError: ``statement`` is malformed.
            LimitError: the bundle would be too large.
        """
        parse_statement(statement)
        envelope = Envelope(statement, PAYLOAD_TYPE, sign(self._key, pae(PAYLOAD_TYPE, statement)))
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        return Bundle(envelope, certificate=der).to_bytes()
