"""Entries of a tar, readable while the reader stands in their data."""

from __future__ import annotations

from lading.image.streams import CHUNK
from lading.limits import LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from lading.image.interface import EntryKind
    from lading.image.tar_blocks import BlockStream
    from lading.image.tar_sparse import Fragment

    class _Reader(Protocol):
        def current(self, entry: TarEntry) -> BlockStream: ...

    class _Gives(Protocol):
        @property
        def size(self) -> int: ...

        def some(self, size: int) -> bytes: ...


__all__ = ["SparseEntry", "TarEntry", "read_entry"]


def read_entry(entry: _Gives, size: int) -> bytes:
    """Return up to ``size`` next bytes (all when negative), short only at the end.

    Memory grows with the bytes that arrive, never by the size that a header declares.
    """
    pieces = []
    left = entry.size if size < 0 else min(size, entry.size)
    while left and (piece := entry.some(min(left, CHUNK))):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class TarEntry:
    """One entry; satisfies :class:`lading.image.interface.Entry`. Readable until the next one.

    ``TarReader`` sets the attributes of most entries itself.
    """

    __slots__ = ("kind", "mode", "path", "reader", "size", "target")

    def __init__(
        self, reader: _Reader, path: str, kind: EntryKind, size: int, mode: int, target: str
    ) -> None:
        self.reader = reader
        self.path = path
        self.kind = kind
        self.size = size
        self.mode = mode
        self.target = target

    def __repr__(self) -> str:
        return f"<{self.kind.value} {self.path!r}, {self.size} bytes>"

    def peek(self, size: int) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        return self.reader.current(self).peek(min(size, LIMITS.sniff_bytes, self.size))

    def at_hand(self) -> memoryview | None:
        """Return the whole file where it lies, consuming nothing; None when part of it does not.

        To be used before anything is read, and not after.
        """
        return self.reader.current(self).whole()

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer``; 0 only at the end (or for an empty buffer)."""
        return self.reader.current(self).readinto(buffer) if self.size else 0

    def some(self, size: int) -> bytes:
        """Return between 1 and ``size`` next bytes, whatever is at hand; ``b""`` at the end."""
        return self.reader.current(self).some(size) if self.size else b""

    def lend(self, size: int) -> memoryview:
        """Return what :meth:`some` does, where it lies: until the next read."""
        return self.reader.current(self).piece(size)

    def read(self, size: int = -1) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        return read_entry(self, size)


class SparseEntry(TarEntry):
    """A file with holes, which read as zeros."""

    __slots__ = ("_at", "_fragments", "_index")

    def lay_out(self, fragments: list[Fragment]) -> None:
        """Set where the stored bytes belong; they are in order and within the file."""
        self._fragments = [fragment for fragment in fragments if fragment[1]]
        self._index = 0
        self._at = 0

    def peek(self, size: int) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        out = bytearray(min(size, LIMITS.sniff_bytes, self.size))
        stored = super().peek(len(out))
        taken = 0
        for offset, length in self._fragments:
            if offset >= len(out):
                break
            piece = stored[taken : taken + min(length, len(out) - offset)]
            out[offset : offset + len(piece)] = piece
            taken += length
        return bytes(out)

    def at_hand(self) -> None:
        """Return None: holes lie nowhere."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer`` with stored bytes or with zeros."""
        offset, length = self._fragment()
        if self._at < offset:
            self.reader.current(self)
            count = min(len(buffer), offset - self._at)
            buffer[:count] = bytes(count)
        else:
            count = super().readinto(buffer[: offset + length - self._at])
        self._at += count
        return count

    def some(self, size: int) -> bytes:
        """See :class:`TarEntry`."""
        buffer = bytearray(min(size, CHUNK, self.size))
        return bytes(buffer[: self.readinto(memoryview(buffer))])

    def lend(self, size: int) -> memoryview:
        """See :class:`TarEntry`."""
        return memoryview(self.some(size))

    def _fragment(self) -> Fragment:
        """Return the stored fragment at or after the current place; else the end of the file."""
        while self._index < len(self._fragments):
            offset, length = self._fragments[self._index]
            if self._at < offset + length:
                return offset, length
            self._index += 1
        return self.size, 0
