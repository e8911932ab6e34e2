"""Which package brought a file that no Python distribution did: npm's by place, dpkg's by list."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lading.packages.merge import dpkg_lists, dpkg_paths

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from lading.inventory import Package, PackageFile

__all__ = ["shippers_of"]

_MANIFEST = "/package.json"
_MODULES = "node_modules/"


def shippers_of(
    paths: Collection[str], packages: Iterable[Package], files: Sequence[PackageFile]
) -> Mapping[str, Package]:
    """Return the package of each of ``paths`` that one of ``packages`` brought.

    ``files`` are those that were captured: dpkg's lists are among them.
    """
    modules: dict[str, Package] = {}
    installed: dict[str, Package] = {}
    for package in packages:
        path = package.path or ""
        if package.type == "npm" and path.endswith(_MANIFEST):
            modules[path.removesuffix(_MANIFEST)] = package
        elif package.type == "deb":
            installed.setdefault(package.name, package)
    found = {path: _module(path, modules) for path in paths if _MODULES in path}
    wanted = {os.fsencode(path): path for path in paths if found.get(path) is None}
    for name, content in dpkg_lists(files) if wanted and installed else ():
        if name in installed and any(path in content for path in wanted):
            listed = set(dpkg_paths(content))
            found.update((path, installed[name]) for path in wanted.values() if path in listed)
    return {path: package for path, package in found.items() if package is not None}


def _module(path: str, modules: Mapping[str, Package]) -> Package | None:
    """Return the innermost module around a file: one may have others inside."""
    while path:
        path = path.rpartition("/")[0]
        if path in modules:
            return modules[path]
        if path.endswith("/node_modules") or path == "node_modules":
            return None
    return None
