"""Offered every regular file of a layer, keeps the few that say which packages are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lading.inventory import PackageFile
from lading.limits import LIMITS
from lading.packages.archives import JAVA_SUFFIXES, cut_down, is_java_archive
from lading.packages.programs import condense, may_be_program
from lading.packages.rules import (
    BY_NAME,
    BY_PARENT,
    BY_PREFIX,
    BY_SUFFIX,
    LICENSE_INITIALS,
    LICENSE_NAME,
    LICENSE_PLACES,
    NIX_MARKERS,
    NIX_STORE,
    PLAIN_SUFFIXES,
    is_conda,
)

if TYPE_CHECKING:
    from lading.packages.rules import Rule

__all__ = ["File", "collect"]

_PREFIX_LENGTH = 7  # the length of every key of BY_PREFIX
_PREFIXES = {prefix[:_PREFIX_LENGTH]: rule for prefix, rule in BY_PREFIX.items()}


class File(Protocol):
    """A regular file of a layer; :class:`lading.image.interface.Entry` is one."""

    @property
    def path(self) -> str:
        """Normalised path, relative to the root of the image."""
        ...

    @property
    def size(self) -> int:
        """Bytes that :meth:`read` gives in all."""
        ...

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` first bytes; consume nothing."""
        ...

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` next bytes; never short before the end."""
        ...


def collect(file: File, layer: str | None = None) -> PackageFile | None:
    """Return what a package reader needs of the file; None, with nothing consumed, if nothing.

    For a program or a Java archive, a small stand-in comes back (:mod:`lading.packages.programs`,
    :mod:`lading.packages.archives`). Its content is empty when the file had to be read to see that
    nothing in it is of use.

    A file that is larger than ``LIMITS.package_file``, or an archive that cannot be read, comes
    back without content and with its ``size``: the readers turn that into a finding, so that
    nothing is left out in silence.

    Raises:
        InputError: the source ended before the file did.
    """
    path = file.path
    cut = path.rfind("/") + 1
    name = path[cut:]
    rule = BY_NAME.get(name)
    if rule is None:
        dot = name.rfind(".") + 1
        suffix = name[dot:] if dot else ""
        if suffix in PLAIN_SUFFIXES:
            return None
        if suffix in JAVA_SUFFIXES or suffix == "zip":
            return _archive(file, suffix, layer)
        if is_conda(path):
            return _record(file, layer)
        rule = BY_SUFFIX.get(suffix)
        if rule is None:
            rule = _PREFIXES.get(name[:_PREFIX_LENGTH])
            if rule is None and name[:3].lower() in LICENSE_INITIALS and LICENSE_NAME.match(name):
                rule = LICENSE_PLACES
    if rule is not None and (not rule or _within(path, rule)):
        return _whole(file, layer)
    if cut and path[path.rfind("/", 0, cut - 1) + 1 : cut - 1] in BY_PARENT:
        return _whole(file, layer)
    if may_be_program(name):
        return _program(file, name, layer)
    if NIX_STORE in path and name[name.rfind(".") + 1 :] in NIX_MARKERS:
        return PackageFile(path, b"", layer)
    return None


def _within(path: str, rule: Rule) -> bool:
    return any(fragment in path for fragment in rule)


def _whole(file: File, layer: str | None) -> PackageFile:
    if file.size > LIMITS.package_file:
        return PackageFile(file.path, b"", layer, size=file.size)
    return PackageFile(file.path, file.read(file.size), layer)


def _record(file: File, layer: str | None) -> PackageFile:
    from lading.packages.conda import record

    return record(file, layer)


def _program(file: File, name: str, layer: str | None) -> PackageFile | None:
    content = condense(file, name)
    return None if content is None else PackageFile(file.path, content, layer)


def _archive(file: File, suffix: str, layer: str | None) -> PackageFile | None:
    if not is_java_archive(file, suffix):
        return None
    content = cut_down(file) if file.size <= LIMITS.archive_file else None
    if content is None:
        return PackageFile(file.path, b"", layer, size=file.size)
    return PackageFile(file.path, content, layer)
