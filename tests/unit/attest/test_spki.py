"""The short way to read and write a public key agrees with the library's own parser."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from lading.attest import keys, spki
from lading.errors import SigningKeyError

KINDS: tuple[keys.KeyKind, ...] = ("p256", "p384", "ed25519")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("_again", range(20))
def test_it_agrees_with_the_library(kind: keys.KeyKind, _again: int) -> None:
    pem = keys.generate(kind).public_pem
    key = load_pem_public_key(pem)

    assert spki.decode_pem(pem) == key
    encoded = spki.encode(key)  # type: ignore[arg-type]
    assert encoded == key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_coordinate_that_begins_with_zeros() -> None:
    small = next(
        key
        for key in (ec.derive_private_key(n, ec.SECP256R1()).public_key() for n in range(1, 5000))
        if key.public_numbers().x < 1 << 248
    )

    der = small.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert spki.encode(small) == der


def _pem(der: bytes) -> bytes:
    text = base64.b64encode(der)
    return b"-----BEGIN PUBLIC KEY-----\n" + text + b"\n-----END PUBLIC KEY-----\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flaw", ["longer", "shorter", "off the curve", "base64", "empty"])
def test_anything_else_is_left_to_the_library(kind: keys.KeyKind, flaw: str) -> None:
    pem = keys.generate(kind).public_pem
    der = spki.encode(keys.load_public(pem))
    flawed = {
        "longer": _pem(der + b"\0"),
        "shorter": _pem(der[:-1]),
        "off the curve": _pem(der[:-8] + bytes(8)) if kind != "ed25519" else _pem(der[:-8]),
        "base64": pem.replace(b"\n-----END", b"?\n-----END"),
        "empty": _pem(b""),
    }[flaw]

    assert spki.decode_pem(flawed) is None
    with pytest.raises(SigningKeyError):
        keys.load_public(flawed)


def test_a_compressed_point_is_the_same_key() -> None:
    """OpenSSL writes them when asked to; the library reads them."""
    key = keys.load_public(keys.generate("p256").public_pem)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point

    assert spki.decode_pem(_pem(der)) is None
    assert keys.key_id(keys.load_public(_pem(der))) == keys.key_id(key)
