"""Use case: everything that trusted signers attested about an image, verified, as evidence.

Of every type, wherever it is kept. What does not hold is no evidence, and says so only to whoever
asks (``lading tree``).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lading.attest.predicates import CYCLONEDX
from lading.attest.statement import parse_statement
from lading.attest.times import claimed_time
from lading.attest.verify import insist_on_few
from lading.errors import VerificationError
from lading.policy import Attested, Evidence
from lading.policy.components import merged
from lading.usecases.bundles import bundles_at, candidates
from lading.usecases.digests import platform_manifests
from lading.usecases.locate import locate
from lading_oci.digest import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.attest.interface import Verifier
    from lading.attest.statement import Statement
    from lading.usecases.locate import Located, Ports
    from lading.usecases.targets import NamedImage

__all__ = ["Gathered", "gather", "hold_attested"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """Verified evidence about an image; ``name`` is its repository's."""

    name: str
    located: Located
    evidence: Evidence
    missing_platforms: tuple[str, ...] = ()


def gather(
    image: NamedImage, ports: Ports, *, verifier: Verifier, previous: Mapping[str, Any] | None
) -> Gathered:
    """Return every attestation that holds for all that the name stands for.

    Raises:
        EngineError, OciError: what must be asked did not answer as needed.
        VerificationError: more is attached than is ever read.
    """
    located = locate(image, ports)
    held = _held(located, verifier)
    platforms: tuple[str, ...] = ()
    home = located.places[0]  # evidence may be kept apart; the image's own index is here
    if home.subject == located.digest:
        platforms = platform_manifests(home.repository, located.digest)
    boms, covered = _boms(held, located.digest, platforms)
    if boms and not located.wanted <= covered | {located.digest}:
        raise VerificationError(
            "The Docker engine has another image under this name than the verified one",
            code="engine-copy",
            got=", ".join(sorted(located.wanted - covered)),
            wanted=f"the engine's copy of {located.digest}",
            hint="Pull the image again, or judge only the registry's with registry:NAME.",
        )
    evidence = Evidence(
        subject=str(image.reference),
        digest=located.digest,
        now=datetime.now(UTC),
        bom=merged(boms) if boms else None,
        attestations=tuple(one for one, _ in held),
        previous=previous,
    )
    missing = tuple(one for one in platforms if one not in covered)
    return Gathered(image.reference.name, located, evidence, missing)


def _held(located: Located, verifier: Verifier) -> list[tuple[Attested, Statement]]:
    """Return what holds, wherever it is kept: a report may lie apart from the BOM."""
    held: dict[str, tuple[Attested, Statement]] = {}
    read = 0
    for place in located.everywhere():
        bundles = bundles_at(place, exhaustive=True)
        read += len(bundles)
        insist_on_few(read)
        for bundle, candidate in zip(bundles, candidates(place.repository, bundles), strict=True):
            try:
                one, statement = hold_attested(
                    candidate.fetch(), verifier, frozenset({located.digest})
                )
            except VerificationError:
                continue  # what a stranger attached proves nothing, and can prevent nothing
            listed = _time(bundle.annotations.get("org.opencontainers.image.created"))
            held.setdefault(one.digest, (dataclasses.replace(one, listed=listed), statement))
    return list(held.values())


def hold_attested(
    content: bytes, verifier: Verifier, wanted: frozenset[str]
) -> tuple[Attested, Statement]:
    """Return what one bundle attests of all ``wanted`` digests.

    Raises:
        VerificationError: it does not hold, or is about something else.
    """
    verified = verifier.verify(content)
    statement = parse_statement(verified.payload)
    if not wanted <= statement.sha256:
        raise VerificationError("it is about something else", code="subject")
    attested = Attested(
        predicate_type=statement.predicate_type,
        predicate=statement.predicate,
        digest=digest_of(content),
        signer_kind=verified.signer.kind,
        signer=verified.signer.name,
        issuer=verified.signer.issuer,
        time=verified.time or claimed_time(statement),
        trusted_time=verified.time is not None,
    )
    return attested, statement


def _time(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else None


def _boms(
    held: Sequence[tuple[Attested, Statement]], digest: str, platforms: Sequence[str]
) -> tuple[list[Mapping[str, Any]], set[str]]:
    """Return the newest BOM of each platform, and the manifests that they are about."""
    several = len(platforms) > 1
    shared = {digest} if several else set()
    found = [(one, about) for one, about in held if one.predicate_type == CYCLONEDX]
    order = Evidence("", "", datetime.now(UTC), attestations=tuple(one for one, _ in found))
    by_digest = {one.digest: about.sha256 for one, about in found}
    boms: list[Mapping[str, Any]] = []
    covered: set[str] = set()
    for one in order.of_type(CYCLONEDX):
        own = by_digest[one.digest] - shared
        if not own & covered:
            boms.append(one.predicate)
            covered |= own
            if not several:
                break
    return boms, covered
