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

from lading.attest.predicates import CYCLONEDX
from lading.usecases.attest import (
    Attestation,
    attach_seal,
    attach_statement,
    bom_statement,
    image_subjects,
    make_bom,
)
from lading_oci.digest import digest_of
from lading_oci.references import Reference, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lading.attest.interface import Signer
    from lading.attest.statement import Subject
    from lading.inventory import Inspection
    from lading_oci.interface import Descriptor, Repository

__all__ = ["Release", "Timings", "attest_local", "attest_pushed", "push_and_attest"]


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
class Release:
    """An inspected image, its BOM, and what was attested about it."""

    image: str
    inspection: Inspection
    document: bytes
    attestations: tuple[Attestation, ...] = ()
    subjects: tuple[str, ...] = ()
    pushed: tuple[str, ...] = ()  # references with digests
    timings: dict[str, float] = field(default_factory=dict)

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
            "timings": {stage: round(value, 3) for stage, value in self.timings.items()},
        }


def attest_local(
    image: str, inspection: Inspection, *, signer: Signer, store: Repository, timings: Timings
) -> Release:
    """Attest an image that only an engine or an archive has: its config digest is the subject."""
    with timings.measure("bom"):
        document = make_bom(inspection)
    facts = inspection.image
    subjects = image_subjects(_subject_name(image), facts)
    statement = bom_statement(subjects, document)
    with timings.measure("sign and attach"):
        attestations = _attach(subjects, statement, signer, store, facts.config_digest)
    return Release(
        image, inspection, document, attestations, _digests(subjects), (), timings.seconds
    )


def attest_pushed(
    reference: Reference,
    inspection: Inspection,
    *,
    signer: Signer,
    open_repository: Callable[[Reference], Repository],
    evidence: Repository | None = None,
    timings: Timings,
) -> Release:
    """Attest an image that is in its registry; ``inspection`` knows its manifest digest.

    ``evidence`` is another place than the image's own repository to keep the attestation in.
    """
    facts = inspection.image
    digest = facts.index_digest or facts.manifest_digest
    if digest is None:
        raise ValueError("an image in a registry has a manifest digest")
    with timings.measure("bom"):
        document = make_bom(inspection)
    subjects = image_subjects(reference.name, facts)
    statement = bom_statement(subjects, document)
    with timings.measure("sign and attach"):
        repository = open_repository(reference)
        attestations = (
            _attach(subjects, statement, signer, evidence, digest)
            if evidence
            else _attach(subjects, statement, signer, repository, repository.resolve(digest))
        )
    return Release(
        str(reference),
        inspection,
        document,
        attestations,
        _digests(subjects),
        (str(reference.with_digest(digest)),),
        timings.seconds,
    )


def _attach(
    subjects: Sequence[Subject],
    statement: bytes,
    signer: Signer,
    store: Repository,
    subject: Descriptor | str,
) -> tuple[Attestation, ...]:
    """Attach the BOM, then the seal over it: what verification looks for first comes last."""
    signed = attach_statement(statement, CYCLONEDX, signer=signer, store=store, subject=subject)
    seal = attach_seal(subjects, [signed], signer=signer, store=store, subject=subject)
    return signed, seal


def push_and_attest(
    references: Iterable[Reference],
    inspection: Inspection,
    *,
    push: Pusher,
    signer: Signer | None,
    open_repository: Callable[[Reference], Repository],
    evidence: Repository | None = None,
    timings: Timings,
) -> Release:
    """Push an engine's image under every name, and attest it once in every repository.

    Without a signer the image is pushed and nothing is attested (``--no-attest``).
    """
    # A BOM that is invalid or too big must stop the release before anything is public.
    with timings.measure("bom"):
        document = make_bom(inspection)
    bom_statement(image_subjects("", inspection.image), document)
    release = Release("", inspection, document, timings=timings.seconds)
    for names in _by_repository(references):
        with timings.measure("push"):
            digests = [push(reference) for reference in names]
        known = dataclasses.replace(
            inspection, image=dataclasses.replace(inspection.image, manifest_digest=digests[-1])
        )
        pushed = tuple(
            str(name.with_digest(digest)) for name, digest in zip(names, digests, strict=True)
        )
        if signer is None:
            release = _joined(
                release, dataclasses.replace(release, inspection=known, pushed=pushed)
            )
            continue
        attested = attest_pushed(
            names[0],
            known,
            signer=signer,
            open_repository=open_repository,
            evidence=evidence,
            timings=timings,
        )
        release = _joined(release, dataclasses.replace(attested, pushed=pushed))
    return release


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
