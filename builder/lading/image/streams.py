"""Byte streams of layers, and their bounds.

Everything here reads with ``readinto`` into the caller's memory, in pieces of up to a MiB, and
allocates nothing by a size that the stream declares.
"""

from __future__ import annotations

from lading.errors import LimitError
from lading.limits import LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Protocol
else:
    Protocol = object

__all__ = [
    "CHUNK",
    "ROOM",
    "Lender",
    "Lent",
    "Readable",
    "check_expansion",
    "drain",
    "gathered",
    "read_up_to",
]

Lent = tuple[memoryview, int, int]  # a buffer, and between where its bytes are

CHUNK = 1024 * 1024
ROOM = 2 * LIMITS.sniff_bytes  # what a parser may keep of a lent piece before the next
_RATIO_FLOOR = 64 * 1024 * 1024  # small streams may expand this far whatever their ratio


class Readable(Protocol):
    """The one thing a layer needs of its source. 0 (or None) means the end."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the beginning of ``buffer``; return how many bytes, at least 1 before the end."""


class Lender(Protocol):
    """A source whose bytes are read where they lie; ``hashing.Hashing`` is one."""

    def lend(self, kept: memoryview) -> Lent | None:
        """Return the next piece, right behind the ``kept`` end of the last; None at the end."""


def read_up_to(source: Readable, size: int) -> bytes:
    """Return the next ``size`` bytes, fewer only at the end."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    got = 0
    while got < size and (count := source.readinto(view[got:])):
        got += count
    return bytes(view[:got])


def gathered(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Join whole pieces into some of more than ``size`` bytes, the last one aside.

    For compressing: it lets other threads run, and waits for its turn after each call. Of
    thousands of small pieces that is more than the work.
    """
    held: list[bytes] = []
    have = 0
    for piece in pieces:
        held.append(piece)
        have += len(piece)
        if have > size:
            yield b"".join(held)
            held, have = [], 0
    if have:
        yield b"".join(held)


def drain(source: Readable) -> None:
    """Read to the end, so that what hashes along the way sees every byte."""
    view = memoryview(bytearray(CHUNK))
    while source.readinto(view):
        pass


def check_expansion(stored: int, expanded: int, where: str) -> None:
    """Refuse bytes that grow out of all proportion: compression bombs, sparse files of nothing.

    Raises:
        LimitError: more than ``LIMITS.decompressed_layer``, or past ``decompression_ratio``.
    """
    if expanded > LIMITS.decompressed_layer:
        wanted = f"at most {LIMITS.decompressed_layer}"
        raise LimitError(
            "the data is too large", where=where, got=f"{expanded} bytes", wanted=wanted
        )
    if expanded > _RATIO_FLOOR and expanded > stored * LIMITS.decompression_ratio:
        raise LimitError(
            "the data expands out of all proportion",
            where=where,
            got=f"{expanded} bytes out of {stored}",
            wanted=f"at most {LIMITS.decompression_ratio} times as many",
        )
