"""Use case: an image that exists becomes an image with signed evidence.

``build``, ``push`` and ``attest`` all end here. The order is what keeps a release whole: look
inside, write and validate the BOM, only then push, and sign last, because only a pushed image has
the manifest digest that verifiers will ask about. A failure before the push leaves the registry
as it was; one after it leaves an image that does not verify, and ``lading attest`` completes it.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from lading.attest.vsa import ATTESTED_POLICY
from lading.errors import InputError
from lading.usecases.attest import Attestation, bom_statement, image_subjects, make_bom
from lading.usecases.digests import platforms_and_indexes
from lading.usecases.papers import Examined, Papers
from lading_oci.digest import digest_of
from lading_oci.references import Reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lading.attest.interface import Signer
    from lading.attest.statement import Subject
    from lading.attest.vsa import PolicyId
    from lading.inventory import Inspection
    from lading_oci.interface import Repository

__all__ = [
    "Attesting",
    "Examined",
    "Release",
    "Timings",
    "attest_everywhere",
    "attest_local",
    "attest_pushed",
    "only_push",
    "push_and_attest",
]


class Pusher(Protocol):
    """Pushes one tagged image and returns the digest of its manifest (``sha256:…``)."""

    def __call__(self, reference: Reference) -> str:
        """Push, or raise EngineError or OciError."""
        ...


@dataclass(slots=True)
class Timings:
    """Wall seconds by stage, in the order they happened."""

    seconds: dict[str, float] = field(default_factory=dict)

    def measure(self, stage: str) -> _Stopwatch:
        """Return a context manager that adds the time of its body to ``stage``."""
        return _Stopwatch(self.seconds, stage)


class _Stopwatch:
    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds, self._stage, self._start = seconds, stage, 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *exception: object) -> None:
        elapsed = time.perf_counter() - self._start
        self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + elapsed


@dataclass(frozen=True, slots=True)
class Attesting:
    """Who attests an image, where that is kept, and what is said besides what it has inside.

    Attributes:
        open_repository: opens a reference's repository.
        evidence: another place than the image's own repository to keep the attestations in.
        provenance: a SLSA predicate.
        policy: the one that the image passed, for the seal.
    """

    signer: Signer
    open_repository: Callable[[Reference], Repository]
    timings: Timings
    evidence: Repository | None = None
    provenance: Mapping[str, Any] | None = None
    policy: PolicyId = ATTESTED_POLICY


@dataclass(frozen=True, slots=True)
class Release:
    """An inspected image, its BOM, and what was attested about it.

    ``others`` are the further platforms of a multi-platform image.
    """

    image: str
    inspection: Inspection
    document: bytes
    attestations: tuple[Attestation, ...] = ()
    subjects: tuple[str, ...] = ()
    pushed: tuple[str, ...] = ()  # references with digests
    timings: dict[str, float] = field(default_factory=dict)
    others: tuple[Examined, ...] = ()

    @property
    def platforms(self) -> tuple[Examined, ...]:
        """Every platform's image, the first one first."""
        return Examined(self.inspection, self.document), *self.others

    def to_json(self) -> dict[str, Any]:
        """Return the document of ``build --summary-json`` and ``attest --json``."""
        facts = self.inspection.image
        return {
            "image": self.image,
            "digest": facts.index_digest or facts.manifest_digest or facts.config_digest,
            "subjects": list(self.subjects),
            "pushed": list(self.pushed),
            "attestations": [one.to_json() for one in self.attestations],
            "bom": {"digest": digest_of(self.document), "size": len(self.document)},
            "models": len(self.inspection.models),
            "packages": len(self.inspection.packages),
            "platforms": [one.to_json() for one in self.platforms],
            "timings": {stage: round(value, 3) for stage, value in self.timings.items()},
        }


def attest_local(image: str, inspection: Inspection, how: Attesting, store: Repository) -> Release:
    """Attest an image that only an engine or an archive has: its config digest is the subject."""
    with how.timings.measure("bom"):
        examined = (Examined(inspection, make_bom(inspection)),)
    papers = Papers(_subject_name(image), examined, how.provenance, how.policy)
    with how.timings.measure("sign and attach"):
        attestations = papers.attach(how.signer, store, lambda digest: digest)
    return _released(image, examined, attestations, papers, (), how.timings)


def attest_pushed(
    reference: Reference,
    inspection: Inspection,
    how: Attesting,
    *,
    others: Sequence[Inspection] = (),
) -> Release:
    """Attest an image that is in its registry; ``inspection`` knows its manifest digest.

    ``others`` are the further platforms of its index.
    """
    facts = inspection.image
    digest = facts.index_digest or facts.manifest_digest
    if digest is None:
        raise ValueError("an image in a registry has a manifest digest")
    with how.timings.measure("bom"):
        examined = tuple(Examined(one, make_bom(one)) for one in (inspection, *others))
    papers = Papers(reference.name, examined, how.provenance, how.policy)
    with how.timings.measure("sign and attach"):
        repository = how.open_repository(reference)
        attestations = (
            papers.attach(how.signer, how.evidence, lambda digest: digest)
            if how.evidence
            else papers.attach(how.signer, repository, repository.resolve)
        )
    pushed = (str(reference.with_digest(digest)),)
    return _released(str(reference), examined, attestations, papers, pushed, how.timings)


def attest_everywhere(
    references: Iterable[Reference],
    inspection: Inspection,
    how: Attesting,
    *,
    others: Sequence[Inspection] = (),
) -> Release:
    """Attest an image that a builder pushed under every name, once in every repository."""
    release = None
    for names in _by_repository(references):
        one = attest_pushed(names[0], inspection, how, others=others)
        digest = one.inspection.image.index_digest or one.inspection.image.manifest_digest or ""
        one = dataclasses.replace(one, pushed=tuple(str(n.with_digest(digest)) for n in names))
        release = one if release is None else _joined(release, one)
    if release is None:
        raise ValueError("an image in a registry has a name")
    return release


def _released(
    image: str,
    examined: tuple[Examined, ...],
    attestations: tuple[Attestation, ...],
    papers: Papers,
    pushed: tuple[str, ...],
    timings: Timings,
) -> Release:
    first, *others = examined
    return Release(
        image,
        first.inspection,
        first.document,
        attestations,
        _digests(papers.subjects(examined)),
        pushed,
        timings.seconds,
        tuple(others),
    )


def push_and_attest(
    references: Iterable[Reference], inspection: Inspection, how: Attesting, push: Pusher
) -> Release:
    """Push an engine's image under every name, and attest it once in every repository."""
    release = _checked(inspection, how.timings)
    for names in _by_repository(references):
        digest, pushed = _pushed(names, push, how.timings)
        known = _as_pushed(inspection, how.open_repository(names[0]), digest)
        attested = attest_pushed(names[0], known, how)
        release = _joined(release, dataclasses.replace(attested, pushed=pushed))
    return release


def only_push(
    references: Iterable[Reference], inspection: Inspection, push: Pusher, timings: Timings
) -> Release:
    """Push an engine's image under every name, and attest nothing (``--no-attest``)."""
    release = _checked(inspection, timings)
    for names in _by_repository(references):
        digest, pushed = _pushed(names, push, timings)
        facts = dataclasses.replace(inspection.image, manifest_digest=digest)
        known = dataclasses.replace(inspection, image=facts)
        release = _joined(release, dataclasses.replace(release, inspection=known, pushed=pushed))
    return release


def _checked(inspection: Inspection, timings: Timings) -> Release:
    """Return what is known before the push: a BOM that is invalid or too big must stop it."""
    with timings.measure("bom"):
        document = make_bom(inspection)
    bom_statement(image_subjects("", inspection.image), document)
    return Release("", inspection, document, timings=timings.seconds)


def _pushed(names: list[Reference], push: Pusher, timings: Timings) -> tuple[str, tuple[str, ...]]:
    """Push the names of one repository; return the last digest, and each name with its own."""
    with timings.measure("push"):
        digests = [push(reference) for reference in names]
    both = zip(names, digests, strict=True)
    return digests[-1], tuple(str(name.with_digest(digest)) for name, digest in both)


def _as_pushed(inspection: Inspection, repository: Repository, digest: str) -> Inspection:
    """Return the inspection with the digests that the image got; some engines push an index.

    Raises:
        InputError: the index has more platforms than the one that was looked into.
    """
    platforms, inner = platforms_and_indexes(repository, digest)
    if len(platforms) != 1:
        raise InputError(
            "The engine pushed several platforms, and only its own was examined",
            where=f"{repository.name}@{digest}",
            got=f"{len(platforms)} platforms",
            hint=f"Attest all of them: lading attest registry:{repository.name}@{digest}",
        )
    image = dataclasses.replace(
        inspection.image,
        manifest_digest=platforms[0],
        index_digest=digest if platforms != (digest,) else None,
        inner_indexes=tuple(inner),
    )
    return dataclasses.replace(inspection, image=image)


def _joined(first: Release, second: Release) -> Release:
    return dataclasses.replace(
        second,
        image=first.image or second.image,
        attestations=first.attestations + second.attestations,
        subjects=tuple(dict.fromkeys(first.subjects + second.subjects)),
        pushed=first.pushed + second.pushed,
        timings=first.timings,
    )


def _by_repository(references: Iterable[Reference]) -> Iterator[list[Reference]]:
    groups: dict[str, list[Reference]] = {}
    for reference in references:
        groups.setdefault(reference.name, []).append(reference)
    yield from groups.values()


def _digests(subjects: Iterable[Subject]) -> tuple[str, ...]:
    return tuple(f"sha256:{subject.digest['sha256']}" for subject in subjects)


def _subject_name(image: str) -> str:
    """Return a reference's repository, or an image ID as it is."""
    return image if image.startswith("sha256:") else parse_reference(image).name
