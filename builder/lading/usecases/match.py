"""Use case: which of the models in an image are attested ones?

A model is matched when every file of it, by SHA-256, is in one signed list by a trusted signer.
Its facts then say which source that is; where a card says something else, the list counts. One
file that no list has (another card, one changed shard, code beside the weights) and it is none:
what is loaded is all of them together.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from lading.errors import PolicyViolation, VerificationError
from lading.inventory import Fact, Finding, Level, Origin, Role
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.usecases.sources import catalogue, check_flood, hold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.attest.interface import Verifier
    from lading.inventory import Dataset, Inspection, Model
    from lading.usecases.sources import Held
    from lading_oci.interface import Repository

Thing = TypeVar("Thing", "Model", "Dataset")

__all__ = ["AttestedModels", "load_attested", "match", "require_attested"]


@dataclass(frozen=True, slots=True)
class AttestedModels:
    """The signed lists that hold, by what is in them. ``refused`` counts those that do not."""

    by_file: dict[str, tuple[Held, ...]]  # SHA-256 → lists that have it
    refused: int = 0


def load_attested(
    inspections: Iterable[Inspection], stores: Iterable[Repository], verifier: Verifier
) -> AttestedModels:
    """Read and verify the signed lists of the stores that may have files of the images.

    Raises:
        VerificationError: ``limit``: more than are ever looked at.
        OciError: a store did not answer as needed.
    """
    found: defaultdict[str, list[Held]] = defaultdict(list)
    refused = 0
    digests = _digests(inspections)
    for store in stores:
        listed = [one for hints, one in catalogue(store) if hints.may_have(digests)]
        check_flood(len(listed), LIMITS.attestations_read, store.name)
        for candidate in listed:
            try:
                held = hold(candidate, verifier, store.name)
            except VerificationError:
                refused += 1
                continue
            if held is not None:
                for sha256 in set(held.manifest.files.values()):
                    found[sha256].append(held)
    return AttestedModels(
        {key: tuple(sorted(held, key=_newest, reverse=True)) for key, held in found.items()},
        refused,
    )


def match(inspection: Inspection, attested: AttestedModels) -> Inspection:
    """Return the inspection with what is known of its models and data sets by digest.

    Weights that are attested beside files that are not are a finding.
    """
    findings: list[Finding] = []
    return dataclasses.replace(
        inspection,
        models=tuple(_matched(one, attested, findings) for one in inspection.models),
        datasets=tuple(_matched(one, attested, findings) for one in inspection.datasets),
        findings=(*inspection.findings, *findings),
    )


def require_attested(inspection: Inspection, attested: AttestedModels) -> None:
    """Refuse an inspection that has a model without a match.

    Raises:
        PolicyViolation: which, and why.
    """
    unknown = [one for one in inspection.models if not _is_matched(one)]
    if not unknown:
        return
    reasons = [f"{one.name} ({_why_not(one, attested)})" for one in unknown]
    shown = "; ".join(reasons[: LIMITS.differences_told])
    more = len(reasons) - LIMITS.differences_told
    ignored = f" ({attested.refused} signed lists by others do not count.)"
    raise PolicyViolation(
        "The image has models that are not attested ones",
        got=shown + (f"; and {more} more" if more > 0 else ""),
        wanted="each model's files in one signed list by a trusted signer",
        hint="Attest the model with `lading attest`, say where its evidence is with --evidence, "
        "or leave it out of the image." + (ignored if attested.refused else ""),
    )


def _digests(inspections: Iterable[Inspection]) -> set[str]:
    found: set[str] = set()
    for inspection in inspections:
        for model in inspection.models:
            found.update(file.sha256 for file in model.files)
        for dataset in inspection.datasets:
            found.update(file.sha256 for file in dataset.files)
    return found


def _newest(held: Held) -> tuple[float, str]:
    return held.time.timestamp() if held.time.year > 1 else 0.0, held.evidence.digest


def _is_matched(one: Model | Dataset) -> bool:
    fact = one.facts.get(v.ATTESTED)
    return fact is not None and fact.origin is Origin.MATCHED


def _matched(one: Thing, attested: AttestedModels, findings: list[Finding]) -> Thing:
    held = _covering(one, attested, weights_only=False)
    if held is None:
        findings.extend(_partial(one, attested))
        return one
    return dataclasses.replace(
        one,
        facts=dict(sorted({**one.facts, **_facts(held)}.items())),
        purl=held.manifest.origin.purl or one.purl,
    )


def _facts(held: Held) -> dict[str, Fact]:
    """Return what the signed list says, with the list's digest and its signer as the place."""
    manifest, evidence = held.manifest, held.evidence
    origin = manifest.origin
    where = f"{manifest.root}, signed by {evidence.signer} ({evidence.digest})"
    said = {
        v.ATTESTED: origin.uri or manifest.name,
        v.REPOSITORY: origin.repository,
        v.COMMIT: origin.commit,
        v.LICENSE: origin.license,
    }
    return {
        name: Fact(value, Origin.MATCHED, where)
        for name, value in said.items()
        if value is not None
    }


def _covering(one: Model | Dataset, attested: AttestedModels, *, weights_only: bool) -> Held | None:
    """Return the newest list that has every file (or all weights) of a model."""
    digests = {
        file.sha256
        for file in one.files
        if not weights_only or file.role in (Role.WEIGHTS, Role.DATA)
    }
    if not digests:
        return None
    rarest = min(digests, key=lambda sha256: len(attested.by_file.get(sha256, ())))
    for held in attested.by_file.get(rarest, ()):
        if digests <= set(held.manifest.files.values()):
            return held
    return None


def _strangers(one: Model | Dataset, held: Held) -> list[str]:
    known = set(held.manifest.files.values())
    return [file.path for file in one.files if file.sha256 not in known]


def _partial(one: Model | Dataset, attested: AttestedModels) -> list[Finding]:
    held = _covering(one, attested, weights_only=True)
    if held is None:
        return []
    paths = _strangers(one, held)
    name = held.manifest.origin.uri or held.manifest.name
    message = f"its weights are those of {name}, but these files are not: {', '.join(paths)}"
    return [
        Finding("model-files-unattested", Level.WARNING, message[: LIMITS.finding_text], paths[0])
    ]


def _why_not(one: Model, attested: AttestedModels) -> str:
    held = _covering(one, attested, weights_only=True)
    if held is None:
        return "its weights are in no signed list"
    paths = _strangers(one, held)[: LIMITS.differences_told]
    return f"not as attested: {', '.join(paths)}"
