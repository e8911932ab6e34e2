"""A small ELF file that stands in for a large program: only what syft reads of one.

Format: the System V ABI's object files (``man 5 elf``). Always 64-bit and little-endian; only the
machine is the original's. One segment maps the whole file, so that addresses are offsets.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SEPARATOR", "stand_in"]

# Between two texts that were apart in the program: no version pattern crosses it.
SEPARATOR = b"\n\x7f\n\x00\x7f\n"

_BASE = 0x400000
_HEADER = struct.Struct("<4s5B7xHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_EXECUTABLE, _LIBRARY = 2, 3
_LOAD, _READ_WRITE = 1, 6
_PROGBITS, _STRTAB = 1, 3
_ALLOCATED = 2
_ALIGN = 16


def stand_in(
    machine: int,
    texts: Iterable[bytes | bytearray],
    sections: Mapping[str, bytes],
    *,
    library: bool = False,
) -> bytes:
    """Return the ELF file for ``machine`` with ``texts`` outside, ``sections`` by their names."""
    body = bytearray(_HEADER.size + _SEGMENT.size)
    body += SEPARATOR.join(texts)
    names = b"\0"
    table = [bytes(_SECTION.size)]
    for name, content in (*sections.items(), (".shstrtab", b"")):
        body += bytes(-len(body) % _ALIGN)
        offset = len(body)
        kind = _PROGBITS
        label = len(names)
        names += name.encode("ascii") + b"\0"
        if name == ".shstrtab":
            content, kind = names, _STRTAB
        body += content
        table.append(
            _SECTION.pack(
                label, kind, _ALLOCATED, _BASE + offset, offset, len(content), 0, 0, _ALIGN, 0
            )
        )
    body += bytes(-len(body) % _ALIGN)
    at = len(body)
    body += b"".join(table)
    _HEADER.pack_into(
        body,
        0,
        *(b"\x7fELF", 2, 1, 1, 0, 0),
        *(_LIBRARY if library else _EXECUTABLE, machine, 1, _BASE),
        *(_HEADER.size, at, 0),
        *(_HEADER.size, _SEGMENT.size, 1, _SECTION.size, len(table), len(table) - 1),
    )
    total = len(body)
    _SEGMENT.pack_into(
        body, _HEADER.size, _LOAD, _READ_WRITE, 0, _BASE, _BASE, total, total, 0x1000
    )
    return bytes(body)
