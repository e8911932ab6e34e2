"""Verifying bundles signed with a key pair, with the standard library and cryptography alone.

Steps, in this order (each refuses with its own ``VerificationError.code``):

1. Parse the bundle strictly: size, depth, known fields, one signature, in-toto payload type
   (protobuf-specs, ``sigstore_bundle.proto``; DSSE v1.0, ``envelope.md``).
2. The bundle must say that it is signed with a key; a certificate is another verifier's business
   (``sigstore_bundle.proto``, VerificationMaterial.content).
3. Order the trusted keys by the hint. The hint is written by whoever made the bundle: it spares
   work and words an error, and decides nothing (PublicKeyIdentifier.hint).
4. The signature over the pre-authentication encoding must hold under one trusted key, with the
   hash that this key's type fixes (DSSE v1.0, ``protocol.md``).
5. The payload must be a strict in-toto statement (in-toto attestation v1, ``statement.md``);
   only now is it read.

Log entries and timestamps in the bundle prove nothing here, so they are not evidence here either.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from lading.attest.bundle import Bundle, parse_bundle
from lading.attest.interface import SignerIdentity, Verified
from lading.attest.keys import PublicKey, key_hint, key_id
from lading.attest.signatures import verifies
from lading.attest.statement import parse_statement
from lading.errors import SigningKeyError, VerificationError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["KeyVerifier"]


class KeyVerifier:
    """A :class:`~lading.attest.interface.Verifier` that trusts exactly the given public keys."""

    def __init__(self, public_keys: Iterable[PublicKey]) -> None:
        self._keys: Final = {key_hint(key): key for key in public_keys}
        if not 1 <= len(self._keys) <= LIMITS.trusted_keys:
            raise SigningKeyError(
                "there is no key to trust, or too many",
                got=str(len(self._keys)),
                wanted=f"1 to {LIMITS.trusted_keys}",
            )

    def verify(self, bundle: bytes) -> Verified:
        """Return the statement and the key that signed it.

        Raises:
            VerificationError: ``malformed``, ``bundle-type``, ``signatures``, ``payload-type``,
                ``signer-kind``, ``signer``, ``signature`` or ``statement-type``.
        """
        parsed = parse_bundle(bundle)
        if parsed.key_hint is None:
            raise VerificationError(
                "the attestation was signed keyless, and a key is trusted here",
                code="signer-kind",
                got="a certificate",
                wanted=self._wanted(),
                hint="name the trusted identity and issuer instead of a key",
            )
        key = self._signer(parsed)
        parse_statement(parsed.envelope.payload)
        return Verified(
            payload=parsed.envelope.payload,
            payload_type=parsed.envelope.payload_type,
            signer=SignerIdentity("key", key_id(key)),
            time=None,
        )

    def _signer(self, parsed: Bundle) -> PublicKey:
        hint, envelope = parsed.key_hint or "", parsed.envelope
        named = self._keys.get(hint)
        signed = envelope.signed
        for key in sorted(self._keys.values(), key=lambda key: key is not named):
            if verifies(key, envelope.signature, signed):
                return key
        if named is None:
            raise VerificationError(
                "the attestation is not signed by a trusted key",
                code="signer",
                got=f"a signature that claims the key {_readable(hint)}",
                wanted=self._wanted(),
                hint="If that key is to be trusted, give its public half: --key, or a trust rule.",
            )
        raise VerificationError(
            "the signature does not hold: the attestation was changed after it was signed",
            code="signature",
            wanted=f"a signature by {key_id(named)}",
        )

    def _wanted(self) -> str:
        return " or ".join(sorted(key_id(key) for key in self._keys.values()))


def _readable(hint: str) -> str:
    """Show a hint as a key's name when it has the form of one, else safely quoted."""
    try:
        raw = base64.b64decode(hint, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    return f"sha256:{raw.hex()}" if len(raw) == 32 else ascii(hint[:80])
