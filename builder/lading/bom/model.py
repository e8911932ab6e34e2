"""``machine-learning-model`` components: one per model, whatever the number of its files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.bom.card import add_datasets, model_card
from lading.bom.files import file_components, files_digest, hashes, occurrences, sole_digest
from lading.bom.licenses import licenses
from lading.bom.lineage import hub_url
from lading.bom.properties import Properties
from lading.bom.refs import Entry, content_key
from lading.bom.taxonomy import component_properties
from lading.bom.text import iri, label, path_iri, purl
from lading.inventory import Origin, Role
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.bom.lineage import Lineage
    from lading.inventory import Fact, Finding, Model

__all__ = ["complete", "model_entry", "model_findings"]

_ARXIV = re.compile(r"arxiv:(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE | re.ASCII)
_UNNAMED_LICENSES = frozenset({"other", "unknown", "custom"})
# Facts that only say how files hang together, and texts that the model card holds in full.
_NOT_REPEATED = frozenset(
    {
        vocabulary.BLOBS,
        vocabulary.EXTERNAL_DATA,
        vocabulary.KIND,
        vocabulary.MEMBERS,
        vocabulary.SHARDS,
        vocabulary.SHARD_COUNT,
        vocabulary.SHARD_NUMBER,
    }
)
_LONG = frozenset({vocabulary.DESCRIPTION, vocabulary.INTENDED_USE, vocabulary.LIMITATIONS})


def model_entry(model: Model, spec_version: str) -> Entry[Model]:
    """Return the component of one model; its lineage is added by :func:`complete`."""
    known = model.facts
    version = facts.line(known, vocabulary.COMMIT, vocabulary.VERSION) or ""
    component: dict[str, Any] = {
        "type": "machine-learning-model",
        "name": label(model.name) or "unnamed",
        "version": version[:1024],
        "purl": purl(model.purl),
        "description": _description(model),
        "supplier": _supplier(known),
        "authors": [{"name": name} for name in facts.lines(known, vocabulary.AUTHOR)],
        "hashes": hashes(sole_digest(model.files)),
        "licenses": model_licenses(known, spec_version=spec_version),
        "externalReferences": _references(model),
        "tags": sorted(facts.lines(known, vocabulary.TAGS)),
        "evidence": {"occurrences": occurrences(model.files)} if model.files else None,
        "components": file_components(model.files),
        "modelCard": model_card(known),
        "properties": _properties(model),
    }
    filled = {key: value for key, value in component.items() if value}
    return Entry(model, content_key("model", model.name, model.files), filled)


def complete(
    entry: Entry[Model], lineage: Lineage, known: Mapping[str, dict[str, Any]]
) -> list[str]:
    """Add pedigree and data sets; return the refs that the model was made from, sorted.

    ``known`` maps the bom-refs of the models in the image to their components.
    """
    bases = lineage.bases(entry)
    datasets = lineage.training_data(entry)
    if bases:
        pedigree: dict[str, Any] = {"ancestors": [lineage.ancestor(ref, known) for ref in bases]}
        relation = facts.line(entry.source.facts, vocabulary.BASE_MODEL_RELATION)
        if relation:
            pedigree["notes"] = f"relation to the base model: {relation}"
        entry.component["pedigree"] = pedigree
    add_datasets(entry.component, datasets)
    return sorted({*bases, *datasets})


def model_findings(model: Model) -> tuple[Finding, ...]:
    """Return the findings of a model and of its files, each once, sorted."""
    found = {*model.safety.findings}
    for file in model.files:
        found.update(file.safety.findings)
    return tuple(
        sorted(found, key=lambda one: (one.id, one.path or "", one.message, one.layer or ""))
    )


def model_licenses(known: Mapping[str, Fact], *, spec_version: str) -> list[dict[str, Any]]:
    """Return a model's licences: declared by its card, or concluded from a licence's text."""
    fact = known.get(vocabulary.LICENSE)
    declared = facts.lines(known, vocabulary.LICENSE)
    if not declared or all(one.lower() in _UNNAMED_LICENSES for one in declared):
        declared = facts.lines(known, vocabulary.LICENSE_NAME) or declared
        fact = known.get(vocabulary.LICENSE_NAME, fact)
    origin = fact.origin if fact is not None else Origin.DECLARED
    found = licenses(
        declared,
        spec_version=spec_version,
        acknowledgement="declared" if origin is Origin.DECLARED else "concluded",
    )
    link = iri(facts.line(known, vocabulary.LICENSE_LINK) or "")
    if link and len(found) == 1 and "license" in found[0]:
        found[0]["license"]["url"] = link
    return found


def _description(model: Model) -> str | None:
    """Return the declared description, else one sentence of what is known."""
    declared = facts.text(model.facts, vocabulary.DESCRIPTION)
    if declared:
        return declared
    parts = [f"{label(model.format)} model" if model.format else "model"]
    said = (vocabulary.TASK, vocabulary.ARCHITECTURE, vocabulary.DTYPE)
    parts.extend(known for name in said if (known := facts.line(model.facts, name)))
    if parameters := facts.line(model.facts, vocabulary.PARAMETERS):
        parts.append(f"{parameters} parameters")
    return ", ".join(parts)


def _supplier(known: Mapping[str, Fact]) -> dict[str, Any] | None:
    repository = facts.line(known, vocabulary.REPOSITORY) or ""
    if hub_url(repository):
        organisation = repository.partition("/")[0]
        return {"name": organisation, "url": [f"https://huggingface.co/{organisation}"]}
    author = facts.line(known, vocabulary.AUTHOR)
    return {"name": author} if author else None


def _references(model: Model) -> list[dict[str, Any]]:
    """Return where the model can be had and read about: Hub pages, papers, card and licence."""
    known = model.facts
    found: set[tuple[str, str]] = set()
    if page := hub_url(facts.line(known, vocabulary.REPOSITORY) or ""):
        commit = facts.line(known, vocabulary.COMMIT)
        at = f"{page}/tree/{commit}" if commit and commit.isalnum() else page
        found |= {("website", page), ("vcs", page), ("distribution", at)}
    if source := iri(facts.line(known, vocabulary.SOURCE_URL) or ""):
        found.add(("distribution", source))
    if link := iri(facts.line(known, vocabulary.LICENSE_LINK) or ""):
        found.add(("license", link))
    for tag in facts.lines(known, vocabulary.TAGS):
        if paper := _ARXIV.fullmatch(tag):
            found.add(("documentation", f"https://arxiv.org/abs/{paper[1]}"))
    references: list[dict[str, Any]] = [{"type": kind, "url": url} for kind, url in sorted(found)]
    kinds = {Role.CARD: "model-card", Role.LICENSE: "license"}
    for file in sorted(model.files, key=lambda file: file.path):
        if file.role in kinds:
            reference = {"type": kinds[file.role], "url": path_iri(file.path)}
            references.append({**reference, "hashes": hashes({"SHA-256": file.sha256})})
    return references


def _properties(model: Model) -> list[dict[str, str]]:
    known = {name: fact for name, fact in model.facts.items() if name not in _NOT_REPEATED}
    properties = (
        Properties()
        .add("lading:model:format", model.format)
        .add("lading:model:root", files_digest(model.files))
        .add("lading:model:weights", files_digest(f for f in model.files if f.role is Role.WEIGHTS))
        .add("lading:model:size", sum(f.size for f in model.files if f.role is Role.WEIGHTS))
        .add("lading:model:distribution", model.distribution)
        .add(
            "lading:safety:verdict",
            max((model.safety.verdict, *(file.safety.verdict for file in model.files))).word,
        )
        .facts({name: fact for name, fact in known.items() if name not in _LONG})
        .origins({name: fact for name, fact in known.items() if name in _LONG})
        .findings(model_findings(model))
    )
    supplier = _supplier(model.facts)
    for name, value in component_properties(model.facts, supplier["name"] if supplier else None):
        properties.add(name, value)
    return properties.render()
