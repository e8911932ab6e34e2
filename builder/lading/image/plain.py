"""``dir:``, a root file system or any directory, as an image of one made-up layer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lading.errors import InputError
from lading.image.directory import walk
from lading.image.interface import nothing
from lading.image.layers import collected
from lading.image.platforms import default_platform
from lading.inventory import ImageFacts, LayerFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from lading.image.interface import Done, Entry
    from lading.inventory import Platform

__all__ = ["UNPINNED", "DirectoryImage"]

T = TypeVar("T")

UNPINNED = "dir"

# what the kernel makes up; there on a running system only
_KERNEL = ("proc", "sys", "dev", "run")


class DirectoryImage:
    """A directory; satisfies :class:`lading.image.interface.Image`.

    Nothing pins its bytes: its one layer has the diff ID :data:`UNPINNED`, which is no digest and
    which no cache takes, and its ``config_digest`` is empty.

    Args:
        path: the directory; links in it are listed and never followed.
        platform: what to say of it; None for this machine's.

    Raises:
        InputError: it is no directory.
    """

    how = "dir"

    def __init__(self, path: Path, platform: Platform | None = None) -> None:
        if not path.is_dir():
            raise InputError("this is no directory", where=str(path))
        self._root = path.resolve()
        name = f"dir:{self._root}"
        self._facts = ImageFacts(
            name=name,
            platform=platform or default_platform(),
            config_digest="",
            layers=(LayerFacts(UNPINNED, 0),),
        )

    @property
    def facts(self) -> ImageFacts:
        """The directory's name; everything else is made up."""
        return self._facts

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`."""
        if UNPINNED not in diff_ids:
            return {}
        leave_out = _KERNEL if self._root == Path("/") else ()
        return collected([(UNPINNED, scan(walk(str(self._root), leave_out=leave_out)))], done)

    def close(self) -> None:
        """See :class:`lading.image.interface.Image`."""
