"""Requiring witnesses of a key's signature: a timestamp, a transparency log entry, or both.

Steps, in this order:

1. The key verifier's own steps; nothing below can make good what it refuses.
2. A timestamp by a trusted authority over this signature, when one is required or present
   (RFC 3161; ``timestamp``).
3. Exactly one log entry whose body is, byte for byte, the one that this envelope and this key
   have (``log``); then its inclusion proof and the checkpoint's signature under the root of trust
   (RFC 6962, section 2.1.1; c2sp.org/tlog-checkpoint), when one is required or present.

A witness that is there must hold even where it is not required: one that does not is forged.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from lading.attest.bundle import Bundle, parse_bundle
from lading.attest.dsse import decode_base64
from lading.attest.keys import key_id
from lading.attest.log_entries import expected_body
from lading.attest.timestamps import stamped_time
from lading.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sigstore.models import TrustedRoot

    from lading.attest.interface import Verified
    from lading.attest.keys import PublicKey

__all__ = ["WitnessedVerifier"]


class WitnessedVerifier:
    """A :class:`~lading.attest.interface.Verifier` that asks more than a key verifier does."""

    def __init__(
        self, public_keys: Iterable[PublicKey], root: TrustedRoot, *, log: bool, timestamp: bool
    ) -> None:
        from lading.attest.verifiers.key import KeyVerifier

        keys = list(public_keys)
        self._inner: Final = KeyVerifier(keys)
        self._keys: Final = {key_id(key): key for key in keys}
        self._root: Final = root
        self._log: Final = log
        self._timestamp: Final = timestamp

    def verify(self, bundle: bytes) -> Verified:
        """Return the evidence, with the timestamp's time and the log's index.

        Raises:
            VerificationError: as the key verifier, or ``timestamp`` or ``log``.
        """
        verified = self._inner.verify(bundle)
        parsed = parse_bundle(bundle)
        chains = [
            authority.certificates(allow_expired=True)
            for authority in self._root.get_timestamp_authorities()
        ]
        time = stamped_time(parsed.timestamps, parsed.envelope.signature, chains)
        if time is None and self._timestamp:
            raise VerificationError("the signature has no timestamp", code="timestamp")
        index = self._entry(parsed, self._keys[verified.signer.name])
        return dataclasses.replace(verified, time=time, log_index=index)

    def _entry(self, parsed: Bundle, key: PublicKey) -> int | None:
        if not parsed.log_entries and not self._log:
            return None
        if len(parsed.log_entries) != 1:
            raise VerificationError(
                "the signature must have exactly one transparency log entry",
                code="log",
                got=str(len(parsed.log_entries)),
            )
        entry = parsed.log_entries[0]
        body = decode_base64(entry.get("canonicalizedBody", ""), "the log entry")
        if body != expected_body(key, parsed.envelope):
            raise VerificationError(
                "the transparency log entry is of another signature", code="log"
            )
        return _included(entry, self._root)


def _included(entry: Mapping[str, Any], root: TrustedRoot) -> int:
    """Return the entry's index in the log, once its proof and checkpoint hold."""
    from sigstore._internal.trust import KeyringPurpose
    from sigstore.models import TransparencyLogEntry
    from sigstore_models.rekor.v1 import TransparencyLogEntry as Message

    try:
        parsed = TransparencyLogEntry(Message.from_dict(dict(entry)))
        parsed._verify(root.rekor_keyring(KeyringPurpose.VERIFY))  # noqa: SLF001 - has no public name
        return int(entry["inclusionProof"]["logIndex"])
    except Exception as e:
        words = " ".join(str(e).split()).encode("unicode_escape").decode("ascii")
        raise VerificationError(
            "the transparency log entry does not hold", code="log", got=words[:300]
        ) from e
