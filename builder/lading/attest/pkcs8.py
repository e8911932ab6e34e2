"""Private keys of the three kinds in the one form that each mostly has as PKCS#8, not encrypted.

RFC 5958, section 2, with RFC 5915 (the curve's key, with its public half) and RFC 8410, section 7
(Ed25519). What stands around the key's own bytes is the same for every key of a kind, so nothing
is parsed here. Everything else (encrypted keys, other forms and kinds, mistakes) is for the
library's own parser, whose import takes longer than signing does.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

if TYPE_CHECKING:
    from lading.attest.keys import PrivateKey

__all__ = ["decode_pem"]

# of each curve: what precedes the scalar, what lies between it and the point, a coordinate's length
_CURVES: Final = (
    (
        ec.SECP256R1,
        bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420"),
        bytes.fromhex("a144034200"),
        32,
    ),
    (
        ec.SECP384R1,
        bytes.fromhex("3081b6020100301006072a8648ce3d020106052b8104002204819e30819b0201010430"),
        bytes.fromhex("a164036200"),
        48,
    ),
)
_ED25519: Final = bytes.fromhex("302e020100300506032b657004220420")


def decode_pem(block: bytes) -> PrivateKey | None:
    """Return the key in a ``PRIVATE KEY`` of the usual form; None for any other, or a bad key.

    A key whose public half is not its own is a bad one.
    """
    text = b"".join(line.strip() for line in block.splitlines()[1:-1])
    try:
        der = base64.b64decode(text, validate=True)
        if der.startswith(_ED25519):
            return ed25519.Ed25519PrivateKey.from_private_bytes(der[len(_ED25519) :])
        for curve, prefix, between, size in _CURVES:
            scalar, rest = der[len(prefix) : len(prefix) + size], der[len(prefix) + size :]
            if not der.startswith(prefix) or not rest.startswith(between):
                continue
            key = ec.derive_private_key(int.from_bytes(scalar, "big"), curve())
            point = key.public_key().public_numbers()
            halves = point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")
            return key if rest[len(between) :] == b"\x04" + halves else None
    except (binascii.Error, ValueError):
        pass
    return None
