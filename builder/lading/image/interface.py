"""What an image source gives, whatever it is: an engine, a registry, a layout, an archive.

Glossary. A *layer* is an ordered set of file-system changes, named by its *diff ID* (SHA-256 of
its uncompressed tar). An *entry* is one change: a file, directory, link, device or *whiteout*
(OCI image-spec, layer.md: ``.wh.NAME`` deletes NAME of lower layers, ``.wh..wh..opq`` hides
everything that lower layers have in that directory). The *merged view* is what a container
would see.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from lading.inventory import ImageFacts

__all__ = ["Done", "Entry", "EntryKind", "Image", "SeesMerged", "nothing"]

T = TypeVar("T")

#: Told of a layer's diff ID and what was made of it.
Done: TypeAlias = "Callable[[str, T], object]"


def nothing(_diff_id: str, _result: object) -> None:
    """Take no notice."""


class EntryKind(Enum):
    """Kind of one change in a layer."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"  # devices, FIFOs, sockets
    WHITEOUT = "whiteout"  # path is the deleted path, without the .wh. prefix
    OPAQUE = "opaque"  # path is the directory
    UNCERTAIN = "uncertain"  # no path: any directory of the layer may be opaque, unseen here


class Entry(Protocol):
    """One change of a layer; a FILE's bytes can be read once, before the next entry is asked for.

    ``path`` is normalised: relative, no ``.`` or empty parts, never climbing above the root.
    ``target`` is the link target: verbatim for a symlink, normalised like ``path`` for a hard
    link, empty otherwise. ``size`` is the number of bytes that :meth:`read` gives in all.
    """

    path: str
    kind: EntryKind
    size: int
    mode: int
    target: str

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` (at most ``LIMITS.sniff_bytes``) first bytes; consume nothing.

        Valid only before the first :meth:`read`.
        """
        ...

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` next bytes, ``b""`` at the end; never short before the end.

        Raises:
            InputError: the source ended, or is damaged, before the entry's size was reached.
        """
        ...


class Image(Protocol):
    """An opened image. Facts are known at once; layers are read when asked for."""

    @property
    def facts(self) -> ImageFacts:
        """What the source says about the image."""
        ...

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """Call ``scan`` once with the entries of each wanted layer; return its results by diff ID.

        The order of layers is the source's; a source may call ``scan`` from several threads.
        Every entry of a layer is offered in the layer's own order. ``done`` gets a layer's diff ID
        and result as soon as the source can tell, in the caller's thread.
        """
        ...

    def close(self) -> None:
        """Give back connections, containers and temporary files. May be called twice."""
        ...


@runtime_checkable
class SeesMerged(Protocol):
    """An image that can say which paths a container would see, one cheap question each."""

    def exists(self, path: str) -> bool:
        """Say whether a container of the image would have ``path``, the last link not followed."""
        ...
