"""Bytes that are read once, in order, and never trusted to be as many as they say.

:class:`FileStream` is what a caller hands in. A :class:`Source` is what parsers read: the file
itself while it is hashed (:class:`HashedSource`), a part of another source (:class:`Limited`),
bytes in memory (:class:`BytesSource`), or what a decompressor gives (``unpack.py``). A source
holds one chunk, so memory does not grow with the file, and no read allocates what a header
merely declares.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from lading.errors import InputError

if TYPE_CHECKING:
    import re
    import struct
    from collections.abc import Callable

__all__ = [
    "CHUNK",
    "BytesSource",
    "FileStream",
    "HashedSource",
    "Limited",
    "Malformed",
    "Source",
    "Truncated",
]

#: Bytes of one read from the stream; large enough that hashing releases the GIL for long.
CHUNK: Final = 1024 * 1024
#: The most that :meth:`Source.exactly` hands out at once.
LARGEST_READ: Final = 128 * 1024 * 1024
#: Bytes of what :meth:`Source.seek` looks for, at the most.
_LONGEST_MARK: Final = 4


class Malformed(ValueError):
    """The bytes are not what their format demands. Never leaves ``lading.models``."""


class Truncated(Malformed):
    """The bytes end before what they declare."""


class FileStream(Protocol):
    """One regular file, read once; ``lading.image.interface.Entry`` is one.

    ``path`` is relative to the image's root; ``size`` is the number of bytes that ``read`` gives.
    """

    @property
    def path(self) -> str:
        """The file's path."""
        ...

    @property
    def size(self) -> int:
        """Bytes that :meth:`read` gives in all."""
        ...

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` (at most ``LIMITS.sniff_bytes``) first bytes; consume nothing."""
        ...

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` next bytes, ``b""`` at the end."""
        ...


class Source:
    """Bytes in order. Subclasses give the next chunk; everything else is here.

    ``size`` is how many there are in all, None where only their end will tell.
    """

    size: int | None = None

    def __init__(self) -> None:
        self._chunk = b""
        self._at = 0
        self._before = 0  # bytes of the chunks that came before this one

    def _fill(self) -> bytes:
        """Return the next chunk, ``b""`` at the end."""
        raise NotImplementedError

    def _next(self) -> bool:
        """Step to the next chunk, when this one is used up; False at the end."""
        chunk = self._fill()
        self._before += len(self._chunk)
        self._chunk, self._at = chunk, 0
        return bool(chunk)

    @property
    def offset(self) -> int:
        """Bytes consumed so far."""
        return self._before + self._at

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` next bytes without consuming them.

        Short only at the end, or before bytes that cannot be had: reading on says why.
        """
        if self._at >= len(self._chunk):
            self._next()
        if len(self._chunk) - self._at < size:
            rest = self._chunk[self._at :]
            pieces, have = [rest], len(rest)
            try:
                while have < size and (piece := self._fill()):
                    pieces.append(piece)
                    have += len(piece)
            except Malformed:
                if not have:
                    raise
            self._before += self._at
            self._chunk, self._at = b"".join(pieces), 0
        return self._chunk[self._at : self._at + size]

    def read(self, size: int) -> bytes:
        """Return the next ``size`` bytes; fewer only at the end. Callers bound ``size``."""
        end = self._at + size
        if end <= len(self._chunk):
            piece = self._chunk[self._at : end]
            self._at = end
            return piece
        pieces = []
        while size > 0 and (piece := self.some(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def byte(self) -> int:
        """Return the next byte's value, -1 at the end: what is asked for most."""
        at = self._at
        try:
            value = self._chunk[at]
        except IndexError:
            if not self._next():
                return -1
            value, at = self._chunk[0], 0
        self._at = at + 1
        return value

    def number(self, form: struct.Struct) -> int:
        """Return the one number that ``form`` reads; raises as :meth:`exactly`."""
        at = self._at
        end = at + form.size
        if end <= len(self._chunk):
            self._at = end
            return form.unpack_from(self._chunk, at)[0]  # type: ignore[no-any-return]
        return form.unpack(self.exactly(form.size))[0]  # type: ignore[no-any-return]

    def exactly(self, size: int) -> bytes:
        """Return the next ``size`` bytes.

        Raises:
            Truncated: the source ends before.
            Malformed: ``size`` is more than any field of any format needs.
        """
        at = self._at
        data = self._chunk[at : at + size]
        if len(data) == size:
            self._at = at + size
            return data
        if size > LARGEST_READ:
            raise Malformed(f"a field declares {size} bytes")
        data = self.read(size)
        if len(data) < size:
            raise Truncated(f"the data ends at byte {self.offset}, inside a field of {size} bytes")
        return data

    def tally(self, mark: bytes) -> tuple[int, bytes]:
        """Read to the end; return how often the byte ``mark`` came, and the last one of all."""
        count, last = 0, b""
        while piece := self.some():
            count += piece.count(mark)
            last = piece[-1:]
        return count, last

    def some(self, size: int = CHUNK) -> bytes:
        """Return between 1 and ``size`` next bytes, whatever is at hand; ``b""`` at the end."""
        if self._at >= len(self._chunk) and not self._next():
            return b""
        at = self._at
        piece = self._chunk[at : at + size] if at or size < len(self._chunk) else self._chunk
        self._at = at + len(piece)
        return piece

    def back(self, size: int) -> None:
        """Give back the last ``size`` bytes of what :meth:`some` just returned."""
        self._at -= size

    def skip(self, size: int) -> None:
        """Consume ``size`` bytes.

        Raises:
            Truncated: the source ends before.
        """
        while size > 0:
            have = len(self._chunk) - self._at
            if have >= size:
                self._at += size
                return
            size -= have
            self._at = len(self._chunk)
            if not self._next():
                raise Truncated(f"the data ends at byte {self.offset}, {size} bytes too early")

    def seek(self, mark: re.Pattern[bytes], start: bytes) -> bool:
        """Consume what comes before the next match of ``mark``; False, all consumed, without one.

        ``mark`` matches a few bytes, of which the first are ``start``.
        """
        while True:
            # Where there is nothing to find, this is several times as fast as the pattern.
            if self._chunk.find(start, self._at) >= 0:
                found = mark.search(self._chunk, self._at)
                if found is not None:
                    self._at = found.start()
                    return True
            self._at = max(self._at, len(self._chunk) - _LONGEST_MARK + 1)
            left = len(self._chunk) - self._at
            if len(self.peek(left + 1)) <= left:
                self._at = len(self._chunk)
                return False

    def line(self, limit: int) -> bytes:
        r"""Return the next line without its ``\n``.

        Raises:
            Truncated: the source ends before the line does.
            Malformed: the line is longer than ``limit`` bytes.
        """
        pieces, have = [], 0
        while have <= limit:
            if self._at >= len(self._chunk) and not self._next():
                raise Truncated(f"the data ends at byte {self.offset}, inside a line")
            end = self._at + limit - have + 1
            found = self._chunk.find(b"\n", self._at, end)
            if found >= 0:
                pieces.append(self._chunk[self._at : found])
                self._at = found + 1
                return b"".join(pieces)
            pieces.append(self._chunk[self._at : end])
            have += len(pieces[-1])
            self._at += len(pieces[-1])
        raise Malformed(f"a line is longer than {limit} bytes")

    def at_end(self) -> bool:
        """Whether no byte is left."""
        return self._at >= len(self._chunk) and not self._next()

    def total(self) -> int:
        """Return how many bytes there are in all; where nothing says it, read on to their end."""
        if self.size is None:
            self.drain()
            return self.offset
        return self.size

    def drain(self) -> int:
        """Consume everything that is left; return how many bytes that was."""
        start = self.offset
        self._at = len(self._chunk)
        while self._next():
            self._at = len(self._chunk)
        return self.offset - start


class BytesSource(Source):
    """Bytes that are in memory already."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._chunk = data
        self.size = len(data)

    def _fill(self) -> bytes:
        return b""


class Limited(Source):
    """The next ``size`` bytes of another source."""

    def __init__(self, parent: Source, size: int) -> None:
        super().__init__()
        self._parent = parent
        self.size = self._left = size

    def _fill(self) -> bytes:
        if self._left <= 0:
            return b""
        piece = self._parent.some(min(self._left, CHUNK))
        if not piece:
            raise Truncated(f"the data ends {self._left} bytes too early")
        self._left -= len(piece)
        return piece


class HashedSource(Source):
    """A whole file; every byte that passes goes into its SHA-256."""

    def __init__(self, stream: FileStream) -> None:
        super().__init__()
        self._stream = stream
        self._some: Callable[[int], bytes] = getattr(stream, "some", stream.read)
        self._lend: Callable[[int], memoryview] | None = getattr(stream, "lend", None)
        self._hash = hashlib.sha256()
        self.size = self._left = stream.size
        self.tail = b""  # the last chunk that was read: formats with a footer look here

    def _fill(self) -> bytes:
        if self._left <= 0:
            return b""
        piece = self._some(min(CHUNK, self._left))
        self._took(piece)
        if self._left < CHUNK:
            self.tail = piece if len(piece) == CHUNK else (self.tail + piece)[-CHUNK:]
        return piece

    def _took(self, piece: bytes | memoryview) -> None:
        if not piece:
            raise InputError(
                "A file ended before its size was reached.",
                where=self._stream.path,
                got=f"{self._stream.size - self._left} bytes",
                wanted=f"{self._stream.size} bytes",
            )
        self._left -= len(piece)
        self._hash.update(piece)

    def skip(self, size: int) -> None:
        """See :class:`Source`; what nobody looks at is hashed where it lies."""
        if self._at + size <= len(self._chunk):
            self._at += size
        else:
            super().skip(size - self._pass(size))

    def drain(self) -> int:
        """See :class:`Source`; what nobody looks at is hashed where it lies."""
        start = self.offset
        self._pass(len(self._chunk) - self._at + self._left)
        super().drain()
        return self.offset - start

    def _pass(self, size: int) -> int:
        """Consume many bytes, at most ``size`` and none of the last chunk's; return how many."""
        start = self.offset
        far = min(size - len(self._chunk) + self._at, self._left - CHUNK)
        if self._lend is None or far <= 0:
            return 0
        self._at = len(self._chunk)
        while far > 0:
            piece = self._lend(far)
            self._took(piece)
            self._before += len(piece)
            far -= len(piece)
        return self.offset - start

    def sha256(self) -> str:
        """Read what is left and return the digest of the whole file, lower-case hexadecimal."""
        self.drain()
        return self._hash.hexdigest()
