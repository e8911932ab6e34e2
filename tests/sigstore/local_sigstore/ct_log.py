"""A certificate transparency log's key, and what signs with it besides the log itself.

RFC 6962, sections 3.2 (signed certificate timestamp), 4.2 (add-pre-chain). The log is TesseraCT;
attacks need timestamps for certificates that no log would take, signed by its key. Where TesseraCT
cannot be built, the same code answers Fulcio, too: clients of a certificate check the timestamp's
signature and never ask the log. cosign and sigstore-python, which both check it, are its judges.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import Certificate, load_der_x509_certificate

from support.oci_server import Reply, Request, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CtLog", "running_log"]

POISON = bytes.fromhex("060a2b06010401d679020403")  # OID 1.3.6.1.4.1.11129.2.4.3, section 3.1
EXTENSIONS = 0xA3  # tbsCertificate's [3]
PRECERT_ENTRY = 1
SHA256_ECDSA = b"\x04\x03"


class CtLog:
    """The log's key and address. ``real``: TesseraCT serves it."""

    def __init__(self, url: str, *, real: bool = False) -> None:
        self.url = url
        self.real = real
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_pem(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def add_pre_chain(self, chain: list[str]) -> dict[str, Any]:
        """Return the timestamp for a precertificate, whose issuer comes next in the chain."""
        precertificate, issuer = (
            load_der_x509_certificate(base64.b64decode(item)) for item in chain[:2]
        )
        precertificate.verify_directly_issued_by(issuer)
        now = int(time.time() * 1000)
        tbs = without_poison(precertificate.tbs_certificate_bytes)
        signed = struct.pack("!BBQH", 0, 0, now, PRECERT_ENTRY) + _key_hash(issuer)
        signed += len(tbs).to_bytes(3, "big") + tbs + b"\x00\x00"
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        digitally_signed = SHA256_ECDSA + len(signature).to_bytes(2, "big") + signature
        return {
            "sct_version": 0,
            "id": base64.b64encode(_spki_hash(self.key.public_key())).decode(),
            "timestamp": now,
            "extensions": "",
            "signature": base64.b64encode(digitally_signed).decode(),
        }


def without_poison(tbs: bytes) -> bytes:
    """Return a TBSCertificate in DER without the poison extension (section 3.2)."""
    kept = b""
    for tag, content in _fields(_fields(tbs)[0][1]):
        if tag == EXTENSIONS:
            extensions = _fields(_fields(content)[0][1])
            rest = b"".join(
                _encode(inner, value) for inner, value in extensions if not value.startswith(POISON)
            )
            content = _encode(0x30, rest)
        kept += _encode(tag, content)
    return _encode(0x30, kept)


def _fields(der: bytes) -> list[tuple[int, bytes]]:
    fields, position = [], 0
    while position < len(der):
        tag, length, start = der[position], der[position + 1], position + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[start : start + size], "big")
            start += size
        fields.append((tag, der[start : start + length]))
        position = start + length
    return fields


def _encode(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _spki_hash(key: Any) -> bytes:
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).digest()


def _key_hash(issuer: Certificate) -> bytes:
    return _spki_hash(issuer.public_key())


@contextmanager
def running_log() -> Iterator[CtLog]:
    """Serve a log on a free loopback port until the block ends."""
    log = CtLog("")

    def answer(request: Request) -> Reply:
        if not request.path.endswith("/ct/v1/add-pre-chain"):
            return Reply(404)
        stamp = log.add_pre_chain(json.loads(request.body)["chain"])
        return Reply(200, json.dumps(stamp).encode(), {"Content-Type": "application/json"})

    with serve(answer) as server:
        log.url = f"http://{server.host}"
        yield log
