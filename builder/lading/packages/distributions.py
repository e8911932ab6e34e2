"""Finds the Python distributions among captured files: where each lies and what it declares.

One distribution is one of: a ``*.dist-info`` directory, a ``*.egg-info`` directory or file, an
``EGG-INFO`` directory inside a ``*.egg``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lading.packages.metadata import Headers, first, normalise, parse_headers, valid_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.inventory import PackageFile

__all__ = ["Distribution", "find_distributions", "from_directory_name", "is_metadata"]

_METADATA_NAMES = ("METADATA", "PKG-INFO")


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution, as found. ``name`` and ``version`` are as declared."""

    info: str  # path of its metadata directory (or file)
    site: str  # the directory it is imported from
    name: str
    version: str
    headers: Headers
    files: Mapping[str, PackageFile] = field(default_factory=dict)  # by name in ``info``
    directory_name: str = ""  # "numpy-1.26.4.dist-info"

    @property
    def key(self) -> str:
        """The project's comparable name."""
        return normalise(self.name)

    @property
    def metadata(self) -> PackageFile | None:
        """The file that the headers came from; None for a directory without one."""
        return next((self.files[name] for name in _METADATA_NAMES if name in self.files), None)

    @property
    def layer(self) -> str | None:
        """Diff ID of the layer that its metadata comes from."""
        return (self.metadata or next(iter(self.files.values()))).layer


def find_distributions(files: Iterable[PackageFile]) -> tuple[Distribution, ...]:
    """Group captured files into distributions, sorted by path.

    A metadata directory without metadata takes name and version from its directory's name; one
    that has neither has empty ones.
    """
    groups: dict[str, dict[str, PackageFile]] = {}
    for file in files:
        info, _, name = file.path.rpartition("/")
        kind = info[-10:].lower()
        if kind.endswith((".dist-info", ".egg-info")) or info.endswith(".egg/EGG-INFO"):
            groups.setdefault(info, {})[name] = file
        elif name.lower().endswith(".egg-info"):
            groups.setdefault(file.path, {})["PKG-INFO"] = file
    return tuple(_distribution(info, groups[info]) for info in sorted(groups))


def is_metadata(path: str) -> bool:
    """Return whether ``path`` is the file that a :class:`Distribution` is read from."""
    info, _, name = path.rpartition("/")
    if name in _METADATA_NAMES:
        return info.lower().endswith((".dist-info", ".egg-info", ".egg/egg-info"))
    return name.lower().endswith(".egg-info")


def _distribution(info: str, files: Mapping[str, PackageFile]) -> Distribution:
    site, _, directory = info.rpartition("/")
    if directory == "EGG-INFO":
        directory = site.rpartition("/")[2]  # foo-1.0-py3.11.egg is itself on the path
    headers: Headers = {}
    for candidate in _METADATA_NAMES:
        if candidate in files:
            headers = parse_headers(files[candidate].content)
            break
    name, version = first(headers, "name"), first(headers, "version")
    if name is None or version is None or not valid_name(name):
        fallback_name, fallback_version = from_directory_name(directory)
        if name is None or not valid_name(name):
            name = fallback_name
        version = version or fallback_version
    return Distribution(info, site, name, version, headers, files, directory)


def from_directory_name(directory: str) -> tuple[str, str]:
    """Return name and version out of ``name-version[-tags].{dist-info,egg-info,egg}``."""
    stem = directory.rpartition(".")[0]
    name, _, rest = stem.partition("-")
    return (name if valid_name(name) else "", rest.partition("-")[0])
