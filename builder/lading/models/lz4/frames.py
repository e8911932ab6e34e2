"""What LZ4 frames hold (LZ4 frame format 1.6.4): one after the other, current, legacy, skippable.

Everything that a frame says of itself is held to: the size of its blocks and of all it holds, its
checksums. A frame that wants a dictionary is refused: that is somewhere else, or nowhere.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models.decompressed import Decompressed
from lading.models.lz4.block import WINDOW, expand
from lading.models.lz4.checksum import STRIPE, Xxh32
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["LEGACY", "MAGIC", "Unlz4", "is_skippable", "skip_frame"]

MAGIC: Final = b"\x04\x22\x4d\x18"
LEGACY: Final = b"\x02\x21\x4c\x18"
_LEGACY_BLOCK: Final = 8 * 1024 * 1024
#: The most that a legacy block of that size has when it cannot be compressed.
_LEGACY_STORED: Final = _LEGACY_BLOCK + _LEGACY_BLOCK // 255 + 16

#: Bits of the first byte of a descriptor.
_INDEPENDENT, _BLOCK_SUMS, _SIZED, _SUM, _RESERVED, _DICTIONARY = 32, 16, 8, 4, 2, 1
_STORED: Final = 1 << 31  # of a block's size: it is not compressed
#: What a frame or a block costs besides its sequences: millions of empty ones cost time, too.
_EACH: Final = 16


def is_skippable(head: bytes) -> bool:
    """Whether ``head`` starts a frame that decompressors of LZ4 and of Zstandard pass over."""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5


def skip_frame(source: Source) -> None:
    """Consume a skippable frame."""
    source.skip(4)
    source.skip(int.from_bytes(source.exactly(4), "little"))


class Unlz4(Decompressed):
    """What LZ4 gives for the bytes of ``parent``; bytes that follow the last frame stay unread.

    ``cut`` says that only the start of a file is at hand: the last block may be a part of one.
    """

    def __init__(self, parent: Source, report: Report, *, cut: bool = False) -> None:
        super().__init__(parent, report)
        self._cut = cut
        self._steps = LIMITS.lz4_steps
        self._pieces = self._frames()

    def _piece(self) -> bytes:
        return next(self._pieces, b"")

    def _frames(self) -> Iterator[bytes]:
        while True:
            magic = self._parent.peek(4)
            self._spend(_EACH)
            if magic == MAGIC:
                yield from self._frame()
            elif magic == LEGACY:
                yield from self._legacy()
            elif is_skippable(magic):
                skip_frame(self._parent)
            else:
                return

    def _frame(self) -> Iterator[bytes]:
        self._parent.skip(4)
        flags, largest, declared = self._descriptor()
        checksum = Xxh32() if flags & _SUM else None
        out, total = bytearray(), 0
        while size := int.from_bytes(self._parent.exactly(4), "little"):
            stored, size = bool(size & _STORED), size & ~_STORED
            if size > largest:
                raise Malformed(f"a block of LZ4 declares {size} bytes, and may have {largest}")
            block = self._block(size)
            if flags & _BLOCK_SUMS and len(block) == size:
                self._check(Xxh32(block), size, "a block of LZ4")
            before = 0 if flags & _INDEPENDENT else min(len(out), WINDOW)
            del out[: len(out) - before]
            if stored:
                out += block
            else:
                self._expand(block, out, largest, size)
            piece = bytes(out[before:])
            total += len(piece)
            if checksum is not None:
                self._spend(len(piece) // STRIPE)
                checksum.update(piece)
            if piece:
                yield piece
        if declared and declared != total:
            raise Malformed(f"a frame of LZ4 declares {declared} bytes, and has {total}")
        if checksum is not None:
            self._check(checksum, 0, "a frame of LZ4")

    def _descriptor(self) -> tuple[int, int, int]:
        """Return flags, the size of the largest block, and that of the content; 0 when unknown.

        The reference library, too, takes a 0 that is written there for nothing known.
        """
        head = self._parent.exactly(2)
        flags, sizes = head
        head += self._parent.exactly(8 if flags & _SIZED else 0)
        head += self._parent.exactly(4 if flags & _DICTIONARY else 0)
        if flags >> 6 != 1 or flags & _RESERVED or sizes & 0x8F or sizes >> 4 < 4:
            raise Malformed("the head of a frame of LZ4 is of no known version")
        if self._parent.exactly(1)[0] != Xxh32(head).value() >> 8 & 0xFF:
            raise Malformed("the head of a frame of LZ4 does not fit its checksum")
        if flags & _DICTIONARY:
            raise Malformed("a frame of LZ4 needs a dictionary that is not in the file")
        declared = int.from_bytes(head[2:10], "little") if flags & _SIZED else 0
        return flags, 1 << 8 + 2 * (sizes >> 4), declared

    def _legacy(self) -> Iterator[bytes]:
        """Read blocks up to the end of the file or the next frame: nothing says how many."""
        self._parent.skip(4)
        while (head := self._parent.peek(4)) and not _begins(head):
            size = int.from_bytes(self._parent.exactly(4), "little")
            if size > _LEGACY_STORED:
                raise Malformed(f"a block of LZ4 declares {size} bytes")
            out = bytearray()
            self._expand(self._block(size), out, _LEGACY_BLOCK, size)
            if out:
                yield bytes(out)

    def _block(self, size: int) -> bytes:
        self._spend(_EACH)
        return self._parent.read(size) if self._cut else self._parent.exactly(size)

    def _expand(self, block: bytes, out: bytearray, room: int, size: int) -> None:
        cut = len(block) < size  # what there is of it is something, and then nothing follows
        with contextlib.suppress(Malformed) if cut else contextlib.nullcontext():
            self._spend(expand(block, out, room, self._steps))

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise Malformed("decompressing LZ4 takes more steps than a file may")

    def _check(self, checksum: Xxh32, size: int, what: str) -> None:
        self._spend(size // STRIPE)
        if int.from_bytes(self._parent.exactly(4), "little") != checksum.value():
            raise Malformed(f"{what} does not fit its checksum")


def _begins(head: bytes) -> bool:
    return head in (MAGIC, LEGACY) or is_skippable(head)
