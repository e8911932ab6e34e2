"""Images whose layers are lists of changes, applied one by one as a file system would be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lading.image.interface import EntryKind, nothing
from lading.image.layers import collected
from lading.inventory import ImageFacts, LayerFacts, Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lading.image.interface import Done, Entry

__all__ = ["Change", "ImageThatIsAsked", "MemoryCache", "MemoryImage"]

PLATFORM = Platform("linux", "amd64")
CONFIG = "sha256:" + "c" * 64


class Change:
    """An entry with its bytes."""

    mode = 0o644

    def __init__(self, kind: EntryKind, path: str, content: bytes = b"", target: str = "") -> None:
        self.kind, self.path, self.target, self.size = kind, path, target, len(content)
        self.content = content
        self._at = 0

    def __repr__(self) -> str:
        return f"{self.kind.value} {self.path} {self.target or self.content[:9]!r}"

    def peek(self, size: int) -> bytes:
        return self.content[:size]

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else self._at + size
        piece, self._at = self.content[self._at : end], min(end, self.size)
        return piece

    def afresh(self) -> Change:
        return Change(self.kind, self.path, self.content, self.target)


class MemoryImage:
    """An image whose source tells everything; ``layers`` map diff IDs to changes, lowest first."""

    def __init__(self, layers: Mapping[str, Sequence[Change]]) -> None:
        self._layers = layers
        self.read: list[str] = []
        self.facts = ImageFacts(
            "svc:1", PLATFORM, CONFIG, tuple(LayerFacts(diff_id, 0) for diff_id in layers)
        )

    def entries(self, diff_id: str) -> Iterator[Entry]:
        """Give the changes of one layer, unread."""
        return (change.afresh() for change in self._layers[diff_id])

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], Any],
        diff_ids: Collection[str],
        done: Done[Any] = nothing,
    ) -> dict[str, Any]:
        """See :class:`lading.image.interface.Image`."""
        self.read += diff_ids
        found = ((one, scan(self.entries(one))) for one in self._layers if one in diff_ids)
        return collected(found, done)

    def close(self) -> None:
        """Nothing is open."""


class ImageThatIsAsked(MemoryImage):
    """One whose source cannot tell opaque directories, and says what a container would see."""

    def entries(self, diff_id: str) -> Iterator[Entry]:
        """Give the changes of one layer, with the mark in place of opaque ones."""
        yield Change(EntryKind.UNCERTAIN, "")
        for change in super().entries(diff_id):
            opaque = change.kind is EntryKind.OPAQUE
            yield Change(EntryKind.DIRECTORY, change.path) if opaque else change

    def exists(self, path: str) -> bool:
        """See :class:`lading.image.interface.Image`."""
        seen: set[str] = set()
        for layer in self._layers.values():
            for change in layer:
                if change.kind in {EntryKind.OPAQUE, EntryKind.WHITEOUT}:
                    below = {one for one in seen if one.startswith(f"{change.path}/")}
                    seen -= below
                    if change.kind is EntryKind.WHITEOUT:
                        seen.discard(change.path)
            for change in layer:
                if change.kind in {EntryKind.OPAQUE, EntryKind.WHITEOUT}:
                    continue
                if change.kind is not EntryKind.DIRECTORY:
                    seen -= {one for one in seen if one.startswith(f"{change.path}/")}
                seen.add(change.path)
        return path in seen


class MemoryCache:
    """Keeps JSON texts, as the cache on disk does."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.put_keys: list[str] = []

    def get(self, key: str) -> dict[str, Any] | None:
        """See :class:`lading.usecases.inspect.ScanCache`."""
        text = self.texts.get(key)
        found: dict[str, Any] | None = None if text is None else json.loads(text)
        return found

    def put(self, key: str, value: dict[str, Any]) -> None:
        """See :class:`lading.usecases.inspect.ScanCache`."""
        self.put_keys.append(key)
        self.texts[key] = json.dumps(value)
