"""``data`` components: one per data set in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.bom.files import file_components, files_digest, hashes, occurrences, sole_digest
from lading.bom.lineage import hub_url
from lading.bom.properties import Properties
from lading.bom.refs import Entry, content_key
from lading.bom.sources import licenses_of
from lading.bom.text import label, purl
from lading.models import vocabulary

if TYPE_CHECKING:
    from lading.inventory import Dataset

__all__ = ["dataset_entry"]


def dataset_entry(dataset: Dataset, spec_version: str) -> Entry[Dataset]:
    """Return the component of one data set, with its files nested."""
    known = dataset.facts
    name = label(dataset.name) or "unnamed"
    url = hub_url(facts.line(known, vocabulary.REPOSITORY) or "", dataset=True)
    contents: dict[str, Any] = {"type": "dataset", "name": name}
    if description := facts.text(known, vocabulary.DESCRIPTION):
        contents["description"] = description
    if url:
        contents["contents"] = {"url": url}
    component: dict[str, Any] = {
        "type": "data",
        "name": name,
        "version": (facts.line(known, vocabulary.COMMIT, vocabulary.VERSION) or "")[:1024],
        "purl": purl(dataset.purl),
        "hashes": hashes(sole_digest(dataset.files)),
        "licenses": licenses_of(known, spec_version=spec_version),
        "externalReferences": [{"type": "website", "url": url}] if url else None,
        "tags": sorted(facts.lines(known, vocabulary.TAGS)),
        "data": [contents],
        "evidence": {"occurrences": occurrences(dataset.files)} if dataset.files else None,
        "components": file_components(dataset.files),
        "properties": Properties()
        .add("lading:dataset:format", dataset.format)
        .add("lading:dataset:root", files_digest(dataset.files))
        .add("lading:dataset:size", sum(file.size for file in dataset.files))
        .facts(known)
        .render(),
    }
    filled = {key: value for key, value in component.items() if value}
    return Entry(dataset, content_key("data", dataset.name, dataset.files), filled)
