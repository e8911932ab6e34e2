"""Use case: sign somebody's report about an image and attach it, as evidence for policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.attest.statement import Subject, build_statement
from lading.errors import InputError, UsageError
from lading.usecases.attest import attach_statement
from lading.usecases.bundles import find_bundles
from lading.usecases.digests import all_digests
from lading.usecases.evidence import anchor_of
from lading.usecases.locate import locate

if TYPE_CHECKING:
    from lading.attest.interface import Signer
    from lading.reports import Report
    from lading.usecases.attest import Attestation
    from lading.usecases.locate import Located, Ports
    from lading.usecases.targets import NamedImage
    from lading_oci.interface import Descriptor, Repository

__all__ = ["AttachedReport", "Spot", "attach_report", "spot_of"]


@dataclass(frozen=True, slots=True)
class AttachedReport:
    """A report that is attached now."""

    image: str
    digest: str
    report: Report
    subjects: tuple[str, ...]
    attestation: Attestation

    def to_json(self) -> dict[str, Any]:
        """Return ``attach``'s document."""
        return {
            "image": self.image,
            "digest": self.digest,
            "report": {
                "predicate_type": self.report.predicate_type,
                **self.report.summary.to_json(),
            },
            "subjects": list(self.subjects),
            "attestation": self.attestation.to_json(),
        }


def attach_report(
    image: NamedImage,
    report: Report,
    ports: Ports,
    *,
    signer: Signer,
    evidence: Repository | None = None,
) -> AttachedReport:
    """Sign ``report`` for every digest of the image; attach it beside it, or in ``evidence``.

    Raises:
        UsageError: the registry's image and the engine's are two, and the report is about one.
        InputError: the report says that it is about another image.
        SigningKeyError, RegistryError, OciError, EngineError: nothing was attached.
    """
    located = locate(image, ports)
    spot = spot_of(located)
    if not located.wanted <= set(spot.digests):
        raise UsageError(
            "The Docker engine and the registry have two images under this name",
            got=", ".join(sorted(located.wanted - set(spot.digests))),
            wanted=located.digest,
            hint="Say which one the report is about: docker:NAME or registry:NAME.",
        )
    about = report.summary.about
    if about and not about & set(spot.digests):
        raise InputError(
            "The report is about another image",
            got=", ".join(sorted(about)),
            wanted=f"one of {', '.join(spot.digests)}",
            hint="Scan this image, and attach that report.",
        )
    subjects = spot.subjects(image.reference.name)
    attestation = attach_statement(
        build_statement(subjects, report.predicate_type, report.predicate),
        report.predicate_type,
        signer=signer,
        store=evidence or spot.store,
        subject=spot.subject if evidence is None else located.digest,
    )
    return AttachedReport(str(image.reference), located.digest, report, spot.digests, attestation)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where evidence about an image is kept: store, subject there, and what names the image."""

    store: Repository
    subject: Descriptor | str
    digests: tuple[str, ...]

    def subjects(self, name: str) -> list[Subject]:
        """Return a statement's subjects, under the name of the image's repository."""
        return [Subject(name, {"sha256": one.removeprefix("sha256:")}) for one in self.digests]


def spot_of(located: Located) -> Spot:
    """Return where the image's evidence is, or, where there is none yet, where it belongs.

    Raises:
        OciError: the store or the registry did not answer as needed.
    """
    place, _ = find_bundles(located)
    digests = [located.digest]
    for one in located.places:
        if one.subject != anchor_of(located.digest).descriptor.digest:
            digests += all_digests(one.repository, one.subject)
            break
    subject: Descriptor | str = located.digest
    if place.subject != anchor_of(located.digest).descriptor.digest:
        subject = place.repository.resolve(place.subject)
    return Spot(place.repository, subject, tuple(dict.fromkeys(digests)))
