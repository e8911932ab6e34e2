"""Use case: does evidence by a trusted signer cover exactly this image?

What a name means is settled first, then every digest it stands for must be covered: the
registry's (what a cluster pulls) and, where an engine on this host has the name too, the
engine's (what ``docker run`` starts). One attestation must name them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lading.attest.bundle import BUNDLE_MEDIA_TYPE, BUNDLE_TYPE_PREFIX
from lading.attest.verify import Candidate, verify_attestations
from lading.errors import LadingError, NoAttestation, VerificationError
from lading.limits import LIMITS
from lading.usecases.evidence import anchor_of
from lading_oci.errors import MalformedError, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.attest.interface import Verifier
    from lading.attest.verify import Evidence
    from lading.engine.probe import EngineImage
    from lading_oci import Descriptor, Reference, Repository

__all__ = ["Verification", "VerifiedAttestation", "verify_image"]


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """One attestation that held."""

    predicate_type: str
    digest: str
    signer: str
    time: datetime | None
    source: str

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``verify``'s document."""
        time = self.time.astimezone(UTC).isoformat().replace("+00:00", "Z") if self.time else None
        return {
            "predicate_type": self.predicate_type,
            "digest": self.digest,
            "signer": self.signer,
            "time": time,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """A yes: what was verified, and the evidence. A no is an exception."""

    target: str
    digest: str
    attestations: tuple[VerifiedAttestation, ...]
    statement: bytes
    engine_checked: bool
