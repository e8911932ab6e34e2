"""Use case: does evidence by a trusted signer cover exactly this image?

What the name means is settled first (``locate``), then one attestation by a trusted signer must
name every digest it stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from lading.attest.bundle import BUNDLE_TYPE_PREFIX
from lading.attest.verify import Candidate, verify_attestations
from lading.errors import VerificationError
from lading.limits import LIMITS
from lading.usecases.locate import locate
from lading_oci.errors import FactsError
from lading_oci.manifests import parse_descriptor

if TYPE_CHECKING:
    from datetime import timedelta

    from lading.attest.interface import Verifier
    from lading.attest.verify import Evidence
    from lading.usecases.locate import Located, Place, Ports
    from lading.usecases.targets import NamedImage
    from lading_oci.interface import Descriptor, Repository

__all__ = ["Verification", "VerifiedAttestation", "fetch_bundle", "is_bundle", "verify_image"]


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

    def to_json(self) -> dict[str, Any]:
        """Return the ``verify`` document of a yes, without ``requests`` and ``policy``."""
        return {
            "target": self.target,
            "digest": self.digest,
            "verified": True,
            "attestations": [one.to_json() for one in self.attestations],
            "engine_checked": self.engine_checked,
            "error": None,
        }


def verify_image(
    image: NamedImage,
    ports: Ports,
    *,
    verifier: Verifier,
    predicate_type: str,
    max_age: timedelta | None = None,
) -> Verification:
    """Return the evidence that covers everything the name stands for, or raise.

    Raises:
        VerificationError: evidence exists and does not hold for every digest.
        NoAttestation: there is no evidence of ``predicate_type``.
        EngineError, OciError: what must be asked did not answer as needed.
    """
    located = locate(image, ports)
    place, candidates = _candidates(located)
    rules = _Rules(verifier, predicate_type, max_age)
    try:
        evidence = rules.judge(candidates, located.wanted)
    except VerificationError as refusal:
        if refusal.code == "subject" and len(located.wanted) > 1:
            _explain_stale_engine(rules, candidates, located)
        raise
    held = VerifiedAttestation(
        evidence.statement.predicate_type,
        evidence.digest,
        str(evidence.signer),
        evidence.time or evidence.claimed_time,
        f"{place.repository.name}@{evidence.source}",
    )
    return Verification(
        str(image.reference), located.digest, (held,), evidence.payload, located.in_engine
    )


@dataclass(frozen=True, slots=True)
class _Rules:
    verifier: Verifier
    predicate_type: str
    max_age: timedelta | None

    def judge(self, candidates: list[Candidate], wanted: frozenset[str]) -> Evidence:
        return verify_attestations(
            candidates,
            verifier=self.verifier,
            subject_digests=wanted,
            predicate_type=self.predicate_type,
            now=datetime.now(UTC),
            max_age=self.max_age,
        )


def _explain_stale_engine(rules: _Rules, candidates: list[Candidate], located: Located) -> None:
    """Say so when the registry's image is covered and only the engine's copy is not."""
    try:
        rules.judge(candidates, frozenset({located.digest}))
    except FactsError:
        return
    raise VerificationError(
        "The Docker engine has another image under this name than the verified one, and "
        "`docker run` would start it",
        code="engine-copy",
        got=", ".join(located.wanted - {located.digest}),
        wanted=f"the engine's copy of {located.digest}",
        hint="Pull the image again, or verify only the registry's with registry:NAME.",
    )


def _candidates(located: Located) -> tuple[Place, list[Candidate]]:
    """List what claims to be a bundle, where there is any; bytes are fetched when judged."""
    for place in located.places:
        bundles = [one for one in place.referrers() if is_bundle(one)]
        if bundles:
            break
    return place, [
        Candidate(
            source=one.digest,
            fetch=partial(fetch_bundle, place.repository, one),
            predicate_hint=one.annotations.get("dev.sigstore.bundle.predicateType"),
        )
        for one in bundles
    ]


def is_bundle(referrer: Descriptor) -> bool:
    """Whether a referrer can carry a bundle; other writers leave the artifact type out."""
    kind = referrer.artifact_type
    return kind is None or kind.startswith(BUNDLE_TYPE_PREFIX)


def fetch_bundle(repository: Repository, referrer: Descriptor) -> bytes:
    """Return the bundle of a referrer: the only layer of its manifest, verified while read.

    Raises:
        VerificationError: the referrer is not shaped as one that carries a bundle.
        OciError: it could not be read.
    """
    manifest = repository.manifest(referrer.digest).json()
    layers = manifest.get("layers")
    if not isinstance(layers, list) or len(layers) != 1:
        raise VerificationError(
            "an attestation's manifest does not have exactly one layer",
            code="malformed",
            where=referrer.digest,
        )
    layer = parse_descriptor(layers[0], where=referrer.digest)
    if not layer.media_type.startswith(BUNDLE_TYPE_PREFIX):
        raise VerificationError(
            "an attestation's layer is not a Sigstore bundle",
            code="malformed",
            where=referrer.digest,
            got=layer.media_type,
        )
    return repository.read_blob(layer, limit=LIMITS.bundle)
