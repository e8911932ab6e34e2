"""What an image source gives, whatever it is: an engine, a registry, a layout, an archive.

Glossary. A *layer* is an ordered set of file-system changes, named by its *diff ID* (SHA-256 of
its uncompressed tar). An *entry* is one change: a file, directory, link, device or *whiteout*
(OCI image-spec, layer.md: ``.wh.NAME`` deletes NAME of lower layers, ``.wh..wh..opq`` hides
everything that lower layers have in that directory). The *merged view* is what a container
would see.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from typing import ClassVar, Protocol, TypeAlias, TypeVar

    from lading.inventory import ImageFacts

    T = TypeVar("T")
else:
    Protocol = object

__all__ = ["Done", "Entry", "EntryKind", "Image", "nothing"]

#: Told of a layer's diff ID and what was made of it.
Done: TypeAlias = "Callable[[str, T], object]"


def nothing(_diff_id: str, _result: object) -> None:
    """Take no notice."""


class EntryKind:
    """Kind of one change in a layer: one object each, told apart by ``is``."""

    __slots__ = ("value",)

    FILE: ClassVar[EntryKind]
    DIRECTORY: ClassVar[EntryKind]
    SYMLINK: ClassVar[EntryKind]
    HARDLINK: ClassVar[EntryKind]
    OTHER: ClassVar[EntryKind]  # devices, FIFOs, sockets
    WHITEOUT: ClassVar[EntryKind]  # path is the deleted path, without the .wh. prefix
    OPAQUE: ClassVar[EntryKind]  # path is the directory
    UNCERTAIN: ClassVar[EntryKind]  # no path: any directory of the layer may be opaque, unseen

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"EntryKind.{self.value.upper()}"


for _name in EntryKind.__annotations__:
    setattr(EntryKind, _name, EntryKind(_name.lower()))


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

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` next bytes, ``b""`` at the end; never short before the end.

        Raises:
            InputError: the source ended, or is damaged, before the entry's size was reached.
        """


class Image(Protocol):
    """An opened image. Facts are known at once; layers are read when asked for.

    One that can say which paths a container would see has a method for it, too: ``exists(path)``
    says whether there would be such a path, the last link not followed; one cheap question each.
    """

    @property
    def facts(self) -> ImageFacts:
        """What the source says about the image."""

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

    def close(self) -> None:
        """Give back connections, containers and temporary files. May be called twice."""
