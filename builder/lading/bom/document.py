"""One inspection as one CycloneDX document."""

from __future__ import annotations

import hashlib
import os
import uuid
from typing import TYPE_CHECKING, Any

from lading import __version__
from lading.bom.body import Body, body_of
from lading.bom.cite import citations
from lading.bom.clock import timestamp_text
from lading.bom.encode import encode
from lading.bom.image import container, subject_digest
from lading.bom.notes import annotate
from lading.bom.schemas import check_spec_version
from lading.bom.text import label
from lading.spliced import Spliced

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from lading.inventory import Inspection, Tool

__all__ = ["render", "write"]

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
    return _document(inspection, Body(inspection, spec_version), spec_version, timestamp)


def write(
    inspection: Inspection, *, spec_version: str = "1.6", timestamp: datetime | None = None
) -> bytes:
    """Return the same document in its canonical bytes; contents like the last are known already.

    Raises:
        UsageError: as :func:`render`.
        InputError: it holds what JSON cannot carry.
    """
    check_spec_version(spec_version)
    body = body_of(inspection, spec_version)
    document = _document(inspection, body, spec_version, timestamp)
    if "components" not in document:
        return encode(document)
    token = os.urandom(16).hex()
    return Spliced.around(encode({**document, "components": token}), "components", token, body.text)


def _document(
    inspection: Inspection, body: Body, spec_version: str, timestamp: datetime | None
) -> dict[str, Any]:
    moment = timestamp_text(timestamp)
    tools = _tools(inspection.tools)
    image = container(inspection, spec_version=spec_version)
    findings = [(image["bom-ref"], finding) for finding in inspection.findings]
    document: dict[str, Any] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec_version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec_version,
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, _identity(inspection, image, body))}",
        "version": 1,
        "metadata": {
            "timestamp": moment,
            "lifecycles": [{"phase": "post-build"}],
            "tools": {"components": tools},
            "component": image,
        },
        "components": body.components,
        "dependencies": body.graph.render(image["bom-ref"]),
        "annotations": annotate(
            [*findings, *body.findings],
            tool={key: tools[0][key] for key in ("type", "name", "version")},
            timestamp=moment,
        ),
    }
    if spec_version != "1.6":
        document["citations"] = citations(
            body.sources(), tool=tools[0]["bom-ref"], timestamp=moment
        )
    return {key: value for key, value in document.items() if value}


def _identity(inspection: Inspection, image: dict[str, Any], body: Body) -> str:
    """Return what the serial number is made of: the image's digest, else the content's."""
    digest = subject_digest(inspection.image)
    if digest:
        return digest
    content = encode({"component": image, "components": body.components})
    return hashlib.sha256(content).hexdigest()


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
