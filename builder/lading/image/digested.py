"""The digest of a small file that somebody else may still want to read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lading.limits import LIMITS

if TYPE_CHECKING:
    from lading.image.interface import Entry

__all__ = ["HeldEntry", "digested"]

#: Of as many bytes at a time, whole blocks of SHA-256, ``hashlib`` does not let other threads run.
_QUIET = 31 * 64
#: Up to here, waiting for the next turn beside threads that read other layers takes longer.
_SHORT = 64 * 1024


def digested(entry: Entry) -> tuple[bytes, Entry]:
    """Return the SHA-256 of a whole file, and an entry with its bytes still to be read.

    Raises:
        InputError: the source ended, or is damaged, before the file's end.
    """
    at_hand = getattr(entry, "at_hand", None)
    content: memoryview | None = at_hand() if at_hand is not None else None
    if content is not None:
        return _sha256(content), entry
    held = HeldEntry(entry)
    return _sha256(memoryview(held.content)), held


def _sha256(content: memoryview) -> bytes:
    if len(content) > _SHORT:
        return hashlib.sha256(content).digest()
    found = hashlib.sha256(content[:_QUIET])
    for at in range(_QUIET, len(content), _QUIET):
        found.update(content[at : at + _QUIET])
    return found.digest()


class HeldEntry:
    """A small file of any layer, read whole: an entry whose bytes were of use to somebody else."""

    __slots__ = ("_at", "content", "kind", "mode", "path", "size", "target")

    def __init__(self, entry: Entry) -> None:
        self.path = entry.path
        self.kind = entry.kind
        self.size = entry.size
        self.mode = entry.mode
        self.target = entry.target
        self.content = entry.read()
        self._at = 0

    def peek(self, size: int) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        return self.content[self._at : self._at + min(size, LIMITS.sniff_bytes)]

    def some(self, size: int) -> bytes:
        """Return up to ``size`` next bytes; ``b""`` at the end."""
        at = self._at
        self._at = min(at + size, self.size)
        return self.content[at : self._at]

    def read(self, size: int = -1) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        return self.some(self.size if size < 0 else size)
