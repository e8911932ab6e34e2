"""One inspection as one CycloneDX document."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from lading import __version__
from lading.bom.clock import timestamp_text
from lading.bom.dataset import dataset_entry
from lading.bom.graph import Graph
from lading.bom.image import container
from lading.bom.lineage import Lineage
from lading.bom.model import complete, model_entry, model_findings
from lading.bom.notes import annotate
from lading.bom.package import package_entry
from lading.bom.refs import place
from lading.bom.schemas import check_spec_version
from lading.bom.text import label

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lading.bom.refs import Entry
    from lading.inventory import Inspection, Tool

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
    image = container(inspection, spec_version=spec_version)
    subject: str = image["version"]
    models = place(model_entry(one, spec_version=spec_version) for one in inspection.models)
    datasets = place(dataset_entry(one, spec_version=spec_version) for one in inspection.datasets)
    packages = place(package_entry(one, spec_version=spec_version) for one in inspection.packages)

    graph = Graph(image["bom-ref"])
    lineage = Lineage(models, datasets)
    known = {entry.ref: entry.component for entry in models}
    for entry in models:
        graph.edge(entry.ref, complete(entry, lineage, known))
    for declared in lineage.declared:
        graph.edge(declared.ref)
    for data in datasets:
        graph.edge(data.ref)
    graph.contents([*(entry.ref for entry in models), *(entry.ref for entry in datasets)])
    graph.packages(packages)
    graph.shipped(models, packages)

    found = [(image["bom-ref"], finding) for finding in inspection.findings]
    found += [(entry.ref, one) for entry in models for one in model_findings(entry.source)]
    annotator = {key: tools[0][key] for key in ("type", "name", "version")}
    document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, subject)}",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": tools},
            "component": image,
        },
        "components": _components(models, datasets, packages, lineage.declared),
        "dependencies": graph.render(),
        "annotations": annotate(found, tool=annotator, timestamp=moment),
    }
    return {key: value for key, value in document.items() if value}


def _components(*groups: Iterable[Entry[Any]]) -> list[dict[str, Any]]:
    """Return the components, models first; equal ones once."""
    by_ref = {entry.ref: entry.component for group in groups for entry in group}
    return list(by_ref.values())


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
