"""One compressed block (LZ4 block format): literal bytes, and copies of what came before."""

from __future__ import annotations

from typing import Final

from lading.models.stream import Malformed

__all__ = ["WINDOW", "expand"]

#: How far back a copy may reach.
WINDOW: Final = 64 * 1024
_SHORTEST: Final = 4


def expand(block: bytes, out: bytearray, room: int, steps: int) -> int:
    """Append to ``out`` what ``block`` stands for; return how many steps that took.

    Copies may reach into what ``out`` has already. At most ``room`` bytes are added, in at most
    ``steps`` steps of about half a microsecond each.

    Raises:
        Malformed: the block is none, is larger than ``room``, or takes more steps. What came
            before that was appended.
    """
    at, size, most = 0, len(block), len(out) + room
    try:
        for step in range(steps):
            token = block[at]
            at += 1
            length = token >> 4
            if length == 15:
                length, at = _longer(block, length, at)
            out += block[at : at + length]
            at += length
            if at >= size:
                if at > size or len(out) > most:
                    break
                return step + 1
            offset = block[at] | block[at + 1] << 8
            at += 2
            length = token & 15
            if length == 15:
                length, at = _longer(block, length, at)
            length += _SHORTEST
            start = len(out) - offset
            if start < 0 or not offset:
                raise Malformed("a block of LZ4 copies from before its beginning")
            if len(out) + length > most:
                break
            if length <= offset:
                out += out[start : start + length]
            else:  # the copy reads what it writes
                out += (out[start:] * (length // offset + 1))[:length]
        else:
            raise Malformed("decompressing LZ4 takes more steps than a file may")
    except IndexError:
        raise Malformed("a block of LZ4 ends inside a sequence") from None
    raise Malformed("a block of LZ4 holds more than it may, or less than it says")


def _longer(block: bytes, length: int, at: int) -> tuple[int, int]:
    """Return a length that goes on in the bytes at ``at``, and where those end."""
    while (more := block[at]) == 255:
        length += more
        at += 1
    return length + more, at + 1
