"""Signing with a key that an organisation's own certificate authority has certified.

Where the key is does not matter: another signer signs with it, a file's or a key service's.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization

from lading.attest.bundle import parse_bundle
from lading.attest.certificates import subject_name
from lading.attest.interface import SignerIdentity
from lading.attest.keys import key_id
from lading.errors import SigningKeyError, VerificationError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from lading.attest.interface import Signer
    from lading.attest.keys import PublicKey

__all__ = ["CertificateSigner"]


class CertificateSigner:
    """A :class:`~lading.attest.interface.Signer` around one that signs with the certified key.

    The bundle carries the leaf only (Sigstore bundle v0.3); whoever verifies has the rest of the
    chain.

    Raises:
        SigningKeyError: the certificate is of another key, or names nobody.
    """

    def __init__(self, inner: Signer, public_key: PublicKey, certificate: Certificate) -> None:
        self._inner: Final = inner
        self._certificate: Final = certificate
        spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        if certificate.public_key().public_bytes(*spki) != public_key.public_bytes(*spki):
            raise SigningKeyError("the certificate is of another key", wanted=key_id(public_key))
        try:
            self._name: Final = subject_name(certificate)
        except VerificationError as e:
            raise SigningKeyError(e.what, got=e.got, wanted=e.wanted) from e

    @property
    def identity(self) -> SignerIdentity:
        """Who a verifier will say has signed."""
        return SignerIdentity("certificate", self._name)

    def sign(self, statement: bytes) -> bytes:
        """Return the inner signer's bundle with the certificate in place of the key's hint.

        Raises:
            LadingError: as the inner signer.
        """
        bundle = parse_bundle(self._inner.sign(statement))
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        return dataclasses.replace(bundle, key_hint=None, certificate=der).to_bytes()
