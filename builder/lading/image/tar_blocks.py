"""The byte side of the tar reader: one MiB of buffer over a stream, one entry's data at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.errors import InputError, LimitError
from lading.image.streams import CHUNK
from lading.image.tar_header import BLOCK
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.image.streams import Readable

__all__ = ["BlockStream"]


class BlockStream:
    """A buffer, and how much of the stream belongs to the current entry.

    Attributes:
        where: what to call the tar in errors.
        buffer: one MiB; ``view`` is the same memory.
        at: next byte in it. ``end``: bytes in it.
        left: stored bytes of the current entry that were not taken yet.
        padding: bytes between them and the next header.
    """

    __slots__ = ("at", "buffer", "end", "left", "padding", "seek", "source", "view", "where")

    def __init__(self, source: Readable, where: str) -> None:
        self.source = source
        self.seek: Callable[[int], int] | None = getattr(source, "skip", None)
        self.where = where
        self.buffer = bytearray(CHUNK)
        self.view = memoryview(self.buffer)
        self.at = self.end = self.left = self.padding = 0

    @property
    def taken(self) -> int:
        """How far into the source the reader stands, when the source has a ``position``."""
        return int(getattr(self.source, "position", 0)) - (self.end - self.at)

    def fill(self, wanted: int) -> bool:
        """Have at least ``wanted`` bytes in the buffer from ``at`` on; False at the end."""
        have = self.end - self.at
        if have >= wanted:
            return True
        self.view[:have] = bytes(self.view[self.at : self.end])
        self.at, self.end = 0, have
        while self.end < wanted:
            count = self.source.readinto(self.view[self.end :])
            if not count:
                return False
            self.end += count
        return True

    def skip(self) -> bool:
        """Pass over the rest of the current entry; False when only padding is missing of it.

        A source that can leave bytes out unread (``skip``) is asked to.

        Raises:
            InputError: its data is missing.
        """
        while (length := self.left + self.padding) > (have := self.end - self.at):
            taken = min(have, self.left)
            self.left -= taken
            self.padding -= have - taken
            self.at = self.end = 0
            if self.seek is not None and self.left > CHUNK:
                self.left -= self.seek(self.left)
            self.end = self.source.readinto(self.view) or 0
            if not self.end:
                if self.left:
                    raise self.truncated()
                return False
        self.at += length
        self.left = self.padding = 0
        return True

    def truncated(self) -> InputError:
        """Return the error for a stream that ends too early."""
        return InputError(
            "a tar ends in the middle of an entry",
            where=self.where,
            hint="the file or stream is incomplete: fetch it again",
        )

    def peek(self, size: int) -> bytes:
        """Return up to ``size`` next bytes of the entry's data without taking them."""
        size = min(size, self.left)
        if not self.fill(size):
            raise self.truncated()
        return bytes(self.view[self.at : self.at + size])

    def readinto(self, buffer: memoryview, /) -> int:
        """Take next bytes of the entry's data, from the buffer or straight from the source."""
        wanted = min(len(buffer), self.left)
        if not wanted:
            return 0
        if have := self.end - self.at:
            count = min(have, wanted)
            buffer[:count] = self.view[self.at : self.at + count]
            self.at += count
        else:
            count = self.source.readinto(buffer[:wanted]) or 0
            if not count:
                raise self.truncated()
        self.left -= count
        return count

    def take_block(self) -> bytes:
        """Take one whole block."""
        if not self.fill(BLOCK):
            raise self.truncated()
        block = bytes(self.view[self.at : self.at + BLOCK])
        self.at += BLOCK
        return block

    def take_extended(self, size: int) -> bytes:
        """Take the whole data of an extended header, and its padding."""
        if size > LIMITS.tar_pax_header:
            raise LimitError(
                "an extended tar header is too large",
                where=self.where,
                got=f"{size} bytes",
                wanted=f"at most {LIMITS.tar_pax_header}",
            )
        content = bytearray(size)
        self.left, self.padding = size, -size % BLOCK
        got = 0
        view = memoryview(content)
        while got < size:
            got += self.readinto(view[got:])
        self.skip()
        return bytes(content)
