"""Entries of a log of Rekor's first version that no honest log makes: made here, by its key.

rekor ``types/dsse/v0.0.1``; RFC 6962, section 2.1 (a tree of one leaf); c2sp.org/tlog-checkpoint;
the promise is a signature over the entry's canonical JSON. The log itself is in
:mod:`local_sigstore.rekor_v1`; it takes no time but its own, and attacks need others. cosign
judges that what is made here without a flaw is an entry.
"""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local_sigstore.rekor_v1 import ORIGIN, described

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from lading.attest.dsse import Envelope
    from local_sigstore.local import LocalSigstore

__all__ = ["MadeRekorV1", "b64"]

TREE = 1193050959916656506


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


class MadeRekorV1:
    """A log's key, and what it signs."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_id = hashlib.sha256(
            self.key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).digest()

    def trusted_root(self, local: LocalSigstore) -> dict[str, Any]:
        """Return the local Sigstore's root of trust, with this log in place of Rekor v2."""
        return {**local.trusted_root(), "tlogs": [described(self.key)]}

    def entry(
        self,
        envelope: Envelope,
        certificate: Certificate,
        *,
        time: datetime | None = None,
        earlier: int = 0,
    ) -> dict[str, Any]:
        """Return a bundle's entry for the envelope, with ``earlier`` entries in older trees."""
        body = _body(envelope, certificate)
        root = hashlib.sha256(b"\0" + body).digest()
        when = int((time or datetime.now(UTC)).timestamp())
        promised = {
            "body": b64(body),
            "integratedTime": when,
            "logID": self.key_id.hex(),
            "logIndex": earlier,
        }
        note = f"{ORIGIN} - {TREE}\n1\n{b64(root)}\n"  # by which clients know the first version
        signed = b64(self.key_id[:4] + self._sign(note.encode()))
        return {
            "logIndex": str(earlier),
            "logId": {"keyId": b64(self.key_id)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(when),
            "inclusionPromise": {"signedEntryTimestamp": b64(self._sign(_canonical(promised)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": b64(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 {ORIGIN} {signed}\n"},
            },
            "canonicalizedBody": b64(body),
        }

    def _sign(self, content: bytes) -> bytes:
        return self.key.sign(content, ec.ECDSA(hashes.SHA256()))


def _body(envelope: Envelope, certificate: Certificate) -> bytes:
    def sha256(content: bytes) -> dict[str, str]:
        return {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}

    verifier = b64(certificate.public_bytes(serialization.Encoding.PEM))
    return _canonical(
        {
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": sha256(_canonical(envelope.to_json())),
                "payloadHash": sha256(envelope.payload),
                "signatures": [{"signature": b64(envelope.signature), "verifier": verifier}],
            },
        }
    )


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
