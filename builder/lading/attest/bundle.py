"""Sigstore bundles v0.3: an envelope and what is needed to verify it, in one JSON document.

Specification: sigstore protobuf-specs, ``sigstore_bundle.proto``, ``sigstore_common.proto`` and
``sigstore_rekor.proto`` in their JSON mapping; DSSE content only. The reader takes the exact
camelCase names and no others, as a strict protojson reader does.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from lading.attest.dsse import Envelope, decode_base64, encode_base64, parse_envelope
from lading.attest.strict_json import StrictJsonError, canonical_bytes, parse_object
from lading.errors import LimitError, VerificationError
from lading.limits import LIMITS
from lading.records import changed, record

__all__ = ["BUNDLE_MEDIA_TYPE", "BUNDLE_TYPE_PREFIX", "Bundle", "parse_bundle"]

BUNDLE_MEDIA_TYPE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUNDLE_TYPE_PREFIX: Final = "application/vnd.dev.sigstore.bundle"

_MAX_TEXT: Final = 64 * 1024  # a checkpoint with many witnesses is the longest text
_SIGNERS: Final = frozenset({"publicKey", "certificate"})
_ENTRY: Final[Mapping[str, Any]] = {
    "logIndex": "integer",
    "logId": {"keyId": "base64"},
    "kindVersion": {"kind": "text", "version": "text"},
    "integratedTime": "integer",
    "inclusionPromise": {"signedEntryTimestamp": "base64"},
    "inclusionProof": {
        "logIndex": "integer",
        "rootHash": "base64",
        "treeSize": "integer",
        "hashes": ["base64", LIMITS.log_proof_hashes],
        "checkpoint": {"envelope": "text"},
    },
    "canonicalizedBody": "base64",
}
_MATERIAL: Final[Mapping[str, Any]] = {
    "publicKey": {"hint": "text"},
    "certificate": {"rawBytes": "base64"},
    "tlogEntries": [_ENTRY, LIMITS.bundle_log_entries],
    "timestampVerificationData": {
        "rfc3161Timestamps": [{"signedTimestamp": "base64"}, LIMITS.bundle_timestamps]
    },
}


@record
class Bundle:
    """A parsed bundle. Exactly one of ``key_hint`` and ``certificate`` is set; nothing is verified.

    ``certificate`` is the leaf in DER; ``log_entries`` are JSON objects of the specification's
    shape; ``timestamps`` are RFC 3161 responses in DER.
    """

    envelope: Envelope
    key_hint: str | None = None
    certificate: bytes | None = None
    log_entries: tuple[Mapping[str, Any], ...] = ()
    timestamps: tuple[bytes, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the canonical JSON; empty lists are written, because strict readers want them.

        Raises:
            LimitError: the bundle is larger than other verifiers read.
        """
        signer: dict[str, Any] = (
            {"certificate": {"rawBytes": encode_base64(self.certificate)}}
            if self.certificate is not None
            else {"publicKey": {"hint": self.key_hint or ""}}
        )
        stamps = [{"signedTimestamp": encode_base64(stamp)} for stamp in self.timestamps]
        around = canonical_bytes(
            {
                "mediaType": BUNDLE_MEDIA_TYPE,
                "verificationMaterial": {
                    **signer,
                    "tlogEntries": [dict(entry) for entry in self.log_entries],
                    "timestampVerificationData": {"rfc3161Timestamps": stamps},
                },
                "dsseEnvelope": changed(self.envelope, payload=b"").to_json(),
            }
        )
        # base64 is the same in JSON: to look half a MiB through for what to escape takes longer
        # than to sign it. In the order of keys the payload comes first.
        start = len(b'{"dsseEnvelope":{"payload":"')
        payload = base64.b64encode(self.envelope.payload)
        content = b"".join([around[:start], payload, around[start:]])
        if len(content) >= LIMITS.bundle:
            raise LimitError(
                "the signed document is too large for one bundle",
                got=f"{len(content)} bytes",
                wanted=f"below {LIMITS.bundle}, the layer limit of admission controllers",
                hint="attest the document by its digest instead, or leave parts of it out",
            )
        return content


def parse_bundle(content: bytes) -> Bundle:
    """Return the bundle in ``content``; only its shape is checked.

    Raises:
        VerificationError: ``malformed``, ``bundle-type``, ``signatures`` or ``payload-type``.
    """
    try:
        fields = parse_object(content, limit=LIMITS.bundle)
    except StrictJsonError as e:
        raise VerificationError(
            f"the bundle is malformed: {e.what}", code="malformed", got=e.got, wanted=e.wanted
        ) from e
    if fields.get("mediaType") != BUNDLE_MEDIA_TYPE:
        raise VerificationError(
            "this is not a Sigstore bundle v0.3",
            code="bundle-type",
            got=str(fields.get("mediaType"))[:80],
            wanted=BUNDLE_MEDIA_TYPE,
        )
    if fields.keys() != {"mediaType", "verificationMaterial", "dsseEnvelope"}:
        raise _malformed("the bundle has missing or unknown fields", ", ".join(sorted(fields)))
    material = fields["verificationMaterial"]
    _conform(material, _MATERIAL, "verificationMaterial")
    if len(_SIGNERS & material.keys()) != 1:
        raise _malformed("the bundle must name one key or one certificate", None)
    stamps = material.get("timestampVerificationData", {}).get("rfc3161Timestamps", [])
    return Bundle(
        parse_envelope(fields["dsseEnvelope"]),
        key_hint=material["publicKey"].get("hint", "") if "publicKey" in material else None,
        certificate=_certificate(material),
        log_entries=tuple(material.get("tlogEntries", ())),
        timestamps=tuple(
            decode_base64(s.get("signedTimestamp", ""), "a timestamp") for s in stamps
        ),
    )


def _certificate(material: dict[str, Any]) -> bytes | None:
    if "certificate" not in material:
        return None
    raw = decode_base64(material["certificate"].get("rawBytes", ""), "the certificate")
    if not raw:
        raise _malformed("the bundle's certificate is empty", None)
    return raw


def _conform(value: object, shape: Any, where: str) -> None:
    """Check a JSON value against a shape of ours; recursion is as deep as the shape, not the value.

    As in protobuf's JSON mapping every field may be left out; none may be null or unknown.
    """
    if isinstance(shape, Mapping):
        if not isinstance(value, dict) or not value.keys() <= shape.keys():
            raise _malformed(f"{where} has unknown fields or is no object", None)
        for name, inner in value.items():
            _conform(inner, shape[name], f"{where}.{name}")
    elif isinstance(shape, list):
        if not isinstance(value, list) or len(value) > shape[1]:
            raise _malformed(f"{where} is no list, or has more than {shape[1]} entries", None)
        for inner in value:
            _conform(inner, shape[0], where)
    elif shape == "base64":
        decode_base64(value, where)
    elif not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise _malformed(f"{where} is not a text, or too long", None)
    elif shape == "integer" and not _is_int64(value):
        raise _malformed(f"{where} is not an integer in a text", value[:40])


def _is_int64(text: str) -> bool:
    digits = text.removeprefix("-")
    return (
        len(digits) <= 19
        and digits.isascii()
        and digits.isdigit()
        and str(int(text)) == text
        and abs(int(text)) < 2**63
    )


def _malformed(what: str, got: str | None) -> VerificationError:
    return VerificationError(what, code="malformed", got=got[:160] if got else None)
