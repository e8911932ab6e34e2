"""Use case: sign somebody's report about an image and attach it, as evidence for policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.attest.statement import Subject, build_statement
from lading.errors import UsageError
from lading.usecases.attest import attach_statement
from lading.usecases.digests import all_digests
from lading.usecases.locate import locate

if TYPE_CHECKING:
    from lading.attest.interface import Signer
    from lading.reports import Report
    from lading.usecases.attest import Attestation
    from lading.usecases.locate import Ports
    from lading.usecases.targets import NamedImage
    from lading_oci.interface import Descriptor, Repository

__all__ = ["AttachedReport", "attach_report"]


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
        SigningKeyError, RegistryError, OciError, EngineError: nothing was attached.
    """
    located = locate(image, ports)
    place = located.places[0]
    in_registry = place.subject == located.digest
    digests = all_digests(place.repository, located.digest) if in_registry else (located.digest,)
    if not located.wanted <= set(digests):
        raise UsageError(
            "The Docker engine and the registry have two images under this name",
            got=", ".join(sorted(located.wanted - set(digests))),
            wanted=located.digest,
            hint="Say which one the report is about: docker:NAME or registry:NAME.",
        )
    name = image.reference.name
    subjects = [Subject(name, {"sha256": one.removeprefix("sha256:")}) for one in digests]
    subject: Descriptor | str = located.digest
    store = evidence or place.repository
    if evidence is None and in_registry:
        subject = store.resolve(located.digest)
    attestation = attach_statement(
        build_statement(subjects, report.predicate_type, report.predicate),
        report.predicate_type,
        signer=signer,
        store=store,
        subject=subject,
    )
    return AttachedReport(str(image.reference), located.digest, report, digests, attestation)
