"""One inspection as one CycloneDX document."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

from lading import __version__
from lading.bom.cite import citations
from lading.bom.clock import timestamp_text
from lading.bom.dataset import dataset_entry
from lading.bom.encode import encode
from lading.bom.graph import Graph
from lading.bom.image import container, subject_digest
from lading.bom.lineage import Lineage
from lading.bom.model import complete, model_entry, model_findings
from lading.bom.notes import annotate
from lading.bom.package import package_entry
from lading.bom.refs import place
from lading.bom.schemas import check_spec_version
from lading.bom.system import operating_system
from lading.bom.text import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from lading.bom.refs import Entry
    from lading.inventory import Fact, Finding, Inspection, Tool

__all__ = ["render"]

# UUIDv5 of lading's name below the DNS name space; serial numbers are UUIDv5 below it.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "bom.lading.dev")


def render(
    inspection: Inspection, *, spec_version: str = "1.6", timestamp: datetime | None = None
) -> dict[str, Any]:
    """Return the CycloneDX document of an inspection, as JSON data.

    The same inspection gives the same document, apart from its timestamp; the order in which
    models, packages and files were found plays no part. See ``docs/formats/bom.md``.

    Args:
        inspection: what was found in one image.
        spec_version: one of ``SPEC_VERSIONS``.
        timestamp: when; None for ``SOURCE_DATE_EPOCH``, else now.

    Raises:
        UsageError: an unsupported ``spec_version``, or ``SOURCE_DATE_EPOCH`` is no time.
    """
    check_spec_version(spec_version)
    moment = timestamp_text(timestamp)
    tools = _tools(inspection.tools)
    parts = _Parts(inspection, spec_version)
    document: dict[str, Any] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, parts.identity())}",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": tools},
            "component": parts.image,
        },
        "components": parts.components(),
        "dependencies": parts.dependencies(),
        "annotations": annotate(
            parts.findings(),
            tool={key: tools[0][key] for key in ("type", "name", "version")},
            timestamp=moment,
        ),
    }
    if spec_version != "1.6":
        document["citations"] = citations(
            parts.sources(), tool=tools[0]["bom-ref"], timestamp=moment
        )
    return {key: value for key, value in document.items() if value}


class _Parts:
    """The components of one document, placed: every bom-ref is decided, lineage is resolved."""

    def __init__(self, inspection: Inspection, spec_version: str) -> None:
        self._inspection = inspection
        self.image = container(inspection, spec_version=spec_version)
        self._models = place(model_entry(one, spec_version) for one in inspection.models)
        self._datasets = place(dataset_entry(one, spec_version) for one in inspection.datasets)
        self._packages = place(package_entry(one, spec_version) for one in inspection.packages)
        self._system = operating_system(inspection.packages)
        lineage = Lineage(self._models, self._datasets)
        known = {entry.ref: entry.component for entry in self._models}
        self._made_from = {entry.ref: complete(entry, lineage, known) for entry in self._models}
        self._contents: list[Entry[Any]] = [*self._models, *self._datasets]
        self._declared: list[Entry[Any]] = [*lineage.declared]

    def identity(self) -> str:
        """Return what the serial number is made of: the image's digest, else the content's."""
        digest = subject_digest(self._inspection.image)
        if digest:
            return digest
        content = encode({"component": self.image, "components": self.components()})
        return hashlib.sha256(content).hexdigest()

    def components(self) -> list[dict[str, Any]]:
        """Return the components, models first; equal ones once."""
        groups: tuple[Iterable[Entry[Any]], ...] = (
            self._contents,
            self._packages,
            self._declared,
        )
        by_ref = {entry.ref: entry.component for group in groups for entry in group}
        if self._system is not None:
            by_ref[self._system["bom-ref"]] = self._system
        return list(by_ref.values())

    def dependencies(self) -> list[dict[str, Any]]:
        """Return the graph: image → contents, model → what it was made from, packages."""
        graph = Graph(self.image["bom-ref"])
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
        return graph.render()

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """Yield every finding with the bom-ref of what it is about."""
        for finding in self._inspection.findings:
            yield self.image["bom-ref"], finding
        for entry in self._models:
            for finding in model_findings(entry.source):
                yield entry.ref, finding

    def sources(self) -> Iterator[tuple[int, dict[str, Any], Mapping[str, Fact]]]:
        """Yield models and data sets: index among the components, component, facts."""
        index = {component["bom-ref"]: n for n, component in enumerate(self.components())}
        for entry in self._contents:
            yield index[entry.ref], entry.component, entry.source.facts


def _tools(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Return ourselves, then the others sorted, as ``metadata.tools.components``."""
    found: dict[str, dict[str, Any]] = {}
    others = sorted({(label(one.name), label(one.version), one.vendor) for one in tools}, key=str)
    for name, version, vendor in [("lading", __version__, None), *others]:
        ref = f"tool:{name}@{version}"
        component: dict[str, Any] = {
            "type": "application",
            "bom-ref": ref,
            "name": name,
            "version": version[:1024],
        }
        if vendor and label(vendor):
            component["publisher"] = label(vendor)
        found.setdefault(ref, component)
    return list(found.values())
