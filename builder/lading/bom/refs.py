"""Stable, unique bom-refs: the same content has the same reference in every document.

A reference is made of what identifies the component (a purl, or its kind, name and the digest of
its files), never of its place in a list. Where two components would share one, a digest of each
one's whole content tells them apart; components that are equal in everything become one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lading.bom.encode import encode
from lading.bom.text import label

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lading.inventory import ModelFile

__all__ = ["Entry", "content_key", "place"]

T = TypeVar("T")


@dataclass(slots=True)
class Entry(Generic[T]):
    """One component on its way into the document, with the facts it was made of.

    ``base`` is the reference it would like to have; :func:`place` decides ``ref``.
    """

    source: T
    base: str
    component: dict[str, Any]
    ref: str = field(default="")


def place(entries: Iterable[Entry[T]]) -> list[Entry[T]]:
    """Give each entry its reference, and its nested files theirs; return them without doubles.

    The order of the result is by name, version and reference, whatever the order of ``entries``.
    The entries of equal components share one component object, and all are returned by their
    own source, so that what only sources know (who requires them) is kept.
    """
    groups: dict[str, list[Entry[T]]] = {}
    for entry in entries:
        groups.setdefault(entry.base, []).append(entry)
    for base, group in groups.items():
        if len(group) == 1:
            _name(group[0].component, base)
            group[0].ref = base
        else:
            _tell_apart(base, group)
    return sorted((entry for group in groups.values() for entry in group), key=_order)


def content_key(kind: str, name: str, files: Iterable[ModelFile]) -> str:
    """Return the reference of a model or data set: kind, name, and a digest of its files."""
    digest = hashlib.sha256()
    for line in sorted(f"{file.path}\0{file.sha256}\0{file.layer}\n" for file in files):
        digest.update(line.encode("utf-8", "surrogatepass"))
    return f"{kind}:{label(name)}:{digest.hexdigest()[:16]}"


def _tell_apart(base: str, group: list[Entry[T]]) -> None:
    contents: dict[bytes, dict[str, Any]] = {}
    for entry in group:
        key = encode(entry.component)
        entry.component = contents.setdefault(key, entry.component)
        entry.ref = f"{base}#{hashlib.sha256(key).hexdigest()[:12]}"
    for entry in group:
        if len(contents) == 1:
            entry.ref = base
        _name(entry.component, entry.ref)


def _name(component: dict[str, Any], ref: str) -> None:
    component["bom-ref"] = ref
    taken: set[str] = set()
    for nested in component.get("components", ()):
        own = path = f"{ref}#{nested['name']}"
        while own in taken:  # a path listed twice; their order is by content
            own = f"{path}#{len(taken)}"
        taken.add(own)
        nested["bom-ref"] = own


def _order(entry: Entry[Any]) -> tuple[str, str, str]:
    return entry.component["name"], entry.component.get("version", ""), entry.ref
