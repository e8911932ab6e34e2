"""Which Python environments an image has, and which directories each of them imports from.

An installed distribution sees those of its own directory first, then those of the other
directories on the same interpreter's path: a virtual environment sees its own ``lib`` and
``lib64`` (and the system's, if it says so), Debian's ``dist-packages`` and ``/usr/local`` see each
other, a ``--target`` directory stands alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from lading.inventory import PackageFile

__all__ = ["Environments", "environments"]

_LIBRARY = re.compile(
    r"(?P<prefix>.*?)/?(?<![^/])lib(?:64)?/"
    r"(?P<implementation>python|pypy)(?P<version>\d+(?:\.\d+)?)t?/(?P<flavour>site|dist)-packages"
)
_WINDOWS_LIBRARY = re.compile(r"(?P<prefix>.*?)/?(?<![^/])Lib/site-packages", re.IGNORECASE)
_HEADER = re.compile(r"(?P<prefix>.*?)/?(?<![^/])include/(?:python|pypy)(?P<version>\d+\.\d+)t?/")
_PATCHLEVEL = re.compile(rb'#define\s+PY_VERSION\s+"(\d+\.\d+\.\d+)')
_CONFIG_VERSION = re.compile(rb"^version(?:_info)?\s*=\s*(\d+\.\d+(?:\.\d+)?)", re.MULTILINE)
_CONFIG_SYSTEM = re.compile(
    rb"^include-system-site-packages\s*=\s*true", re.MULTILINE | re.IGNORECASE
)
_DPKG_PYTHON = re.compile(
    rb"^Package: python3\.\d+-minimal\n(?:(?!\n).+\n)*?Version: (\d+\.\d+\.\d+)", re.MULTILINE
)
_SYSTEM_PREFIXES = frozenset({"", "usr", "usr/local"})
_USER_PREFIX = re.compile(r"(?:root|home/[^/]+)/\.local")


@dataclass(frozen=True, slots=True)
class _Site:
    """What the path of a site directory says."""

    prefix: str
    version: str | None  # "3" or "3.11"
    implementation: str = "python"
    flavour: str = ""  # "dist" of Debian's own interpreter, "site" of every other


@dataclass(frozen=True, slots=True)
class Environments:
    """Site directories, the interpreter version of each, and the order in which each looks."""

    versions: Mapping[str, str]  # site directory → "3.11.2", or "3.11.0" when only 3.11 is known
    search: Mapping[str, tuple[str, ...]]
    pypy: frozenset[str] = frozenset()


def environments(sites: Collection[str], files: Iterable[PackageFile]) -> Environments:
    """Say for each site directory which interpreter and which other directories go with it."""
    configs: dict[str, bytes] = {}
    exact: dict[tuple[str, str], str] = {}  # (prefix, "3.11") → "3.11.2"
    for file in files:
        _read_interpreter(file, configs, exact)
    places = {site: _place(site) for site in sites}
    versions: dict[str, str] = {}
    for site, place in places.items():
        version = _version(place, configs, exact, places.values())
        if version is not None:
            versions[site] = version
    ordered = sorted(places)
    return Environments(
        versions,
        {site: _search(site, places, versions, configs, ordered) for site in ordered},
        frozenset(site for site, place in places.items() if place.implementation == "pypy"),
    )


def _read_interpreter(
    file: PackageFile, configs: dict[str, bytes], exact: dict[tuple[str, str], str]
) -> None:
    if file.path.endswith("pyvenv.cfg"):
        configs[file.path.rpartition("/")[0]] = file.content[:65536]
    elif file.path.endswith("/patchlevel.h"):
        header = _HEADER.match(file.path)
        level = _PATCHLEVEL.search(file.content[:65536])
        if header and level:
            exact[header["prefix"], header["version"]] = level[1].decode("ascii")
    elif file.path.endswith("lib/dpkg/status"):
        for found in _DPKG_PYTHON.finditer(file.content):
            version = found[1].decode("ascii")
            exact["usr", _minor(version)] = version


def _place(site: str) -> _Site:
    library = _LIBRARY.fullmatch(site)
    if library:
        return _Site(
            library["prefix"], library["version"], library["implementation"], library["flavour"]
        )
    windows = _WINDOWS_LIBRARY.fullmatch(site)
    return _Site(windows["prefix"] if windows else site, None)


def _version(
    place: _Site,
    configs: Mapping[str, bytes],
    exact: Mapping[tuple[str, str], str],
    places: Iterable[_Site],
) -> str | None:
    config = _CONFIG_VERSION.search(configs.get(place.prefix, b""))
    if config:
        version = config[1].decode("ascii")
        return version if version.count(".") == 2 else f"{version}.0"
    if place.version is None or "." not in place.version:
        return _default_version(place, places, exact)
    prefixes = ("usr",) if place.flavour == "dist" else (place.prefix, "usr/local", "usr")
    for prefix in prefixes:
        if (prefix, place.version) in exact:
            return exact[prefix, place.version]
    return f"{place.version}.0"


def _default_version(
    place: _Site, places: Iterable[_Site], exact: Mapping[tuple[str, str], str]
) -> str | None:
    """Return the interpreter of a directory that names none: the likeliest that left a trace.

    For Debian's ``/usr/lib/python3`` that is Debian's, else the newest of the system's, else the
    newest there is.
    """
    traces = [(prefix, prefix == "usr", version) for (prefix, _), version in exact.items()]
    traces += [
        (other.prefix, other.flavour == "dist", f"{other.version}.0")
        for other in places
        if other.version and "." in other.version
    ]
    ranked = [
        (debian and place.flavour == "dist", prefix in _SYSTEM_PREFIXES, _key(version), version)
        for prefix, debian, version in traces
    ]
    return max(ranked)[-1] if ranked else None


def _search(
    site: str,
    places: Mapping[str, _Site],
    versions: Mapping[str, str],
    configs: Mapping[str, bytes],
    ordered: list[str],
) -> tuple[str, ...]:
    own = places[site]
    if own.prefix == site:  # a --target or vendored directory: itself, then what it lies in
        return (site, *(other for other in reversed(ordered) if site.startswith(f"{other}/")))
    native = own.prefix in _SYSTEM_PREFIXES
    system = (
        native
        or _USER_PREFIX.fullmatch(own.prefix) is not None
        or _CONFIG_SYSTEM.search(configs.get(own.prefix, b"")) is not None
    )
    minor = _minor(versions.get(site, ""))

    def visible(other: str) -> bool:
        place = places[other]
        if place.prefix == other or _minor(versions.get(other, "")) != minor:
            return False
        if native and place.flavour != own.flavour:  # Debian's interpreter and another beside it
            return False
        return place.prefix == own.prefix or (system and place.prefix in _SYSTEM_PREFIXES)

    others = [other for other in ordered if other != site and visible(other)]
    others.sort(key=lambda other: places[other].prefix != own.prefix)
    return (site, *others)


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(part[:9]) for part in version.split("."))
