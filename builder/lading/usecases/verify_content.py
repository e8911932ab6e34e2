"""Use case: are the model files in an image those that its signed BOM lists?

A signature says that a BOM is about an image's digest. This looks at the bytes: what a new
inspection finds is compared with the signed BOM, file by file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lading import bom
from lading.attest.predicates import CYCLONEDX
from lading.attest.verify import verify_attestations
from lading.bom.contents import model_files
from lading.errors import VerificationError
from lading.limits import LIMITS
from lading.usecases.bundles import candidates, find_bundles
from lading.usecases.locate import locate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lading.attest.interface import Verifier
    from lading.inventory import Inspection
    from lading.usecases.locate import Ports
    from lading.usecases.targets import NamedImage
    from lading.usecases.verify import Demands

__all__ = ["Compared", "compare", "verify_content"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One platform's content that is as its signed BOM says; ``bom`` is the bundle's digest."""

    platform: str
    digest: str
    files: int
    bom: str

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``verify``'s document."""
        return {
            "platform": self.platform,
            "digest": self.digest,
            "files": self.files,
            "bom": self.bom,
        }


def verify_content(
    image: NamedImage,
    ports: Ports,
    inspections: Sequence[Inspection],
    *,
    verifier: Verifier,
    demands: Demands | None = None,
    only: Sequence[str] = (),
) -> list[Compared]:
    """Compare every inspection with the newest signed BOM about exactly that image.

    ``only`` are the manifests of the platforms that count; none: all.

    Raises:
        VerificationError: ``content``, when a file is missing, extra or changed, or nothing was
            compared; or the BOM does not hold.
        NoAttestation: there is no BOM.
        EngineError, OciError: what must be asked did not answer as needed.
    """
    located = locate(image, ports)
    place, bundles = find_bundles(located, exhaustive=True)
    compared = []
    for inspection in inspections:
        facts = inspection.image
        digest = facts.manifest_digest or facts.config_digest
        if only and digest not in only:
            continue
        evidence = verify_attestations(
            candidates(place.repository, bundles),
            verifier=verifier,
            subject_digests=frozenset({located.digest, facts.config_digest}),
            predicate_type=CYCLONEDX,
            now=datetime.now(UTC),
            max_age=demands.max_age if demands else None,
        )
        where = f"{image.reference.familiar()} ({facts.platform})"
        files = compare(evidence.statement.predicate, inspection, where=where)
        compared.append(Compared(str(facts.platform), digest, files, evidence.digest))
    if not compared:
        raise VerificationError("there is nothing to compare with the BOM", code="content")
    return compared


def compare(signed: Mapping[str, Any], inspection: Inspection, *, where: str) -> int:
    """Return how many files are the same in the signed BOM and in the image.

    Raises:
        VerificationError: ``content``: some are not; the error names them.
        InputError: the signed BOM is not CycloneDX as lading writes it.
    """
    wanted, found = model_files(signed), model_files(bom.render(inspection))
    differences = [
        *(f"missing {path}" for path in wanted.keys() - found.keys()),
        *(f"extra {path}" for path in found.keys() - wanted.keys()),
        *(
            f"changed {path}"
            for path in wanted.keys() & found.keys()
            if wanted[path] != found[path]
        ),
    ]
    if not differences:
        return len(wanted)
    shown = sorted(differences)[: LIMITS.differences_told]
    more = len(differences) - len(shown)
    raise VerificationError(
        "The models in the image are not those that its signed BOM lists",
        code="content",
        where=where,
        got=", ".join(shown) + (f", and {more} more" if more else ""),
        wanted=f"{len(wanted)} files as signed",
        hint="Do not run it. See what is inside with `lading inspect`, and build it anew.",
    )
