"""Raw signatures by key type: ECDSA P-256 with SHA-256, P-384 with SHA-384, and Ed25519.

The hash follows from the key and never from what is verified, so there is nothing to confuse
(the algorithms of sigstore's algorithm registry).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from lading.attest.keys import PrivateKey, PublicKey

__all__ = ["sign", "verifies"]


def sign(key: PrivateKey, message: bytes, *, deterministic: bool = True) -> bytes:
    """Return the signature; ECDSA ones in DER and, where OpenSSL can, deterministic (RFC 6979).

    Deterministic, so that signing the same statement twice gives the same bundle and attaching
    it again changes nothing. Not ``deterministic`` is for logs, which take no entry twice.
    """
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(message)
    algorithm = _hash(key.curve)
    try:
        return key.sign(message, ec.ECDSA(algorithm, deterministic_signing=deterministic))
    except UnsupportedAlgorithm:  # OpenSSL before 3.2
        return key.sign(message, ec.ECDSA(algorithm))


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Say whether ``signature`` is one by ``key`` over ``message``."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, message, _Verifying(_hash(key.curve)))
        else:
            key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


class _Verifying(ec.ECDSA):
    """ECDSA, where nothing is signed.

    The library's constructor asks OpenSSL whether it can sign deterministically. Loading what asks
    is a twentieth of a whole ``lading verify``.
    """

    def __init__(self, algorithm: hashes.HashAlgorithm) -> None:
        self._hash = algorithm

    @property
    def algorithm(self) -> hashes.HashAlgorithm:
        return self._hash

    @property
    def deterministic_signing(self) -> bool:
        return False


def _hash(curve: ec.EllipticCurve) -> hashes.HashAlgorithm:
    return hashes.SHA384() if curve.name == "secp384r1" else hashes.SHA256()
