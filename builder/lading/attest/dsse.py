"""DSSE envelopes with exactly one signature over an in-toto statement.

Specification: DSSE v1.0, ``protocol.md`` (pre-authentication encoding) and ``envelope.md``.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from lading.errors import VerificationError
from lading.records import record

__all__ = ["PAYLOAD_TYPE", "Envelope", "decode_base64", "encode_base64", "pae", "parse_envelope"]

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
_FIELDS: Final = frozenset({"payload", "payloadType", "signatures"})
_MAX_SIGNATURE: Final = 16 * 1024


@record
class Envelope:
    """One payload, one signature; ``keyid`` is an unauthenticated hint (protocol.md)."""

    payload: bytes
    payload_type: str
    signature: bytes
    keyid: str = ""

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return pae(self.payload_type, self.payload)

    def to_json(self) -> dict[str, Any]:
        """Return the envelope as the object that a bundle holds (envelope.md)."""
        return {
            "payload": encode_base64(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": encode_base64(self.signature)}],
        }


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding; lengths are in bytes (protocol.md)."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def encode_base64(data: bytes) -> str:
    """Return standard base64 with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(value: object, what: str) -> bytes:
    """Return the bytes of a canonical, padded, standard base64 text.

    Exactly one text decodes to any bytes: other alphabets, white space, missing padding and
    non-zero trailing bits are refused, so that a bundle cannot be varied without notice.

    Raises:
        VerificationError: ``malformed``.
    """
    if isinstance(value, str):
        try:
            data = binascii.a2b_base64(value.encode("ascii"), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError):
            data = None
        if data is not None and encode_base64(data) == value:
            return data
    raise VerificationError(f"{what} is not canonical base64", code="malformed")


def parse_envelope(value: object) -> Envelope:
    """Return the envelope in a parsed JSON value.

    Raises:
        VerificationError: ``malformed``, ``signatures`` when there is not exactly one,
            ``payload-type`` when it is not an in-toto statement.
    """
    if not isinstance(value, dict) or value.keys() != _FIELDS:
        raise VerificationError("the DSSE envelope has other fields", code="malformed")
    if value["payloadType"] != PAYLOAD_TYPE:
        raise VerificationError(
            "the envelope's payload is of another type",
            code="payload-type",
            got=str(value["payloadType"])[:80],
            wanted=PAYLOAD_TYPE,
        )
    signatures = value["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        count = len(signatures) if isinstance(signatures, list) else "none"
        raise VerificationError(
            "the envelope must have exactly one signature", code="signatures", got=str(count)
        )
    signature, keyid = _signature(signatures[0])
    return Envelope(decode_base64(value["payload"], "the payload"), PAYLOAD_TYPE, signature, keyid)


def _signature(value: object) -> tuple[bytes, str]:
    if not isinstance(value, dict) or not {"sig"} <= value.keys() <= {"sig", "keyid"}:
        raise VerificationError("the signature has other fields", code="malformed")
    keyid = value.get("keyid", "")
    if not isinstance(keyid, str):
        raise VerificationError("the signature's keyid is not a text", code="malformed")
    signature = decode_base64(value["sig"], "the signature")
    if not 0 < len(signature) <= _MAX_SIGNATURE:
        raise VerificationError("the signature is empty or too long", code="malformed")
    return signature, keyid
