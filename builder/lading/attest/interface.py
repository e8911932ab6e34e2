"""Signers and verifiers: one protocol each, one file an implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lading.records import record

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Signer", "SignerIdentity", "Verified", "Verifier"]


@record
class SignerIdentity:
    """Who signed, as the verifier established it (never as the bundle claims it)."""

    kind: str  # "key", "certificate" or "keyless"
    name: str  # key: "sha256:<hex of SPKI DER>"; certificate: its SAN
    issuer: str | None = None  # keyless: the OIDC issuer

    def __str__(self) -> str:
        return self.name if self.issuer is None else f"{self.name} ({self.issuer})"


@record
class Verified:
    """Evidence: a payload whose signature by a trusted signer holds."""

    payload: bytes
    payload_type: str
    signer: SignerIdentity
    time: datetime | None  # trusted signing time (timestamp or log), None for a bare key
    log_index: int | None = None


class Signer(Protocol):
    """Signs one in-toto statement."""

    def sign(self, statement: bytes) -> bytes:
        """Return the Sigstore bundle v0.3 (JSON) of a DSSE envelope over ``statement``.

        Raises:
            SigningKeyError: the key cannot be used.
            RegistryError: a signing service did not answer as needed.
        """
        ...


class Verifier(Protocol):
    """Checks one bundle against what it was constructed to trust."""

    def verify(self, bundle: bytes) -> Verified:
        """Return the evidence in ``bundle``, or raise.

        Raises:
            VerificationError: any reason why this bundle proves nothing; ``code`` says which.
        """
        ...
