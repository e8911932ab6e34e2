"""What a verification gives back: a yes with its evidence."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from lading.records import record

if TYPE_CHECKING:
    from datetime import datetime

    from lading.attest.verify import Refusal
    from lading.attest.vsa import Vsa

__all__ = ["Verification", "VerifiedAttestation"]


@record
class VerifiedAttestation:
    """One attestation that held; without ``time_trusted``, the time is its signer's word.

    ``older`` are the sources of others of its type that hold and do not count, being older;
    ``refused`` those that do not hold, and why.
    """

    predicate_type: str
    digest: str
    signer: str
    time: datetime | None
    time_trusted: bool
    source: str
    log_index: int | None = None
    older: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``verify``'s document."""
        time = self.time.astimezone(UTC).isoformat().replace("+00:00", "Z") if self.time else None
        return {
            "predicate_type": self.predicate_type,
            "digest": self.digest,
            "signer": self.signer,
            "time": time,
            "time_trusted": self.time_trusted,
            "source": self.source,
            "log_index": self.log_index,
            "older": list(self.older),
            "refused": [one.to_json() for one in self.refused],
        }


@record
class Verification:
    """A yes: what was verified, and the evidence. A no is an exception."""

    target: str
    digest: str
    attestations: tuple[VerifiedAttestation, ...]
    engine_checked: bool
    seal: Vsa | None = None
    platforms: tuple[str, ...] = ()  # manifests that were asked for besides

    def to_json(self) -> dict[str, Any]:
        """Return the ``verify`` document of a yes, without ``requests`` and ``policy``."""
        return {
            "target": self.target,
            "digest": self.digest,
            "verified": True,
            "attestations": [one.to_json() for one in self.attestations],
            "engine_checked": self.engine_checked,
            "platforms": list(self.platforms),
            "sealed": sorted(self.seal.inputs) if self.seal else None,
            "error": None,
        }
