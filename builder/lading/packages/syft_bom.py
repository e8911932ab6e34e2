"""Packages out of the CycloneDX document that syft writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lading.inventory import Package
from lading.packages.purl import purl_type
from lading.packages.rules import is_supporting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FOUND_BY", "packages_of"]

FOUND_BY = "lading:syft:found-by"  # which of syft's catalogers told the package

_COMPONENT_TYPES = frozenset({"library", "application", "framework", "firmware", "platform"})
_TEXT = 512
_LICENSE = 200


def packages_of(document: Mapping[str, Any]) -> tuple[Package, ...]:
    """Return the packages of a document, without layers, sorted by purl and path.

    Of the many CPEs that syft guesses at most one is kept. Files and the operating system itself,
    which newer versions list as components too, are not packages. Digests are left out: they would
    be those of stand-ins.
    """
    components = [
        component
        for component in _objects(document.get("components"))
        if component.get("type") in _COMPONENT_TYPES and _text(component.get("name"))
    ]
    purls = {str(component.get("bom-ref")): _purl(component) for component in components}
    requires = _requires(document, purls)
    found: dict[tuple[str, str | None], Package] = {}
    for component in components:
        package = _package(component, requires.get(str(component.get("bom-ref")), ()))
        found.setdefault((package.purl, package.path), package)
    return tuple(sorted(found.values(), key=lambda package: (package.purl, package.path or "")))


def _package(component: Mapping[str, Any], requires: tuple[str, ...]) -> Package:
    purl = _purl(component)
    paths = sorted(_locations(component), key=lambda path: (is_supporting(path), path))
    properties = {}
    found_by = _property(component, "syft:package:foundBy")
    if found_by:
        properties[FOUND_BY] = found_by
    return Package(
        purl=purl,
        name=_text(component.get("name")) or "",
        version=_text(component.get("version")) or "",
        type=purl_type(purl) or "generic",
        path=paths[0] if paths else None,
        licenses=tuple(dict.fromkeys(_licenses(component))),
        requires=tuple(entry for entry in requires if entry != purl),
        summary=_text(component.get("description")),
        homepage=_homepage(component),
        supplier=_text(component.get("publisher")),
        properties=properties,
        cpe=_text(component.get("cpe")),
    )


def _purl(component: Mapping[str, Any]) -> str:
    purl = _text(component.get("purl"))
    if purl is not None and purl_type(purl) is not None:
        return purl
    name = quote(_text(component.get("name")) or "", safe="")
    version = quote(_text(component.get("version")) or "", safe="")
    return f"pkg:generic/{name}@{version}" if version else f"pkg:generic/{name}"


def _requires(document: Mapping[str, Any], purls: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in _objects(document.get("dependencies")):
        targets = entry.get("dependsOn")
        known = {purls[ref] for ref in targets if ref in purls} if isinstance(targets, list) else ()
        found[str(entry.get("ref"))] = tuple(sorted(known))
    return found


def _licenses(component: Mapping[str, Any]) -> Iterator[str]:
    for choice in _objects(component.get("licenses")):
        licence = choice.get("license")
        candidates = [choice.get("expression")]
        if isinstance(licence, dict):
            candidates += [licence.get("id"), licence.get("name")]
        for value in candidates:
            # A digest in place of a name is a licence text that syft could not tell.
            if isinstance(value, str) and value and "sha256:" not in value:
                yield value[:_LICENSE]
                break


def _homepage(component: Mapping[str, Any]) -> str | None:
    for reference in _objects(component.get("externalReferences")):
        url = _text(reference.get("url"))
        if reference.get("type") == "website" and url and url.startswith(("https://", "http://")):
            return url
    return None


def _locations(component: Mapping[str, Any]) -> list[str]:
    return [
        str(entry["value"]).lstrip("/")
        for entry in _objects(component.get("properties"))
        if str(entry.get("name", "")).startswith("syft:location:")
        and str(entry.get("name", "")).endswith(":path")
        and isinstance(entry.get("value"), str)
    ]


def _property(component: Mapping[str, Any], name: str) -> str | None:
    for entry in _objects(component.get("properties")):
        if entry.get("name") == name:
            return _text(entry.get("value"))
    return None


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    return (
        (entry for entry in value if isinstance(entry, dict))
        if isinstance(value, list)
        else iter(())
    )


def _text(value: object) -> str | None:
    return value[:_TEXT] if isinstance(value, str) and value else None
