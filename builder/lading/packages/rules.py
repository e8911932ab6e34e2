"""Which paths of an image hold package data: one table, read by :mod:`lading.packages.capture`.

A rule is a set of fragments, one of which the path must contain; no fragment means every path.
The first table serves our own Python reader (and Conda's records our own reader of those, for no
version of syft gives their purl). The second serves syft: it is the union of what
the catalogers look for that syft selects for *images* (1.18 to 1.51), so that a tree made of
only these files gives what the whole image gives. Weights never match.
"""

from __future__ import annotations

import re

__all__ = [
    "BY_NAME",
    "BY_PARENT",
    "BY_PREFIX",
    "BY_SUFFIX",
    "LICENSE_INITIALS",
    "LICENSE_NAME",
    "LICENSE_PLACES",
    "NIX_MARKERS",
    "NIX_STORE",
    "PLAIN_SUFFIXES",
    "Rule",
    "is_conda",
    "is_evidence",
    "is_python",
    "is_supporting",
    "nix_package",
]

Rule = tuple[str, ...]

LICENSE_NAME = re.compile(
    r"(?:(?:un|mit-)?licen[sc]e|copying|notice|al2\.0|lgpl2\.1)", re.IGNORECASE
)

_ALWAYS: Rule = ()
_DIST: Rule = (".dist-info/", ".DIST-INFO/")
_EGG: Rule = (".egg-info/", ".EGG-INFO/", ".egg/EGG-INFO/")

PYTHON_BY_NAME: dict[str, Rule] = {
    "METADATA": _DIST,
    "RECORD": _DIST,
    "INSTALLER": _DIST,
    "REQUESTED": _DIST,
    "WHEEL": _DIST,
    "direct_url.json": _DIST + _EGG,
    "PKG-INFO": _EGG,
    "requires.txt": _EGG,
    "installed-files.txt": _EGG,
    # the exact version of an interpreter: of a virtual environment, and of an installation
    "pyvenv.cfg": _ALWAYS,
    "patchlevel.h": ("include/python", "include/pypy"),
}

_ALPM: Rule = ("var/lib/pacman/local/",)
_PORTAGE: Rule = ("var/db/pkg/",)
_RPM: Rule = ("var/lib/rpm/", "usr/share/rpm/", "usr/lib/sysimage/rpm/")
_OPKG: Rule = ("lib/opkg/",)

_SYFT_BY_NAME: dict[str, Rule] = {
    # which distribution this is
    "os-release": ("etc/", "usr/lib/"),
    "system-release-cpe": ("etc/",),
    "redhat-release": ("etc/",),
    "debian_version": ("etc/",),
    # dpkg, opkg
    "status": ("lib/dpkg/", *_OPKG),
    "copyright": ("usr/share/doc/",),
    # apk
    "installed": ("lib/apk/db/",),
    "repositories": ("etc/apk/",),
    # rpm
    "Packages": _RPM,
    "Packages.db": _RPM,
    "rpmdb.sqlite": _RPM,
    "rpmdb.sqlite-wal": _RPM,
    "container-manifest-2": ("var/lib/rpmmanifest/",),
    # pacman
    "desc": _ALPM,
    "files": _ALPM,
    "mtree": _ALPM,
    # portage
    "CONTENTS": _PORTAGE,
    "LICENSE": _PORTAGE,
    "SIZE": _PORTAGE,
    "license_groups": ("etc/portage/",),
    # snap
    "dpkg.yaml": ("usr/share/snappy/",),
    "manifest.yaml": ("snap/",),
    "snapcraft.yaml": ("snap/",),
    "changelog.Debian.gz": ("doc/linux-modules-",),
    # nix (see also NIX_STORE)
    "db.sqlite": ("nix/var/nix/db/",),
    "schema": ("nix/var/nix/db/",),
    # language ecosystems
    "package.json": _ALWAYS,
    "packages.lock.json": _ALWAYS,
    "libman.json": _ALWAYS,
    "installed.json": _ALWAYS,
    "conaninfo.txt": _ALWAYS,
    "DESCRIPTION": _ALWAYS,
    "release": _ALWAYS,
    "Info.plist": (".app/Contents/",),
    ".bitnami_components.json": ("opt/bitnami/",),
}

_CONDA = "conda-meta/"

# Most files of a machine-learning image; no rule below is about them.
PLAIN_SUFFIXES = frozenset(("py", "pyc", "pyi", "h", "hpp", "cuh", "pxd"))

BY_SUFFIX: dict[str, Rule] = {
    "egg-info": _ALWAYS,
    "json": (".deps.json",),
    "md5sums": ("lib/dpkg/",),
    "conffiles": ("lib/dpkg/info/",),
    "control": ("lib/opkg/info/",),
    "gemspec": ("specifications/",),
    "rockspec": _ALWAYS,
    "reg": ("php/.registry/",),
    "php": ("wp-content/plugins/",),
    "rb": ("/.brew/", "/Formula/"),
    "spdx": ("opt/bitnami/",),
    "drv": ("nix/store/",),
    "ko": ("lib/modules/",),
    "dll": _ALWAYS,
    "exe": _ALWAYS,
    "bpl": _ALWAYS,
    "DLL": _ALWAYS,
    "EXE": _ALWAYS,
    "BPL": _ALWAYS,
}

BY_PREFIX: dict[str, Rule] = {
    "vmlinuz": _ALWAYS,
    "bzImage": _ALWAYS,
}

# Licence files count beside a package's own description (syft looks there when that names none).
LICENSE_INITIALS = frozenset({"lic", "unl", "mit", "cop", "not", "al2", "lgp"})
LICENSE_PLACES: Rule = (
    "node_modules/",
    "wp-content/plugins/",
    "site-library/",
    "R/library/",
    "specifications/",
    "var/db/pkg/",
    "Cellar/",
    "lib/luarocks/",
)

# Every file of these directories, whatever its name (distroless images: one file a package).
BY_PARENT: frozenset[str] = frozenset({"status.d"})

# Nix names a package by a directory of its store: one file in it, whatever its content, shows it.
# Only files that no other reader wants are taken for that.
NIX_STORE = "nix/store/"
# fmt: off
NIX_MARKERS = frozenset((
    "1", "3", "5", "8", "a", "cmake", "conf", "css", "el", "gz", "html", "js", "la",
    "mo", "pc", "pem", "pl", "pm", "rs", "sh", "svg", "ttf", "xml",
))
# fmt: on

BY_NAME: dict[str, Rule] = PYTHON_BY_NAME | _SYFT_BY_NAME

# Evidence beside a database: says more about a package, but is not where the package is recorded.
_SUPPORTING_NAMES = frozenset({"copyright", "files", "mtree", "SIZE", "repositories"})
_SUPPORTING_SUFFIXES = (".md5sums", ".conffiles")


def is_python(path: str) -> bool:
    """Return whether a captured file is of use only to our own Python reader."""
    name = path[path.rfind("/") + 1 :]
    if name.endswith((".egg-info", ".EGG-INFO")):
        return True
    rule = PYTHON_BY_NAME.get(name)
    return rule is not None and (not rule or any(fragment in path for fragment in rule))


def is_conda(path: str) -> bool:
    """Return whether a captured file is the record of a package of Conda's."""
    if _CONDA not in path or not path.endswith(".json"):
        return False
    return f"/{path[: path.rindex('/') + 1]}".endswith(f"/{_CONDA}")


def is_supporting(path: str) -> bool:
    """Return whether a file only supports what a database says (licences, file lists)."""
    name = path[path.rfind("/") + 1 :]
    return (
        name in _SUPPORTING_NAMES or name.endswith(_SUPPORTING_SUFFIXES) or "lib/dpkg/info/" in path
    )


# Files that say nothing on their own: which distribution it is, licence texts, file lists.
_CONTEXT_NAMES = _SUPPORTING_NAMES | {
    "os-release",
    "system-release-cpe",
    "redhat-release",
    "debian_version",
    "license_groups",
    "schema",
}


def is_evidence(path: str) -> bool:
    """Return whether a captured file can by itself make syft list a package."""
    name = path[path.rfind("/") + 1 :]
    if name in _CONTEXT_NAMES or name.endswith(_SUPPORTING_SUFFIXES):
        return False
    return LICENSE_NAME.match(name) is None


def nix_package(path: str) -> str | None:
    """Return the directory of the Nix store that ``path`` lies in, None when in none."""
    at = path.find(NIX_STORE)
    if at < 0:
        return None
    end = path.find("/", at + len(NIX_STORE))
    return path[:end] if end > 0 else None
