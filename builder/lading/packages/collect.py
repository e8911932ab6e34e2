"""Offered every regular file of a layer, keeps the few that say which packages are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lading.inventory import PackageFile
from lading.limits import LIMITS
from lading.packages.programs import (
    condense,
    is_known_program,
    is_module_program,
    may_be_program,
)
from lading.packages.rules import BY_NAME, BY_PARENT, BY_PREFIX, BY_SUFFIX

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
    """Return what a package reader needs of the file, or None.

    Nothing is consumed of files that are of no use, except of programs: those may have to be read
    to their end to see that nothing is in them. For a program a small stand-in comes back
    (:mod:`lading.packages.programs`).

    A file larger than ``LIMITS.package_file`` comes back without content and with its ``size``:
    the readers turn that into a finding, so that a database is never left out in silence.

    Raises:
        InputError: the source ended before the file did.
    """
    path = file.path
    cut = path.rfind("/") + 1
    name = path[cut:]
    rule = BY_NAME.get(name)
    if rule is None:
        dot = name.rfind(".")
        rule = BY_SUFFIX.get(name[dot:]) if dot >= 0 else None
        if rule is None:
            rule = _PREFIXES.get(name[:_PREFIX_LENGTH])
    if rule is not None and (not rule or _within(path, rule)):
        return _whole(file, layer)
    if path[path.rfind("/", 0, max(cut - 1, 0)) + 1 : max(cut - 1, 0)] in BY_PARENT:
        return _whole(file, layer)
    if may_be_program(name) or name.startswith("composer"):
        return _program(file, name, layer)
    return None


def _within(path: str, rule: Rule) -> bool:
    return any(fragment in path for fragment in rule)


def _whole(file: File, layer: str | None) -> PackageFile:
    if file.size > LIMITS.package_file:
        return PackageFile(file.path, b"", layer, size=file.size)
    return PackageFile(file.path, file.read(file.size), layer)


def _program(file: File, name: str, layer: str | None) -> PackageFile | None:
    known = is_known_program(name)
    if not known and not is_module_program(file, name):
        return None
    content = condense(file, known=known)
    return None if content is None else PackageFile(file.path, content, layer)
