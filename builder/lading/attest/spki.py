"""Public keys of the three kinds in the one form that each has as SubjectPublicKeyInfo.

RFC 5480, section 2 (named curves, uncompressed points), and RFC 8410, section 4 (Ed25519). What
comes before the key's own bytes is the same for every key of a kind, so nothing is parsed here.
Everything else (compressed points, other kinds, mistakes) is for the library's own parser, whose
import takes longer than verifying does.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

if TYPE_CHECKING:
    from lading.attest.keys import PublicKey

__all__ = ["decode_pem", "encode"]

# of each curve: what precedes the point, and a coordinate's length
_CURVES: Final = {
    "secp256r1": (
        ec.SECP256R1,
        bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"),
        32,
    ),
    "secp384r1": (
        ec.SECP384R1,
        bytes.fromhex("3076301006072a8648ce3d020106052b81040022036200"),
        48,
    ),
}
_ED25519: Final = bytes.fromhex("302a300506032b6570032100")


def encode(public: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo in DER."""
    if isinstance(public, ed25519.Ed25519PublicKey):
        return _ED25519 + public.public_bytes_raw()
    _, prefix, size = _CURVES[public.curve.name]
    point = public.public_numbers()
    return prefix + b"\x04" + point.x.to_bytes(size, "big") + point.y.to_bytes(size, "big")


def decode_pem(block: bytes) -> PublicKey | None:
    """Return the key in a PEM block of the usual form; None for any other block, or a bad key."""
    text = b"".join(line.strip() for line in block.splitlines()[1:-1])
    try:
        der = base64.b64decode(text, validate=True)
        if der.startswith(_ED25519):
            return ed25519.Ed25519PublicKey.from_public_bytes(der[len(_ED25519) :])
        for curve, prefix, size in _CURVES.values():
            point = der.removeprefix(prefix)
            if len(point) == 1 + 2 * size == len(der) - len(prefix) and point[0] == 4:
                return ec.EllipticCurvePublicKey.from_encoded_point(curve(), point)
    except (binascii.Error, ValueError):
        pass
    return None
