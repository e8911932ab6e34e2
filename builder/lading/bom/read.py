"""Somebody's CycloneDX, read strictly and within bounds, into what a comparison needs.

Documents of other tools are read too: only what CycloneDX itself defines is needed, our
properties refine it. The schema is not consulted (:func:`lading.bom.validate` does that); a
field that has the wrong type is an error, an absent one is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.bom.strict import load_object
from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Artifact", "Bom", "PackageVersion", "read"]

_XML = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\0?\s*\0?<")
_SEPARATORS = re.compile(r"[-_.]+")  # of Python distributions' names, PEP 503
#: Keys that tell other formats: SPDX 2, SPDX 3, syft's own, in-toto's statements.
_OTHER_FORMATS = ("spdxVersion", "@context", "descriptor", "predicateType")
_NO_PACKAGE = frozenset({"data", "file", "machine-learning-model", "cryptographic-asset"})


@dataclass(frozen=True, slots=True)
class Artifact:
    """A model or data set of a document.

    ``weights`` are the digests of what it is made of, as ``ALG:hex``, sorted; empty when the
    document does not say. ``version`` is the component's own, else that of the distribution that
    ships it, else None.
    """

    name: str
    version: str | None
    purl: str | None
    licenses: tuple[str, ...]
    weights: tuple[str, ...]
    locations: tuple[str, ...]
    verdict: str | None


@dataclass(frozen=True, slots=True)
class PackageVersion:
    """One installed package of a document. ``kind`` is the purl's type, else the component's."""

    kind: str
    name: str
    version: str | None
    purl: str | None
    licenses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bom:
    """What a document says, as far as two of them are compared."""

    spec_version: str
    serial_number: str | None
    subject: str | None
    subject_version: str | None
    models: tuple[Artifact, ...]
    datasets: tuple[Artifact, ...]
    packages: tuple[PackageVersion, ...]


def read(data: bytes) -> Bom:
    """Read a CycloneDX document of any version, JSON or XML.

    What is only declared (``lading:presence`` ``declared``: base models, training data) is no
    part of the result.

    Raises:
        LimitError: larger or deeper than ``limits.py`` allows.
        InputError: not strict JSON or XML, not CycloneDX, or a field of the wrong type.
    """
    document = _document(data)
    if document.get("bomFormat") != "CycloneDX":
        kind = next((key for key in ("bomFormat", *_OTHER_FORMATS) if key in document), None)
        raise InputError(
            "the document is not CycloneDX",
            got=f"{kind} {document[kind]}"[:80] if kind else "JSON of another kind",
            wanted='"bomFormat": "CycloneDX"',
        )
    subject = _object(_object(document, "metadata"), "component")
    models: list[Artifact] = []
    datasets: list[Artifact] = []
    packages: list[PackageVersion] = []
    for component in _walk(document):
        if _property(component, "lading:presence") == "declared":
            continue
        kind = _text(component, "type") or ""
        if kind == "machine-learning-model":
            models.append(_artifact(component, "weights"))
        elif kind == "data":
            datasets.append(_artifact(component, "data"))
        elif kind not in _NO_PACKAGE:
            packages.append(_package(component, kind))
    return Bom(
        spec_version=_text(document, "specVersion") or "",
        serial_number=_text(document, "serialNumber"),
        subject=_text(subject, "name"),
        subject_version=_text(subject, "version"),
        models=tuple(sorted(models, key=repr)),
        datasets=tuple(sorted(datasets, key=repr)),
        packages=tuple(sorted(packages, key=repr)),
    )


def _document(data: bytes) -> dict[str, Any]:
    if not _XML.match(data):
        return load_object(data)
    from lading.bom.read_xml import load_xml  # few documents are

    return load_xml(data)


def _walk(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every component and the components in it, files of a model excepted."""
    waiting = _objects(document, "components")
    while waiting:
        component = waiting.pop()
        yield component
        if _text(component, "type") not in _NO_PACKAGE:
            waiting.extend(_objects(component, "components"))


def _artifact(component: dict[str, Any], role: str) -> Artifact:
    files = [one for one in _objects(component, "components") if _text(one, "type") == "file"]
    chosen = [one for one in files if _property(one, "lading:file:role") == role]
    weights = {digest for one in chosen for digest in _digests(one)}
    weights = weights or _digests(component) or {d for one in files for d in _digests(one)}
    places = _objects(_object(component, "evidence"), "occurrences")
    version = _text(component, "version") or None
    if version is None:
        version = _purl_version(_property(component, "lading:model:distribution"))
    return Artifact(
        name=_full_name(component),
        version=version,
        purl=_text(component, "purl"),
        licenses=_licenses(component),
        weights=tuple(sorted(weights)),
        locations=tuple(sorted({place for one in places if (place := _text(one, "location"))})),
        verdict=_property(component, "lading:safety:verdict"),
    )


def _package(component: dict[str, Any], kind: str) -> PackageVersion:
    purl = _text(component, "purl")
    if purl and purl.startswith("pkg:"):
        kind = purl[4:].partition("/")[0]
    name = _full_name(component)
    if kind == "pypi":  # however a tool writes it: typing_extensions is typing-extensions
        name = _SEPARATORS.sub("-", name).lower()
    return PackageVersion(
        kind=kind,
        name=name,
        version=_text(component, "version"),
        purl=purl,
        licenses=_licenses(component),
    )


def _full_name(component: dict[str, Any]) -> str:
    group, name = _text(component, "group"), _text(component, "name")
    if not name:
        raise InputError("a component has no name", where=_text(component, "bom-ref"))
    return f"{group}/{name}" if group else name


def _purl_version(purl: str | None) -> str | None:
    """Return the version in a purl's text, or None."""
    if purl is None:
        return None
    return purl.partition("#")[0].partition("?")[0].rpartition("/")[2].partition("@")[2] or None


def _digests(component: dict[str, Any]) -> set[str]:
    found = set()
    for one in _objects(component, "hashes"):
        algorithm, content = _text(one, "alg"), _text(one, "content")
        if algorithm and content:
            found.add(f"{algorithm}:{content.lower()}")
    return found


def _licenses(component: dict[str, Any]) -> tuple[str, ...]:
    found = set()
    for choice in _objects(component, "licenses"):
        inner = _object(choice, "license")
        text = _text(choice, "expression") or _text(inner, "id") or _text(inner, "name")
        if text:
            found.add(text)
    return tuple(sorted(found))


def _property(component: dict[str, Any], name: str) -> str | None:
    for one in _objects(component, "properties"):
        if one.get("name") == name:
            return _text(one, "value")
    return None


def _text(parent: dict[str, Any], key: str) -> str | None:
    value = parent.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _wrong_type(key, value, "a string")


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    raise _wrong_type(key, value, "an object")


def _objects(parent: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = parent.get(key)
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(one, dict) for one in value):
        return list(value)
    raise _wrong_type(key, value, "an array of objects")


def _wrong_type(key: str, value: object, wanted: str) -> InputError:
    return InputError(
        "the document is not valid CycloneDX", where=key, got=type(value).__name__, wanted=wanted
    )
