"""What every source gives, whatever it is."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

__all__ = ["IGNORED", "Listed", "Scope", "Source", "Stream", "is_ignored"]

#: What is about a repository or download and not of the model: left out of every list, as Model
#: Signing leaves it out; a path, or the directory that it is.
IGNORED = (
    ".cache/huggingface",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    "model.sig",
)


class Stream(Protocol):
    """One file's bytes, read once; ``path`` is relative to the source, ``size`` in bytes."""

    @property
    def path(self) -> str:
        """The file's path."""
        ...

    @property
    def size(self) -> int:
        """Bytes that :meth:`read` gives in all."""
        ...

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` first bytes; consume nothing. Valid before the first read."""
        ...

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` next bytes, ``b""`` at the end; never short before the end.

        Raises:
            InputError: the file ended early, grew, or cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a source.

    ``sha256`` is what the place says of it (LFS metadata), None where only its bytes tell.
    ``open`` gives its bytes, None where they are not to be had without a download. At least one
    of the two is there. ``stamp`` changes with the file on this machine's disk, None elsewhere.
    """

    path: str
    size: int
    sha256: str | None = None
    open: Callable[[], AbstractContextManager[Stream]] | None = None
    stamp: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A model or data set as its place has it, files sorted by path.

    Args:
        name: the short name, which a signed list has as its subject's.
        uri: where it is from, as text without anything private: ``hf:org/name@COMMIT``,
            ``git:https://host/name@COMMIT//folder``, ``dir:name``.
        files: what is in it.
        odd: what is there and is no file of it (path → what it is): links that lead out, devices.
        repository: ``org/name`` on the Hugging Face Hub.
        commit: 40 or 64 hexadecimal digits.
        tree: the git tree of what is listed.
        changed: paths of a working tree that differ from the commit.
        is_dataset: True or False where the place says so.
        links: some files are symbolic links.
    """

    name: str
    uri: str
    files: tuple[Listed, ...]
    odd: dict[str, str] = field(default_factory=dict)
    repository: str | None = None
    commit: str | None = None
    tree: str | None = None
    changed: tuple[str, ...] = ()
    is_dataset: bool | None = None
    links: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """Which paths count: those that any ``include`` takes (none: all), and no ``exclude`` does.

    Patterns are shell globs over the whole path, ``*`` crosses ``/``; a pattern without ``/``
    is also tried on the file's name, and ``folder/`` takes all that is in it.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.include and not self.exclude

    def takes(self, path: str) -> bool:
        """Say whether ``path`` counts."""
        taken = not self.include or any(_matches(path, one) for one in self.include)
        return taken and not any(_matches(path, one) for one in self.exclude)


def _matches(path: str, pattern: str) -> bool:
    if pattern.endswith("/"):
        return path.startswith(pattern)
    if fnmatch.fnmatchcase(path, pattern):
        return True
    return "/" not in pattern and fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)


def is_ignored(path: str, ignored: tuple[str, ...] = IGNORED) -> bool:
    """Say whether ``path`` is one of ``ignored`` or below one."""
    return any(path == one or path.startswith(one + "/") for one in ignored)
