"""cosign's encrypted private keys: PKCS#8 in a NaCl secretbox under a scrypt-derived key.

The PEM body is the JSON of go-securesystemslib's ``encrypted`` package:
``{"kdf": {"name": "scrypt", "params": {"N", "r", "p"}, "salt"}, "cipher": {"name":
"nacl/secretbox", "nonce"}, "ciphertext"}``, binary values in base64.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from lading.attest.strict_json import StrictJsonError, parse_object
from lading.errors import SigningKeyError
from lading.limits import LIMITS

__all__ = ["decrypt"]

_SALT: Final = 32
_NONCE: Final = 24
_KEY: Final = 32
_MAX_N: Final = 1 << 20  # cosign writes 2^16 (new keys) or 2^15 (old ones); memory is 128·N·r bytes
_MAX_R: Final = 8
_MAX_P: Final = 4


def decrypt(pem: bytes, password: bytes, where: str | None) -> bytes:
    """Return the PKCS#8 DER in a cosign key file.

    Raises:
        SigningKeyError: malformed, parameters that would cost too much, a wrong password, or
            PyNaCl is not installed.
    """
    try:
        from nacl.exceptions import CryptoError
        from nacl.secret import SecretBox
    except ImportError as e:
        raise SigningKeyError(
            "reading cosign's encrypted keys needs PyNaCl",
            where=where,
            hint="install the package pynacl, or make a key with: lading keygen",
        ) from e
    key, nonce, ciphertext = _unpack(pem, password, where)
    try:
        return bytes(SecretBox(key).decrypt(ciphertext, nonce))
    except CryptoError as e:
        raise SigningKeyError("the password does not open the private key", where=where) from e


def _unpack(pem: bytes, password: bytes, where: str | None) -> tuple[bytes, bytes, bytes]:
    try:
        body = b"".join(pem.splitlines()[1:-1])
        fields = parse_object(base64.b64decode(body, validate=True), limit=LIMITS.key_file)
        kdf, cipher = fields["kdf"], fields["cipher"]
        if kdf["name"] != "scrypt" or cipher["name"] != "nacl/secretbox":
            raise SigningKeyError(
                "the key file uses another cipher",
                where=where,
                got=f"{kdf['name']}, {cipher['name']}"[:80],
            )
        key = _scrypt(kdf["params"], _binary(kdf["salt"], _SALT), password, where)
        return key, _binary(cipher["nonce"], _NONCE), _binary(fields["ciphertext"], None)
    except (StrictJsonError, binascii.Error, KeyError, TypeError, ValueError) as e:
        raise SigningKeyError("the key file is malformed", where=where) from e


def _scrypt(params: dict[str, Any], salt: bytes, password: bytes, where: str | None) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    n, r, p = params["N"], params["r"], params["p"]
    fits = (
        all(isinstance(value, int) for value in (n, r, p))
        and 1 < n <= _MAX_N
        and n & (n - 1) == 0
        and 1 <= r <= _MAX_R
        and 1 <= p <= _MAX_P
    )
    if not fits:
        raise SigningKeyError(
            "the key file's scrypt parameters are out of bounds", where=where, got=str(params)[:80]
        )
    return Scrypt(salt=salt, length=_KEY, n=n, r=r, p=p).derive(password)


def _binary(text: str, length: int | None) -> bytes:
    data = base64.b64decode(text, validate=True)
    if length is not None and len(data) != length:
        raise ValueError("a field of the key file has another length")
    return data
