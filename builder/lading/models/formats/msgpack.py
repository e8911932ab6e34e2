"""MessagePack, value by value; github.com/msgpack/msgpack, ``spec.md``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.stream import Source

__all__ = ["ARRAY", "BINARY", "EXTENSION", "MAP", "NUMBERS", "PLAIN", "begin", "length"]

#: What a value is, as :func:`begin` says; texts and numbers are plain.
PLAIN, BINARY, EXTENSION, ARRAY, MAP = range(5)
#: Tag → bytes of a number.
NUMBERS: Final = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8,
    0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
}  # fmt: skip
#: Tag → bytes of the length that follows it, and what has that length.
_LENGTHS: Final = {
    0xC4: (1, BINARY), 0xC5: (2, BINARY), 0xC6: (4, BINARY),
    0xC7: (1, EXTENSION), 0xC8: (2, EXTENSION), 0xC9: (4, EXTENSION),
    0xD9: (1, PLAIN), 0xDA: (2, PLAIN), 0xDB: (4, PLAIN),
    0xDC: (2, ARRAY), 0xDD: (4, ARRAY), 0xDE: (2, MAP), 0xDF: (4, MAP),
}  # fmt: skip


def length(source: Source, tag: int) -> int:
    """Read the length that follows a tag which has one."""
    return int.from_bytes(source.exactly(_LENGTHS[tag][0]), "big")


def begin(source: Source) -> tuple[int, int]:
    """Read the beginning of a value; return what it is, and its size.

    That is how many bytes follow (of an extension, behind the byte of its type), or how many
    values: of a map, as many names, too.

    Raises:
        Malformed: there is no such tag.
    """
    tag = source.exactly(1)[0]
    if tag < 0x80 or tag >= 0xE0:
        return PLAIN, 0
    if tag < 0x90:
        return MAP, tag & 0x0F
    if tag < 0xA0:
        return ARRAY, tag & 0x0F
    if tag < 0xC0:
        return PLAIN, tag & 0x1F
    if tag in NUMBERS:
        return PLAIN, NUMBERS[tag]
    if 0xD4 <= tag <= 0xD8:
        return EXTENSION, 1 << (tag - 0xD4)
    if tag in _LENGTHS:
        return _LENGTHS[tag][1], length(source, tag)
    raise Malformed(f"there is no tag {tag:#x}")
