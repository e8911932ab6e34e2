"""What a Rekor v2 log keeps of a signature by a key, and whether an entry is of this one.

Specification: sigstore ``rekor-tiles`` ``CLIENTS.md`` and protobuf-specs ``rekor/v2``:
hashedrekord 0.0.2, whose digest is over the DSSE pre-authentication encoding.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lading.attest.dsse import encode_base64
from lading.attest.strict_json import canonical_bytes
from lading.errors import InputError

if TYPE_CHECKING:
    from lading.attest.dsse import Envelope
    from lading.attest.keys import PublicKey

__all__ = ["expected_body", "key_details", "signed_digest"]

_P256 = ("PKIX_ECDSA_P256_SHA_256", "SHA2_256", "sha256")
_P384 = ("PKIX_ECDSA_P384_SHA_384", "SHA2_384", "sha384")


def key_details(key: PublicKey) -> str:
    """Return protobuf-specs' name for a key and its hash.

    Raises:
        InputError: a key whose signatures have no digest to log (Ed25519).
    """
    return _algorithm(key)[0]


def signed_digest(key: PublicKey, envelope: Envelope) -> bytes:
    """Return the digest that the log keeps of an envelope; raises as :func:`key_details`."""
    return hashlib.new(_algorithm(key)[2], envelope.signed).digest()


def expected_body(key: PublicKey, envelope: Envelope) -> bytes:
    """Return the only canonicalized body that an entry of this envelope by this key can have.

    Raises:
        InputError: as :func:`key_details`.
    """
    details, algorithm, _ = _algorithm(key)
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record: dict[str, Any] = {
        "data": {
            "algorithm": algorithm,
            "digest": encode_base64(signed_digest(key, envelope)),
        },
        "signature": {
            "content": encode_base64(envelope.signature),
            "verifier": {
                "keyDetails": details,
                "publicKey": {"rawBytes": encode_base64(spki)},
            },
        },
    }
    return canonical_bytes(
        {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": record}}
    )


def _algorithm(key: PublicKey) -> tuple[str, str, str]:
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _P384 if key.curve.name == "secp384r1" else _P256
    raise InputError("the transparency log takes no Ed25519 signatures", wanted="P-256 or P-384")
