"""What models were made from: base models and data sets, in the image or only declared.

A name that a card declares is looked for among what the image holds, by repository and by name.
What is not in the image becomes a component of its own with ``scope: excluded`` (it is not there
at run time) and ``lading:presence`` ``declared``, so that the dependency graph has no loose end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lading.bom import facts
from lading.bom.properties import Properties
from lading.bom.refs import Entry
from lading.models import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lading.inventory import Dataset, Fact, Model

__all__ = ["Lineage", "hub_url"]

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_HUB = "https://huggingface.co/"


def hub_url(name: str, *, dataset: bool = False) -> str | None:
    """Return the Hugging Face page of ``org/name``, or None when it has no such form.

    Data sets may lack the organisation; models without one are taken for local names.
    """
    if not _HUB_NAME.fullmatch(name) or ("/" not in name and not dataset):
        return None
    return _HUB + ("datasets/" if dataset else "") + name


class Lineage:
    """Resolves declared names to bom-refs; collects components for what is not in the image."""

    def __init__(self, models: Sequence[Entry[Model]], datasets: Sequence[Entry[Dataset]]) -> None:
        self._models = _by_name(
            (entry.source.name, entry.source.facts, entry.ref) for entry in models
        )
        self._datasets = _by_name(
            (entry.source.name, entry.source.facts, entry.ref) for entry in datasets
        )
        self._declared: dict[tuple[str, str], Entry[str]] = {}

    @property
    def declared(self) -> list[Entry[str]]:
        """The components that are declared and not in the image, in the order of their names."""
        return [entry for _, entry in sorted(self._declared.items())]

    def bases(self, model: Entry[Model]) -> list[str]:
        """Return the refs of a model's base models, sorted."""
        names = facts.lines(model.source.facts, vocabulary.BASE_MODEL)
        return self._resolve(names, "machine-learning-model", self._models, model.ref)

    def training_data(self, model: Entry[Model]) -> list[str]:
        """Return the refs of the data sets that a model declares, sorted."""
        names = facts.lines(model.source.facts, vocabulary.DATASETS)
        return self._resolve(names, "data", self._datasets, model.ref)

    def ancestor(self, ref: str, known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """Return a base model as ``pedigree.ancestors`` holds it: what names it, no bom-ref."""
        component = known.get(ref) or next(
            entry.component for entry in self._declared.values() if entry.ref == ref
        )
        wanted = ("type", "name", "version", "purl", "externalReferences")
        return {key: component[key] for key in wanted if key in component}

    def _resolve(
        self, names: Iterable[str], kind: str, present: Mapping[str, list[str]], own: str
    ) -> list[str]:
        refs: set[str] = set()
        for name in names:
            found = [ref for ref in present.get(name.lower(), ()) if ref != own]
            refs.update(found or [self._declare(kind, name).ref])
        return sorted(refs)

    def _declare(self, kind: str, name: str) -> Entry[str]:
        entry = self._declared.get((kind, name))
        if entry is None:
            ref = f"declared-{'data' if kind == 'data' else 'model'}:{name}"
            component: dict[str, Any] = {
                "type": kind,
                "bom-ref": ref,
                "name": name,
                "scope": "excluded",
                "properties": Properties().add("lading:presence", "declared").render(),
            }
            if url := hub_url(name, dataset=kind == "data"):
                component["externalReferences"] = [{"type": "website", "url": url}]
            entry = self._declared[kind, name] = Entry(name, ref, component, ref)
        return entry


def _by_name(
    things: Iterable[tuple[str, Mapping[str, Fact], str]],
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, known, ref in things:
        names = {name, facts.line(known, vocabulary.REPOSITORY) or name}
        for one in names:
            found.setdefault(one.lower(), []).append(ref)
    return found
