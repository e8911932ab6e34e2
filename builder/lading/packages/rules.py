"""Which paths of an image hold package data: one table, read by :mod:`lading.packages.collect`.

A rule is a set of fragments, one of which the path must contain; no fragment means every path.
The first table serves our own Python reader. The second serves syft: it is the union of what
the catalogers look for that syft selects for *images* (1.18 to 1.51), so that a tree made of
only these files gives what the whole image gives. Weights never match.
"""

from __future__ import annotations

__all__ = [
    "BY_NAME",
    "BY_PARENT",
    "BY_PREFIX",
    "BY_SUFFIX",
    "Rule",
    "is_evidence",
    "is_python",
    "is_supporting",
]

Rule = tuple[str, ...]

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
    "SIZE": _PORTAGE,
    "license_groups": ("etc/portage/",),
    # snap
    "dpkg.yaml": ("usr/share/snappy/",),
    "manifest.yaml": ("snap/",),
    "snapcraft.yaml": ("snap/",),
    "changelog.Debian.gz": ("doc/linux-modules-",),
    # nix
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

_JAVA = ("jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar", "far", "lpkg", "rar", "zap")

BY_SUFFIX: dict[str, Rule] = {
    ".egg-info": _ALWAYS,
    ".md5sums": ("lib/dpkg/",),
    ".conffiles": ("lib/dpkg/info/",),
    ".control": ("lib/opkg/info/",),
    ".gemspec": ("specifications/",),
    ".rockspec": _ALWAYS,
    ".reg": ("php/.registry/",),
    ".php": ("wp-content/plugins/",),
    ".rb": ("/.brew/", "/Formula/"),
    ".spdx": ("opt/bitnami/",),
    ".drv": ("nix/store/",),
    ".ko": ("lib/modules/",),
    ".dll": _ALWAYS,
    ".exe": _ALWAYS,
    ".bpl": _ALWAYS,
    ".DLL": _ALWAYS,
    ".EXE": _ALWAYS,
    ".BPL": _ALWAYS,
} | {f".{suffix}": _ALWAYS for suffix in _JAVA}

# Names that end in more than one suffix, or have a variable end, are found by their beginning.
_LICENSED: Rule = ("node_modules/", "wp-content/plugins/", "site-library/", "R/library/")
BY_PREFIX: dict[str, Rule] = {
    "LICENSE": (*_LICENSED, *_PORTAGE),
    "LICENCE": _LICENSED,
    "license": _LICENSED,
    "licence": _LICENSED,
    "COPYING": _LICENSED,
    "vmlinuz": _ALWAYS,
    "bzImage": _ALWAYS,
}

# Every file of these directories, whatever its name (distroless images: one file a package).
BY_PARENT: frozenset[str] = frozenset({"status.d"})

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
_LICENSE_NAMES = tuple(BY_PREFIX)[:5]


def is_evidence(path: str) -> bool:
    """Return whether a captured file can by itself make syft list a package."""
    name = path[path.rfind("/") + 1 :]
    if name in _CONTEXT_NAMES or name.endswith(_SUPPORTING_SUFFIXES):
        return False
    return not name.startswith(_LICENSE_NAMES)
