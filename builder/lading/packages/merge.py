"""One list of packages out of both readers', and which of them an OS package installed."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lading.packages.conda import conda_installed
from lading.packages.distributions import is_metadata
from lading.packages.syft_bom import FOUND_BY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lading.inventory import Package, PackageFile
    from lading.packages.others import SyftResult
    from lading.packages.python import PythonResult

__all__ = ["merge_packages"]

OS_PACKAGE = "lading:os-package"


def merge_packages(
    python: PythonResult,
    other: SyftResult,
    files: Sequence[PackageFile],
    links: Mapping[str, str] | None = None,
) -> tuple[Package, ...]:
    """Return all packages, each once, sorted by purl and path.

    A program that an OS package installed is that package, not one of its own; ``links`` are the
    image's symbolic links, through which dpkg's lists name what lies elsewhere since /usr was
    merged.

    Python's are our own reader's alone. One that an OS package installed (Debian's
    ``python3-numpy``) is listed beside that package, because both names are needed to match
    advisories, and says so in the property ``lading:os-package``; so is one that Conda installed.
    """
    owners, (conda, of_conda) = _os_owners(files), conda_installed(files)
    found = {
        (package.purl, package.path): package
        for package in _without_owned_programs(other.packages, files, links or {})
        if package.type != "pypi"
    }
    found |= {(package.purl, package.path): package for package in conda}
    purls = {(package.type, package.name): package.purl for package in found.values()}
    for package in python.packages:
        path = package.path or ""
        owner = owners.get(path)
        installed = of_conda.get(path) if owner is None else purls.get(owner, owner[1])
        if installed is not None:
            named = {OS_PACKAGE: installed}
            package = dataclasses.replace(package, properties={**package.properties, **named})
        found.setdefault((package.purl, package.path), package)
    return tuple(found[key] for key in sorted(found, key=lambda key: (key[0], key[1] or "")))


def _without_owned_programs(
    packages: Sequence[Package], files: Iterable[PackageFile], links: Mapping[str, str]
) -> list[Package]:
    """Leave out programs told by their bytes that dpkg installed; syft itself sees no links."""
    programs = {package.path for package in packages if _is_program(package)}
    owned: set[str | None] = set()
    if programs:
        for _, content in dpkg_lists(files):
            owned |= programs.intersection(_resolved(path, links) for path in dpkg_paths(content))
    return [one for one in packages if not (_is_program(one) and one.path in owned)]


def _is_program(package: Package) -> bool:
    return package.properties.get(FOUND_BY) == "binary-classifier-cataloger"


def _resolved(path: str, links: Mapping[str, str]) -> str:
    """Follow the link that the first directory may be: ``bin`` to ``usr/bin``."""
    head, _, tail = path.partition("/")
    target = links.get(head)
    return path if target is None else f"{target.strip('/')}/{tail}"


def _os_owners(files: Iterable[PackageFile]) -> Mapping[str, tuple[str, str]]:
    """Return which OS package, by (purl type, name), installed which Python metadata file.

    Read from dpkg's and apk's own lists; other databases keep theirs in binary form.
    """
    owners: dict[str, tuple[str, str]] = {}
    for name, content in dpkg_lists(files):
        if b"-info" in content:  # not in nearly all of them, and this is cheap
            owned = dpkg_paths(content)
            owners.update((path, ("deb", name)) for path in owned if is_metadata(path))
    for file in files:
        if file.path.endswith("lib/apk/db/installed"):
            owners.update(
                (path, ("apk", name)) for path, name in _apk(file.content) if is_metadata(path)
            )
    return owners


def dpkg_lists(files: Iterable[PackageFile]) -> Iterator[tuple[str, bytes]]:
    """Yield what dpkg installed: the name of a package, and its ``md5sums`` file."""
    for file in files:
        if file.path.endswith(".md5sums") and "lib/dpkg/" in file.path:
            name = file.path.rpartition("/")[2].removesuffix(".md5sums")
            yield name.partition(":")[0], file.content


def dpkg_paths(content: bytes) -> Iterator[str]:
    """Yield the paths of a ``md5sums`` file: digest, two spaces, path without a leading slash."""
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        yield line[34:].removeprefix("./")


def _apk(content: bytes) -> Iterator[tuple[str, str]]:
    """Yield (path, package) of apk's database: ``P:`` name, ``F:`` directory, ``R:`` file in it."""
    name = folder = ""
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        kind, value = line[:2], line[2:]
        if kind == "P:":
            name = value
        elif kind == "F:":
            folder = value
        elif kind == "R:":
            yield f"{folder}/{value}", name
