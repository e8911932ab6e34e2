"""The short way to read a private key agrees with the library's own parser."""

from __future__ import annotations

import base64
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lading.attest import keys, pkcs8
from lading.errors import SigningKeyError

if TYPE_CHECKING:
    from pathlib import Path

KINDS: tuple[keys.KeyKind, ...] = ("p256", "p384", "ed25519")


def as_pem(key: keys.PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def as_der(pem: bytes) -> bytes:
    return base64.b64decode(b"".join(pem.splitlines()[1:-1]))


def from_der(der: bytes) -> bytes:
    text = base64.b64encode(der)
    return b"-----BEGIN PRIVATE KEY-----\n" + text + b"\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("_again", range(20))
def test_it_agrees_with_the_library(kind: keys.KeyKind, _again: int) -> None:
    pem = keys.generate(kind).private_pem
    found = pkcs8.decode_pem(pem)

    assert found is not None
    assert as_pem(found) == as_pem(load_pem_private_key(pem, None)) == pem  # type: ignore[arg-type]


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()])
@pytest.mark.parametrize("scalar", [1, 2, 255, 1 << 200])
def test_numbers_that_begin_with_zeros(curve: ec.EllipticCurve, scalar: int) -> None:
    pem = as_pem(ec.derive_private_key(scalar, curve))
    found = pkcs8.decode_pem(pem)

    assert found is not None
    assert as_pem(found) == pem


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flaw", ["longer", "shorter", "another's half", "zero", "base64", "empty"])
def test_anything_else_is_left_to_the_library(kind: keys.KeyKind, flaw: str) -> None:
    pem = keys.generate(kind).private_pem
    der = as_der(pem)
    start = 36 if kind == "p256" else 35
    flawed = {
        "longer": from_der(der + b"\0"),
        "shorter": from_der(der[:-1]),
        "another's half": from_der(der[:-8] + bytes(8)) if kind != "ed25519" else from_der(der[:9]),
        "zero": from_der(der[:start] + bytes(48) + der[start + 48 :]),
        "base64": pem.replace(b"\n-----END", b"?\n-----END"),
        "empty": from_der(b""),
    }[flaw]

    assert pkcs8.decode_pem(flawed) is None
    try:
        key = load_pem_private_key(flawed, None)
    except ValueError:
        with pytest.raises(SigningKeyError):
            keys.load_private(flawed)
    else:  # what the library makes of it is what counts
        assert as_pem(keys.load_private(flawed)) == as_pem(key)  # type: ignore[arg-type]


def test_other_kinds_are_none_of_ours() -> None:
    for curve in (ec.SECP521R1(), ec.SECP256K1()):
        assert pkcs8.decode_pem(as_pem(ec.generate_private_key(curve))) is None


def test_an_encrypted_key_needs_its_password() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))

    assert as_pem(keys.load_private(pem, lambda: b"secret")) == as_pem(key)
    with pytest.raises(SigningKeyError, match="password"):
        keys.load_private(pem, lambda: b"wrong")


def test_the_librarys_parser_is_not_loaded_for_it(tmp_path: Path) -> None:
    path = tmp_path / "lading.key"
    path.write_bytes(keys.generate("p256").private_pem)
    code = (
        "import sys; from pathlib import Path; from lading.attest.keys import load_private;"
        f"load_private(Path({str(path)!r}));"
        "print('cryptography.hazmat.primitives.serialization' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "False"
