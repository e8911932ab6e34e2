"""``library`` components: Python distributions and the packages of the system."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lading.bom.files import hashes
from lading.bom.licenses import licenses
from lading.bom.properties import Properties
from lading.bom.refs import Entry
from lading.bom.text import iri, label, location, prose, purl

if TYPE_CHECKING:
    from lading.inventory import Package

__all__ = ["package_entry"]

# The forms of NISTIR 7695 and of CPE 2.2, near enough to keep nonsense out of the field.
_CPE = re.compile(
    r"cpe:2\.3:[aho*-](?::[^\s:\\]*(?:\\.[^\s:\\]*)*){10}|cpe:/[aho]?(?::[^\s:]*){0,6}"
)


def package_entry(package: Package, spec_version: str) -> Entry[Package]:
    """Return the component of one package; its reference is its purl."""
    identifier = purl(package.purl)
    component: dict[str, Any] = {
        "type": "library",
        "name": label(package.name) or "unnamed",
        "version": label(package.version)[:1024],
        "purl": identifier,
        "cpe": package.cpe if package.cpe and _CPE.fullmatch(package.cpe) else None,
        "description": prose(package.summary or ""),
        "hashes": hashes(dict(package.hashes)),
        "licenses": licenses(
            package.licenses, spec_version=spec_version, acknowledgement="declared"
        ),
        "properties": _properties(package, identifier),
    }
    if package.path is not None:
        found = {"location": location(package.path)}
        if package.layer:
            found["additionalContext"] = label(f"layer={package.layer}")
        component["evidence"] = {"occurrences": [found]}
    if package.homepage and (url := iri(package.homepage)):
        component["externalReferences"] = [{"type": "website", "url": url}]
    if package.supplier and (supplier := label(package.supplier)):
        component["supplier"] = {"name": supplier}
    base = identifier or label(f"package:{package.type}:{package.name}:{package.version}")
    return Entry(package, base, {key: value for key, value in component.items() if value})


def _properties(package: Package, identifier: str | None) -> list[dict[str, str]]:
    properties = (
        Properties()
        .add("lading:layer", package.layer)
        .add("lading:path", None if package.path is None else location(package.path))
        .add("lading:package:type", package.type)
        .add("lading:package:requested", package.requested)
    )
    if identifier is None:
        properties.add("lading:package:purl", package.purl)
    for name, value in package.properties.items():
        properties.add(name if name.startswith("lading:") else f"lading:package:{name}", value)
    return properties.render()
