"""Dependency edges between installed Python distributions: PEP 508 requirements, evaluated.

The markers are evaluated for the image's own interpreter and platform, never for the machine that
scans. An edge exists only to a distribution that the requiring one can import.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from lading.packages.metadata import normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from packaging.requirements import Requirement

__all__ = ["Node", "egg_requirements", "marker_environment", "resolve_edges"]

_LEADING_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_REQUIREMENT_LENGTH = 8192
_EGG_LINES = 10_000
_NEEDS_VERSION = re.compile(r"python_(?:full_)?version|implementation_version")
# OCI architecture → what ``platform.machine()`` says there.
_MACHINES = {
    "amd64": "x86_64",
    "arm64": "aarch64",
    "386": "i686",
    "arm": "armv7l",
    "loong64": "loongarch64",
}


@dataclass(frozen=True, slots=True)
class Node:
    """One distribution as the resolver sees it. ``key`` is the caller's own, unique one."""

    key: int
    name: str  # normalised
    site: str
    requires: Sequence[str]


def marker_environment(
    version: str | None, machine: str | None, *, system: str = "linux", pypy: bool = False
) -> dict[str, str]:
    """Return the PEP 508 environment of an interpreter ``version`` (``3.11.2``) in an image.

    ``machine`` is an OCI architecture or a machine name. What is not known is empty, which no
    marker matches but ``!=``.
    """
    full = version or ""
    hardware = _MACHINES.get(machine or "", machine or "")
    return {
        "implementation_name": "pypy" if pypy else "cpython",
        "implementation_version": full,
        "os_name": "nt" if system == "windows" else "posix",
        "platform_machine": hardware,
        "platform_python_implementation": "PyPy" if pypy else "CPython",
        "platform_release": "",
        "platform_system": system.capitalize(),
        "platform_version": "",
        "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]),
        "sys_platform": "win32" if system == "windows" else system,
    }


def resolve_edges(
    nodes: Sequence[Node],
    search: Mapping[str, tuple[str, ...]],
    markers: Mapping[str, Mapping[str, str]],
) -> dict[int, tuple[int, ...]]:
    """Return, for the key of each node, the keys of the nodes it requires, sorted.

    ``search`` and ``markers`` are by site directory. Extras that a requirement asks for activate
    the required distribution's own extra requirements, to any depth, cycles included.
    """
    by_site: dict[str, dict[str, Node]] = {}
    for node in nodes:
        by_site.setdefault(node.site, {}).setdefault(node.name, node)
    extras: dict[int, set[str]] = {}
    edges: dict[int, set[int]] = {node.key: set() for node in nodes}
    pending: list[tuple[Node, str]] = [(node, "") for node in nodes]
    while pending:
        node, extra = pending.pop()
        for target, requirement in _followed(node, extra, by_site, search, markers):
            if target.key != node.key:
                edges[node.key].add(target.key)
            active = extras.setdefault(target.key, set())
            for wanted in map(normalise, requirement.extras):
                if wanted not in active:
                    active.add(wanted)
                    pending.append((target, wanted))
    return {key: tuple(sorted(found)) for key, found in edges.items()}


def egg_requirements(lines: Sequence[str]) -> list[str]:
    """Return a ``requires.txt`` of setuptools as PEP 508 requirements.

    Its sections are ``[extra]``, ``[:marker]`` or ``[extra:marker]``.
    """
    requirements: list[str] = []
    marker = ""
    for line in lines[:_EGG_LINES]:
        if line.startswith("[") and line.endswith("]"):
            extra, _, condition = line[1:-1].partition(":")
            terms = [f"({condition})"] if condition else []
            terms += [f"extra == {json.dumps(extra)}"] if extra else []
            marker = " and ".join(terms)
        else:
            requirements.append(f"{line} ; {marker}" if marker else line)
    return requirements


def _followed(
    node: Node,
    extra: str,
    by_site: Mapping[str, Mapping[str, Node]],
    search: Mapping[str, tuple[str, ...]],
    markers: Mapping[str, Mapping[str, str]],
) -> Iterator[tuple[Node, Requirement]]:
    """Yield the installed distributions that ``node`` requires (with ``extra``), and how."""
    environment = {**markers.get(node.site, {}), "extra": extra}
    for text in node.requires:
        if extra and "extra" not in text:
            continue  # already followed without the extra
        # Most requirements are of extras nobody installed: the name alone rules them out, and
        # that spares a full parse.
        name = _LEADING_NAME.match(text)
        target = _visible(node, normalise(name[1]), by_site, search) if name else None
        if target is None:
            continue
        requirement = _parse(text)
        if requirement is not None and _applies(requirement, environment):
            yield target, requirement


def _visible(
    node: Node,
    name: str,
    by_site: Mapping[str, Mapping[str, Node]],
    search: Mapping[str, tuple[str, ...]],
) -> Node | None:
    for site in search.get(node.site, (node.site,)):
        found = by_site.get(site, {}).get(name)
        if found is not None:
            return found
    return None


def _applies(requirement: Requirement, environment: Mapping[str, str]) -> bool:
    """Evaluate the marker.

    Where that cannot be done (the interpreter is not known), the required distribution is there
    all the same: that decides, unless an extra would have had to ask for it.
    """
    marker = requirement.marker
    if marker is None:
        return not environment["extra"]
    from packaging.markers import UndefinedComparison, UndefinedEnvironmentName
    from packaging.specifiers import InvalidSpecifier
    from packaging.version import InvalidVersion

    text = str(marker)
    undecided = "extra" not in text
    if not environment.get("python_full_version") and _NEEDS_VERSION.search(text):
        return undecided
    try:
        return marker.evaluate(dict(environment))
    except (
        UndefinedComparison,
        UndefinedEnvironmentName,
        InvalidSpecifier,
        InvalidVersion,
        RecursionError,
    ):
        return undecided


@lru_cache(maxsize=8192)
def _parse(text: str) -> Requirement | None:
    if len(text) > _REQUIREMENT_LENGTH:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(text)
    except (InvalidRequirement, RecursionError):
        return None
