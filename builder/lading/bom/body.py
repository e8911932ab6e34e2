"""What one document says of an image's contents: all that is the same in whichever image.

Placing and writing it is most of the work of a document. What was made last is remembered, so that
it can be made before the image is there that it will be in.
"""

from __future__ import annotations

from functools import cached_property
from operator import is_
from typing import TYPE_CHECKING, Any

from lading.bom.dataset import dataset_entry
from lading.bom.encode import encode_value
from lading.bom.graph import Graph
from lading.bom.lineage import Lineage
from lading.bom.model import complete, model_entry, model_findings
from lading.bom.package import package_entry
from lading.bom.refs import place
from lading.bom.system import operating_system

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lading.bom.refs import Entry
    from lading.inventory import Fact, Finding, Inspection

__all__ = ["Body", "body_of"]


class Body:
    """The components of one document, placed: every bom-ref is decided, lineage is resolved."""

    def __init__(self, inspection: Inspection, spec_version: str) -> None:
        self._models = place(model_entry(one, spec_version) for one in inspection.models)
        self._datasets = place(dataset_entry(one, spec_version) for one in inspection.datasets)
        self._packages = place(package_entry(one, spec_version) for one in inspection.packages)
        self._system = operating_system(inspection.packages)
        lineage = Lineage(self._models, self._datasets)
        known = {entry.ref: entry.component for entry in self._models}
        self._made_from = {entry.ref: complete(entry, lineage, known) for entry in self._models}
        self._contents: list[Entry[Any]] = [*self._models, *self._datasets]
        self._declared: list[Entry[Any]] = [*lineage.declared]

    @cached_property
    def components(self) -> list[dict[str, Any]]:
        """The components, models first; equal ones once."""
        groups: tuple[Iterable[Entry[Any]], ...] = (
            self._contents,
            self._packages,
            self._declared,
        )
        by_ref = {entry.ref: entry.component for group in groups for entry in group}
        if self._system is not None:
            by_ref[self._system["bom-ref"]] = self._system
        return list(by_ref.values())

    @cached_property
    def text(self) -> bytes:
        """The components as a document holds them."""
        return encode_value(self.components)

    @cached_property
    def graph(self) -> Graph:
        """Who needs whom: image → contents, model → what it was made from, packages."""
        graph = Graph()
        for ref, needs in self._made_from.items():
            graph.edge(ref, needs)
        for entry in (*self._declared, *self._contents):
            graph.edge(entry.ref)
        graph.contents([entry.ref for entry in self._contents])
        graph.packages(self._packages)
        graph.shipped(self._models, self._packages)
        if self._system is not None:
            graph.edge(self._system["bom-ref"])
            graph.contents([self._system["bom-ref"]])
        return graph

    @cached_property
    def findings(self) -> list[tuple[str, Finding]]:
        """Every finding about a model, with the bom-ref of what it is about."""
        return [
            (entry.ref, finding)
            for entry in self._models
            for finding in model_findings(entry.source)
        ]

    def sources(self) -> Iterator[tuple[int, dict[str, Any], Mapping[str, Fact]]]:
        """Yield models and data sets: index among the components, component, facts."""
        index = {component["bom-ref"]: n for n, component in enumerate(self.components)}
        for entry in self._contents:
            yield index[entry.ref], entry.component, entry.source.facts


_last: list[tuple[Any, Body]] = []


def body_of(inspection: Inspection, spec_version: str) -> Body:
    """Return the body of an inspection's document; one like the last is not made again.

    Nobody may change what it holds.
    """
    key = _Key(inspection, spec_version)
    if not _last or _last[0][0] != key:
        _last[:] = [(key, Body(inspection, spec_version))]
    return _last[0][1]


class _Key:
    """All that a body is made of. Packages are many: only the very same ones count as equal.

    Models and data sets that are not the very same are compared as Python writes them: equality
    takes 1 for True.
    """

    def __init__(self, inspection: Inspection, spec_version: str) -> None:
        self.spec_version = spec_version
        self.packages = inspection.packages
        self.others = inspection.models, inspection.datasets

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Key)
            and self.spec_version == other.spec_version
            and _same(self.packages, other.packages)
            and (
                all(map(_same, self.others, other.others))
                or repr(self.others) == repr(other.others)
            )
        )

    __hash__ = None  # type: ignore[assignment]


def _same(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))
