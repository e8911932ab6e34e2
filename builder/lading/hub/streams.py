"""Bytes of files: opened without following links, and held to the size that was listed."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, BinaryIO

from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.hub.interface import Stream

__all__ = ["CHUNK", "RawStream", "hash_stream", "open_regular"]

CHUNK = 1024 * 1024
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class RawStream:
    """A :class:`lading.hub.interface.Stream` over an unbuffered file."""

    def __init__(self, path: str, size: int, raw: BinaryIO) -> None:
        self.path = path
        self.size = size
        self._raw = raw
        self._head = b""
        self._left = size

    def peek(self, size: int) -> bytes:
        """See :class:`lading.hub.interface.Stream`."""
        if len(self._head) < size:
            self._head += self._take(min(size - len(self._head), self._left))
        return self._head[:size]

    def read(self, size: int = -1) -> bytes:
        """See :class:`lading.hub.interface.Stream`."""
        wanted = self._left + len(self._head) if size < 0 else size
        head, self._head = self._head[:wanted], self._head[wanted:]
        return head + self._take(min(wanted - len(head), self._left))

    def _take(self, size: int) -> bytes:
        pieces = []
        while size > 0:
            try:
                piece = self._raw.read(min(size, CHUNK))
            except OSError as error:
                raise InputError(
                    "A file cannot be read", where=self.path, got=error.strerror
                ) from error
            if not piece:
                raise self._changed()
            pieces.append(piece)
            size -= len(piece)
            self._left -= len(piece)
        if pieces and self._left == 0 and self._raw.read(1):
            raise self._changed()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _changed(self) -> InputError:
        return InputError(
            "A file changed while it was read",
            where=self.path,
            wanted=f"{self.size} bytes, as when it was listed",
        )


@contextlib.contextmanager
def open_regular(path: str, file: str, status: os.stat_result) -> Iterator[RawStream]:
    """Open ``file`` as what was listed: a regular file, no link, the same one as ``status``."""
    try:
        descriptor = os.open(file, _FLAGS)
    except OSError as error:
        raise InputError("A file cannot be opened", where=path, got=error.strerror) from error
    with open(descriptor, "rb", buffering=0) as raw:  # noqa: PTH123 - a descriptor, no path
        now = os.fstat(raw.fileno())
        if not os.path.samestat(now, status) or now.st_size != status.st_size:
            raise InputError("A file changed between listing and reading", where=path)
        yield RawStream(path, status.st_size, raw)


def hash_stream(stream: Stream) -> str:
    """Read a stream to its end; return the SHA-256, hexadecimal."""
    digest = hashlib.sha256()
    while piece := stream.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()
