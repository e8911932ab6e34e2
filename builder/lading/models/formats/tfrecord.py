"""TFRecord: length, its masked CRC-32C, data, its masked CRC-32C; tensorflow/core/lib/io.

The checksum of the first length tells the format: four bytes do not fit by chance.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "tfrecord"
_HEADER: Final = struct.Struct("<QI")
#: Records that are counted; checking the length of each costs microseconds.
_COUNTED: Final = 200_000
#: The first record of a log for TensorBoard, which is no data set.
_EVENTS: Final = b"brain.Event:"


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return tuple(table)


_TABLE: Final = _table()


def _masked_crc(data: bytes) -> int:
    """Return the CRC-32C of ``data``, rotated and with an addend, as records have it."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFF_FFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a record."""
    if len(head) < _HEADER.size or head[4:8] != bytes(4):
        return False  # a record of 4 GiB is none
    length, crc = _HEADER.unpack_from(head)
    return length > 0 and _EVENTS not in head[:64] and _masked_crc(head[:8]) == crc


def parse(source: Source, report: Report) -> None:
    """Count the records; each length must have its checksum."""
    report.format = FORMAT
    report.role = Role.DATA
    count = 0
    while not source.at_end():
        if count == _COUNTED:
            return
        header = source.exactly(_HEADER.size)
        length, crc = _HEADER.unpack(header)
        if _masked_crc(header[:8]) != crc:
            raise Malformed(f"the length of record {count + 1} has another checksum")
        source.skip(length + 4)
        count += 1
    report.fact(v.ROWS, count, "records")
