"""Signing keys in PEM: P-256, P-384 and Ed25519; made, read and named.

Private keys are PKCS#8 (RFC 5208), encrypted PKCS#8 (PBES2), SEC 1 or cosign's own encrypted
format; public keys are SubjectPublicKeyInfo (RFC 5280).
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from lading.attest import pkcs8, spki
from lading.errors import SigningKeyError
from lading.limits import LIMITS
from lading.records import record

if TYPE_CHECKING:
    from cryptography.hazmat.primitives import serialization

__all__ = [
    "PASSWORD_VARIABLE",
    "KeyKind",
    "KeyPair",
    "PasswordSource",
    "PrivateKey",
    "PublicKey",
    "environment_password",
    "generate",
    "insist_on_new",
    "key_hint",
    "key_id",
    "load_private",
    "load_public",
    "write_pair",
    "write_public",
]

KeyKind: TypeAlias = Literal["p256", "p384", "ed25519"]
PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PasswordSource: TypeAlias = Callable[[], bytes | None]

PASSWORD_VARIABLE: Final = "LADING_KEY_PASSWORD"  # noqa: S105 - the variable's name
_SUPPORTED: Final = "P-256, P-384 or Ed25519"
_CURVES: Final = {"p256": ec.SECP256R1, "p384": ec.SECP384R1}
_CURVE_NAMES: Final = frozenset({"secp256r1", "secp384r1"})
_COSIGN_LABELS: Final = frozenset(
    {"ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"}
)
_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,64})-----")


@record
class KeyPair:
    """A new key pair in PEM; the private half is encrypted when a password was given."""

    private_pem: bytes
    public_pem: bytes

    def __repr__(self) -> str:
        return f"KeyPair(private_pem=…, public_pem={self.public_pem!r})"


def generate(kind: KeyKind = "p256", password: bytes | None = None) -> KeyPair:
    """Make a key pair; ``password`` encrypts the private half (PKCS#8, PBES2).

    Raises:
        SigningKeyError: an empty password.
    """
    from cryptography.hazmat.primitives import serialization

    if password == b"":
        raise SigningKeyError(
            "the key password is empty", hint="choose a password, or ask for an unencrypted key"
        )
    key: PrivateKey = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "ed25519"
        else ec.generate_private_key(_CURVES[kind]())
    )
    protection: serialization.KeySerializationEncryption = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password)
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    return KeyPair(private, public_pem(key.public_key()))


def public_pem(public: PublicKey) -> bytes:
    """Return the SubjectPublicKeyInfo in PEM, as cosign and openssl read it."""
    from cryptography.hazmat.primitives import serialization

    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def key_id(public: PublicKey) -> str:
    """Return ``sha256:<hex>`` over the SubjectPublicKeyInfo in DER: the key's name everywhere."""
    return f"sha256:{_fingerprint(public).hex()}"


def key_hint(public: PublicKey) -> str:
    """Return the same fingerprint as a bundle's ``publicKey.hint`` has it, in base64."""
    return base64.b64encode(_fingerprint(public)).decode("ascii")


def environment_password(prompt: Callable[[], str] | None = None) -> PasswordSource:
    """Return a source that asks ``LADING_KEY_PASSWORD``, then ``prompt`` (None: do not ask)."""

    def source() -> bytes | None:
        value = os.environ.get(PASSWORD_VARIABLE)
        if value is None and prompt is not None:
            value = prompt()
        return None if value is None else os.fsencode(value)

    return source


def load_private(source: Path | str | bytes, password: PasswordSource | None = None) -> PrivateKey:
    """Return the private key in a PEM file (a path) or in PEM bytes.

    ``password`` is asked only when the key is encrypted.

    Raises:
        SigningKeyError: no such file, too large, not a private key, an algorithm or curve we do
            not sign with, a wrong or missing password.
    """
    content, where = _read(source)
    label, block = _single_block(content, where)
    if label in _COSIGN_LABELS:
        from lading.attest.cosign_key import decrypt

        der = decrypt(block, _ask(password, where), where)
        return _supported_private(_load(der, None, where, pem=False), where)
    if label in {"PUBLIC KEY", "CERTIFICATE"}:
        raise SigningKeyError(
            f"this is a {label.lower()}, and signing needs the private key", where=where
        )
    if label == "OPENSSH PRIVATE KEY":
        raise SigningKeyError(
            "this is an OpenSSH key",
            where=where,
            wanted="PKCS#8",
            hint="convert a copy with: ssh-keygen -p -m PKCS8 -f COPY",
        )
    usual = pkcs8.decode_pem(block) if label == "PRIVATE KEY" else None
    if usual is not None:
        return usual
    encrypted = label == "ENCRYPTED PRIVATE KEY" or b"Proc-Type: 4,ENCRYPTED" in block
    secret = _ask(password, where) if encrypted else None
    return _supported_private(_load(block, secret, where, pem=True), where)


def load_public(source: Path | str | bytes) -> PublicKey:
    """Return the public key in a PEM file (a path) or in PEM bytes.

    Raises:
        SigningKeyError: no such file, too large, not a public key, or an algorithm or curve we
            do not verify with.
    """
    content, where = _read(source)
    label, block = _single_block(content, where)
    if "PRIVATE KEY" in label:
        raise SigningKeyError(
            "this is a private key, and verifying needs the public one",
            where=where,
            hint="keep the private key away from where you verify; give its .pub file",
        )
    if label != "PUBLIC KEY":
        raise SigningKeyError("this is not a public key", where=where, got=label)
    usual = spki.decode_pem(block)
    if usual is not None:
        return usual
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_public_key(block)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise SigningKeyError("the public key does not parse", where=where, got=str(e)[:160]) from e
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVE_NAMES:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    raise _unsupported(key, where)


def write_pair(pair: KeyPair, private_path: Path, public_path: Path) -> None:
    """Write both halves to new files, the private one readable by its owner only.

    Raises:
        SigningKeyError: a file is there already (keys are never overwritten) or cannot be made.
    """
    insist_on_new(private_path, public_path)
    _write_new(private_path, pair.private_pem, 0o600)
    _write_new(public_path, pair.public_pem, 0o644)


def write_public(public: PublicKey, path: Path) -> None:
    """Write a public key to a new file.

    Raises:
        SigningKeyError: a file is there already (keys are never overwritten) or cannot be made.
    """
    insist_on_new(path)
    _write_new(path, public_pem(public), 0o644)


def insist_on_new(*paths: Path) -> None:
    """Refuse paths of keys that are there already.

    Raises:
        SigningKeyError: one is; keys are never overwritten.
    """
    for path in paths:
        if path.exists() or path.is_symlink():
            raise SigningKeyError(
                "a file is there already, and keys are never overwritten",
                where=str(path),
                hint="name another with -o NAME, or move that one away",
            )


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as e:
        raise SigningKeyError("the key cannot be written", where=str(path), got=e.strerror) from e


def _fingerprint(public: PublicKey) -> bytes:
    return hashlib.sha256(spki.encode(public)).digest()


def _read(source: Path | str | bytes) -> tuple[bytes, str | None]:
    if isinstance(source, bytes):
        content, where = source, None
    else:
        where = str(source)
        try:
            with Path(source).open("rb") as file:
                content = file.read(LIMITS.key_file + 1)
        except OSError as e:
            raise SigningKeyError(
                "the key cannot be read", where=where, got=e.strerror, hint=_file_hint(where)
            ) from e
    if len(content) > LIMITS.key_file:
        raise SigningKeyError(
            "this file is too large to be a key", where=where, wanted=f"at most {LIMITS.key_file} B"
        )
    return content, where


def _file_hint(where: str) -> str | None:
    from lading.attest.signers.kms_uris import is_kms_uri

    if not is_kms_uri(where):
        return None
    return f"keep its public key in a file, once: lading keygen --public-of '{where}'"


def _single_block(content: bytes, where: str | None) -> tuple[str, bytes]:
    # `openssl ecparam -genkey` writes the parameters in front of the key
    blocks = [block for block in _blocks(content) if block[0] != "EC PARAMETERS"]
    if len(blocks) != 1:
        raise SigningKeyError(
            "this is not a key in PEM" if not blocks else "the file holds more than one key",
            where=where,
            wanted=f"one {_SUPPORTED} key",
            hint="make one with: lading keygen" if not blocks else None,
        )
    return blocks[0]


def _blocks(content: bytes) -> list[tuple[str, bytes]]:
    """Return label and text of each PEM block (RFC 7468); text around them is explanatory."""
    found: list[tuple[str, bytes]] = []
    label, lines = b"", list[bytes]()
    for line in content.splitlines():
        begin = _BEGIN.fullmatch(line.rstrip())
        if begin:
            label, lines = begin.group(1), [line]
        elif label:
            lines.append(line)
            if line.rstrip() == b"-----END " + label + b"-----":
                found.append((label.decode("ascii"), b"\n".join(lines) + b"\n"))
                label = b""
    return found


def _ask(password: PasswordSource | None, where: str | None) -> bytes:
    secret = password() if password is not None else None
    if secret is None:
        raise SigningKeyError(
            "the private key is encrypted and there is no password",
            where=where,
            hint=f"set {PASSWORD_VARIABLE}, or run on a terminal to be asked",
        )
    return secret


def _load(content: bytes, secret: bytes | None, where: str | None, *, pem: bool) -> object:
    from cryptography.hazmat.primitives import serialization

    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        return load(content, secret)
    except UnsupportedAlgorithm as e:
        raise SigningKeyError(
            "this kind of key is not supported", where=where, got=str(e)[:160], wanted=_SUPPORTED
        ) from e
    except (ValueError, TypeError) as e:
        if secret is not None:
            raise SigningKeyError("the password does not open the private key", where=where) from e
        raise SigningKeyError("the private key does not parse", where=where) from e


def _supported_private(key: object, where: str | None) -> PrivateKey:
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVE_NAMES:
        return key
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    raise _unsupported(key, where)


def _unsupported(key: object, where: str | None) -> SigningKeyError:
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        got = f"an elliptic-curve key on {key.curve.name}"
    else:
        got = f"an {type(key).__name__.removesuffix('PublicKey').removesuffix('PrivateKey')} key"
    return SigningKeyError(
        "this kind of key is not supported",
        where=where,
        got=got,
        wanted=_SUPPORTED,
        hint="make one with: lading keygen",
    )
