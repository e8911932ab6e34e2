"""Where a zstd stream stands: the decompressor does not tell a truncated frame from its end.

RFC 8878, section 3.1: frames of blocks, and skippable frames. Only sizes are read.
"""

from __future__ import annotations

__all__ = ["FrameWalker"]

_MAGIC = 0xFD2FB528
_SKIPPABLE = 0x184D2A50
_CHECKSUM_SIZE = 4
_RLE = 1
_CONTENT_SIZES = (0, 2, 4, 8)
_DICTIONARY_SIZES = (0, 1, 2, 4)


class FrameWalker:
    """Gets a stream's bytes in any pieces and says whether they end where a frame does.

    Damage is the decompressor's to notice: past a magic number that is none, this only waits.
    """

    def __init__(self) -> None:
        self._head = bytearray()  # of the frame, skippable frame, frame header or block
        self._skip = 0
        self._in_frame = False
        self._has_checksum = False
        self._last_block = False
        self._lost = False

    @property
    def at_end_of_frame(self) -> bool:
        """Whether nothing of a frame is missing."""
        return not (self._in_frame or self._head or self._skip or self._lost)

    def feed(self, piece: bytes) -> None:
        """Walk over the next bytes."""
        at = 0
        while at < len(piece) and not self._lost:
            if self._skip:
                taken = min(self._skip, len(piece) - at)
                self._skip -= taken
                at += taken
                if not self._skip and self._last_block:
                    self._in_frame = self._last_block = False
                continue
            self._head.append(piece[at])
            at += 1
            if self._in_frame:
                self._block()
            else:
                self._frame()

    def _frame(self) -> None:
        """Look at the bytes from a frame's beginning on, until its header is whole."""
        if len(self._head) < 5:
            return
        magic = int.from_bytes(self._head[:4], "little")
        if magic & 0xFFFFFFF0 == _SKIPPABLE:
            if len(self._head) == 8:
                self._skip = int.from_bytes(self._head[4:], "little")
                self._head.clear()
            return
        if magic != _MAGIC:
            self._lost = True
            return
        descriptor = self._head[4]
        single = descriptor >> 5 & 1
        content = _CONTENT_SIZES[descriptor >> 6] or single
        size = 5 + (1 - single) + _DICTIONARY_SIZES[descriptor & 3] + content
        if len(self._head) == size:
            self._has_checksum = bool(descriptor & 4)
            self._in_frame = True
            self._head.clear()

    def _block(self) -> None:
        """Look at a block's header: last, type, size."""
        if len(self._head) < 3:
            return
        block = int.from_bytes(self._head, "little")
        self._head.clear()
        size = 1 if block >> 1 & 3 == _RLE else block >> 3
        self._last_block = bool(block & 1)
        self._skip = size + (_CHECKSUM_SIZE if self._last_block and self._has_checksum else 0)
        if self._last_block and not self._skip:
            self._in_frame = self._last_block = False
