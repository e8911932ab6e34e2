"""Offered every regular file of a layer, keeps the few that say which packages are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from lading.inventory import PackageFile
from lading.limits import LIMITS
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
    """Return the file's content if a package reader needs it, else None with nothing read.

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
            if rule is None:
                if path[path.rfind("/", 0, cut - 1) + 1 : cut - 1] not in BY_PARENT:
                    return None
                rule = ()
    if rule and not _within(path, rule):
        return None
    return _capture(file, layer)


def _within(path: str, rule: Rule) -> bool:
    return any(fragment in path for fragment in rule)


def _capture(file: File, layer: str | None) -> PackageFile:
    if file.size > LIMITS.package_file:
        return PackageFile(file.path, b"", layer, size=file.size)
    return PackageFile(file.path, file.read(file.size), layer)
