"""``dependencies``: who needs whom, with an entry for every component and no loose end."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lading.bom.refs import Entry
    from lading.inventory import Model, Package

__all__ = ["Graph"]

_VENDORED_BY = "lading:python:vendored-by"  # the purl of the distribution that carries a copy


class Graph:
    """Collects edges between bom-refs; renders them sorted."""

    def __init__(self) -> None:
        self._edges: dict[str, set[str]] = defaultdict(set)
        self._contents: set[str] = set()

    def edge(self, ref: str, depends_on: Iterable[str] = ()) -> None:
        """Say that ``ref`` exists and needs each of ``depends_on`` (itself left out)."""
        self._edges[ref].update(one for one in depends_on if one != ref)

    def contents(self, refs: Iterable[str]) -> None:
        """Say that the image has ``refs``."""
        self._contents.update(refs)

    def packages(self, packages: Sequence[Entry[Package]]) -> None:
        """Add packages, what they require, and from the image to those that nothing requires.

        Packages that somebody asked for are the image's too. Where packages require one another
        in a ring that nothing else leads to, the first by reference stands for the ring.
        """
        index = PackageIndex(packages)
        required: set[str] = set()
        asked: set[str] = set()
        for entry in packages:
            needs = index.required_by(entry)
            self.edge(entry.ref, needs)
            required.update(needs - {entry.ref})
            if entry.source.requested:
                asked.add(entry.ref)
            for holder in index.find(entry.source.properties.get(_VENDORED_BY, "")):
                self.edge(holder, [entry.ref])
                required.add(entry.ref)
        refs = sorted({entry.ref for entry in packages})
        roots = [ref for ref in refs if ref in asked or ref not in required]
        seen = self._reach(roots, set())
        for ref in refs:
            if ref not in seen:
                roots.append(ref)
                self._reach([ref], seen)
        self.contents(roots)

    def shipped(self, models: Sequence[Entry[Model]], packages: Sequence[Entry[Package]]) -> None:
        """Add an edge from each distribution to the models that it ships."""
        index = PackageIndex(packages)
        for entry in models:
            if entry.source.distribution:
                for ref in index.find(entry.source.distribution):
                    self.edge(ref, [entry.ref])

    def render(self, root: str) -> list[dict[str, Any]]:
        """Return the schema's array, sorted by reference; leaves have no ``dependsOn``.

        ``root`` is the image's.
        """
        top = self._edges.get(root, set()) | self._contents - {root}
        return [
            {"ref": ref, "dependsOn": sorted(needs)} if needs else {"ref": ref}
            for ref, needs in sorted({**self._edges, root: top}.items())
        ]

    def _reach(self, start: Iterable[str], seen: set[str]) -> set[str]:
        waiting = list(start)
        while waiting:
            ref = waiting.pop()
            if ref not in seen:
                seen.add(ref)
                waiting.extend(self._edges[ref])
        return seen


class PackageIndex:
    """Finds packages by the purls that others require them by."""

    def __init__(self, packages: Iterable[Entry[Package]]) -> None:
        self._exact: dict[str, set[str]] = defaultdict(set)
        self._loose: dict[str, set[str]] = defaultdict(set)
        self._prefix: dict[str, str] = {}
        for entry in packages:
            self._exact[entry.source.purl].add(entry.ref)
            self._loose[_without_version(entry.source.purl)].add(entry.ref)
            self._prefix[entry.ref] = _directory(entry.source.path)

    def find(self, purl: str) -> set[str]:
        """Return the packages that ``purl`` names; without a version, any version."""
        found = self._exact.get(purl)
        if found is None and purl == _without_version(purl):
            found = self._loose.get(purl)
        return found or set()

    def required_by(self, entry: Entry[Package]) -> set[str]:
        """Return what a package requires; of several installations the one in its own prefix."""
        needs: set[str] = set()
        prefix = self._prefix[entry.ref]
        for purl in entry.source.requires:
            found = self.find(purl)
            beside = {ref for ref in found if self._prefix[ref] == prefix}
            needs |= beside or found
        return needs


def _without_version(purl: str) -> str:
    """Return type, namespace and name of a purl."""
    bare = purl.partition("#")[0].partition("?")[0]
    name = bare.rpartition("/")
    return f"{name[0]}/{name[2].partition('@')[0]}"


def _directory(path: str | None) -> str:
    """Return the directory that a package is installed in, from the path of its record."""
    if path is None:
        return ""
    directory = path.rpartition("/")[0]
    if directory.endswith((".dist-info", ".egg-info")):
        return directory.rpartition("/")[0]
    return directory
