"""The byte side of the tar reader: a buffer over a stream, one entry's data at a time."""

from __future__ import annotations

from lading.errors import InputError, LimitError
from lading.image.tar_header import BLOCK
from lading.limits import LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.image.streams import Lender, Lent, Readable

__all__ = ["BlockStream"]

BUFFER = 256 * 1024  # as much as stays in a core's cache beside what parses it


class BlockStream:
    """A buffer, and how much of the stream belongs to the current entry.

    A source that lends what it read (``lend``, :class:`lading.image.streams.Hashing`) is parsed
    where its bytes lie; any other fills a buffer here.

    Attributes:
        where: what to call the tar in errors.
        view: the buffer.
        at: next byte in it. ``end``: end of the bytes in it.
        left: stored bytes of the current entry that were not taken yet.
        padding: bytes between them and the next header.
    """

    __slots__ = ("at", "end", "left", "lend", "padding", "seek", "source", "view", "where")

    def __init__(self, source: Readable | Lender, where: str) -> None:
        self.source = source
        self.seek: Callable[[int], int] | None = getattr(source, "skip", None)
        self.lend: Callable[[memoryview], Lent | None] | None = getattr(source, "lend", None)
        self.where = where
        self.view = memoryview(b"" if self.lend else bytearray(BUFFER))
        self.at = self.end = self.left = self.padding = 0

    @property
    def taken(self) -> int:
        """How far into the source the reader stands, when the source has a ``position``."""
        return int(getattr(self.source, "position", 0)) - (self.end - self.at)

    def _more(self) -> bool:
        """Have more bytes behind those that are left in the buffer; False at the end."""
        if self.lend is not None:
            lent = self.lend(self.view[self.at : self.end])
            if lent is None:
                return False
            self.view, self.at, self.end = lent
            return True
        have = self.end - self.at
        self.view[:have] = bytes(self.view[self.at : self.end])
        self.at, self.end = 0, have
        self.end += self.source.readinto(self.view[have:]) or 0  # type: ignore[union-attr]
        return self.end > have

    def fill(self, wanted: int) -> bool:
        """Have at least ``wanted`` bytes (at most ``ROOM``) in the buffer; False at the end."""
        while self.end - self.at < wanted:
            if not self._more():
                return False
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
            self.at = self.end
            if self.seek is not None and self.left > BUFFER:
                self.left -= self.seek(self.left)
            if not self._more():
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

    def whole(self) -> memoryview | None:
        """Return the entry's data where it lies, taking nothing; None when part of it does not."""
        end = self.at + self.left
        return self.view[self.at : end] if end <= self.end else None

    def readinto(self, buffer: memoryview, /) -> int:
        """Take next bytes of the entry's data into ``buffer``; 0 only at its end."""
        piece = self.piece(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def some(self, size: int) -> bytes:
        """Take between 1 and ``size`` next bytes of the entry's data; ``b""`` at its end."""
        return bytes(self.piece(size))

    def piece(self, size: int) -> memoryview:
        """Take between 1 and ``size`` next bytes of the entry's data, where they lie.

        They are there until the next read; none at the entry's end.
        """
        size = min(size, self.left)
        if size and self.at == self.end and not self._more():
            raise self.truncated()
        at = self.at
        self.at = min(at + size, self.end)
        self.left -= self.at - at
        return self.view[at : self.at]

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
        self.left, self.padding = size, -size % BLOCK
        pieces = []
        while self.left:
            pieces.append(self.some(self.left))
        self.skip()
        return b"".join(pieces)
