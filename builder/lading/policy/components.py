"""The components of a CycloneDX document, as rules look at them.

Only what CycloneDX itself defines is needed; our properties (``docs/formats/bom.md``) refine it.
A field of the wrong type is an error, an absent one is not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Component", "components", "merged", "subject_properties"]

_NO_PACKAGE = frozenset(
    {"data", "file", "machine-learning-model", "cryptographic-asset", "operating-system"}
)


@dataclass(frozen=True, slots=True)
class Component:
    """One component.

    ``licenses`` all apply together; ``identified`` says that the digests of all its files are
    those of attested content.
    """

    ref: str
    kind: str
    name: str
    version: str | None
    purl: str | None
    licenses: tuple[str, ...]
    ancestors: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    identified: bool = False
    properties: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_package(self) -> bool:
        """Whether it is software."""
        return self.kind not in _NO_PACKAGE

    @property
    def label(self) -> str:
        """How a person calls it."""
        if self.is_package and self.purl:
            return self.purl.partition("?")[0]
        return self.name

    def value(self, name: str) -> str | None:
        """Return the first property of this name."""
        return next(iter(self.properties.get(name, ())), None)

    def fact(self, name: str) -> Any:
        """Return a fact (``lading:fact:NAME``) as JSON data, None when it is not known."""
        text = self.value(f"lading:fact:{name}")
        if text is None or not text.startswith(("[", "{")):
            return text
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text

    def fact_texts(self, name: str) -> tuple[str, ...]:
        """Return a fact as texts: none, one, or a list's."""
        value = self.fact(name)
        if value is None:
            return ()
        return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)

    @property
    def findings(self) -> tuple[Mapping[str, Any], ...]:
        """The findings on it (``id``, ``level``, ``message``, ``path``)."""
        found = []
        for text in self.properties.get("lading:finding", ()):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                value = None
            found.append(value if isinstance(value, dict) else {"id": "unreadable-finding"})
        return tuple(found)


def components(document: Mapping[str, Any]) -> tuple[Component, ...]:
    """Return what the document lists as being there, sorted by name.

    Raises:
        InputError: a field of the wrong type, or a component without a name.
    """
    found = [
        _component(raw)
        for raw in _walk(document)
        if raw.get("scope") != "excluded" and _is_present(raw)
    ]
    return tuple(sorted(found, key=lambda one: (one.name, one.version or "", one.ref)))


def merged(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return one document for those of an image's platforms: what any of them has, it has."""
    first, *others = documents
    if not others:
        return first
    components = [one for each in documents for one in _objects(each, "components")]
    metadata = _object(first, "metadata")
    about = _object(metadata, "component")
    properties = [
        one
        for each in documents
        for one in _objects(_object(_object(each, "metadata"), "component"), "properties")
    ]
    subject = {**about, "properties": properties}
    return {**first, "components": components, "metadata": {**metadata, "component": subject}}


def subject_properties(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the properties of what the document is about (``metadata.component``)."""
    return _properties(_object(_object(document, "metadata"), "component"))


def _is_present(raw: Mapping[str, Any]) -> bool:
    return "declared" not in _properties(raw).get("lading:presence", ())


def _walk(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every component and the components in it; files of a model belong to the model."""
    waiting = _objects(document, "components")
    while waiting:
        raw = waiting.pop()
        if raw.get("type") == "file":
            continue
        yield raw
        waiting.extend(_objects(raw, "components"))


def _component(raw: Mapping[str, Any]) -> Component:
    group, name = raw.get("group"), raw.get("name")
    if not isinstance(name, str) or not name:
        raise InputError("a component of the BOM has no name", where=str(raw.get("bom-ref"))[:200])
    evidence = _object(raw, "evidence")
    places = {str(one.get("location", "")) for one in _objects(evidence, "occurrences")}
    return Component(
        ref=str(raw.get("bom-ref", "")),
        kind=str(raw.get("type", "")),
        name=f"{group}/{name}" if group else name,
        version=_text(raw, "version"),
        purl=_text(raw, "purl"),
        licenses=_licenses(raw),
        ancestors=tuple(
            str(one.get("name", "")) for one in _objects(_object(raw, "pedigree"), "ancestors")
        ),
        paths=tuple(sorted(places)),
        identified=_identified(raw),
        properties=_properties(raw),
        card=_object(raw, "modelCard"),
    )


def _identified(raw: Mapping[str, Any]) -> bool:
    """Whether the build found every file's digest in a signed list (``lading:fact:attested``)."""
    origins = _properties(raw).get("lading:fact:attested:origin", ())
    return any(origin.startswith("matched: ") for origin in origins)


def _licenses(raw: Mapping[str, Any]) -> tuple[str, ...]:
    found = set()
    for choice in _objects(raw, "licenses"):
        inner = _object(choice, "license")
        text = choice.get("expression") or inner.get("id") or inner.get("name")
        if isinstance(text, str):
            found.add(text)
    return tuple(sorted(found))


def _properties(raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in _objects(raw, "properties"):
        name, value = one.get("name"), one.get("value")
        if isinstance(name, str) and isinstance(value, str):
            found[name] = (*found.get(name, ()), value)
    return found


def _text(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError("the BOM has a field of the wrong type", where=key, wanted="text")
    return value or None


def _object(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, dict):
        raise InputError("the BOM has a field of the wrong type", where=key, wanted="an object")
    return value


def _objects(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = raw.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InputError("the BOM has a field of the wrong type", where=key, wanted="objects")
    return list(value)
