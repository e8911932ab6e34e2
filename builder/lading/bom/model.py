"""``machine-learning-model`` components: one per model, whatever the number of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.bom.card import add_datasets, model_card
from lading.bom.files import file_components, files_digest, hashes, occurrences, sole_digest
from lading.bom.properties import Properties
from lading.bom.refs import Entry, content_key
from lading.bom.sources import licenses_of, references_of, supplier_of
from lading.bom.taxonomy import component_properties
from lading.bom.text import label, purl
from lading.inventory import Origin, Role
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.bom.lineage import Lineage
    from lading.inventory import Finding, Model

__all__ = ["complete", "model_entry", "model_findings"]

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
_LONG = frozenset(
    {
        vocabulary.DESCRIPTION,
        vocabulary.ETHICS,
        vocabulary.EXPLAINABILITY,
        vocabulary.INTENDED_USE,
        vocabulary.LIMITATIONS,
        vocabulary.PREPROCESSING,
        vocabulary.TRAINING,
    }
)


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
        "supplier": supplier_of(known),
        "authors": [{"name": name} for name in facts.lines(known, vocabulary.AUTHOR)],
        "hashes": hashes(sole_digest(model.files)),
        "licenses": licenses_of(known, spec_version=spec_version),
        "externalReferences": references_of(model),
        "tags": sorted(facts.lines(known, vocabulary.TAGS)),
        "evidence": _evidence(model),
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


def _evidence(model: Model) -> dict[str, Any]:
    """Return where the model lies, and how its identity is known where that is by digest."""
    evidence: dict[str, Any] = {"occurrences": occurrences(model.files)}
    known = model.facts
    matched = [known.get(vocabulary.ATTESTED), known.get(vocabulary.COMMIT)]
    fact = next((one for one in matched if one and one.origin is Origin.MATCHED), None)
    identifier = purl(model.purl)
    concluded = identifier or facts.line(known, vocabulary.ATTESTED)
    if fact is not None and concluded:
        method = {
            "technique": "hash-comparison",
            "confidence": 1,
            "value": label(fact.where),
        }
        evidence["identity"] = [
            {
                "field": "purl" if identifier else "name",
                "confidence": 1,
                "concludedValue": concluded,
                "methods": [method],
            }
        ]
    return {key: value for key, value in evidence.items() if value}


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
    supplier = supplier_of(model.facts)
    for name, value in component_properties(model.facts, supplier["name"] if supplier else None):
        properties.add(name, value)
    return properties.render()
