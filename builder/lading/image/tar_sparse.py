"""GNU sparse files in tars: where the stored bytes belong in the file, in all four encodings.

Old GNU (type ``S``), pax 0.0, 0.1 and 1.0; GNU tar manual, "Storing Sparse Files".
"""

from __future__ import annotations

from lading.errors import InputError, LimitError
from lading.image.tar_header import BLOCK, number
from lading.limits import LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading.image.tar_extended import Extended

__all__ = ["Fragment", "check_map", "is_sparse", "old_map", "pax_map", "real_size"]

Fragment = tuple[int, int]  # offset in the file, stored bytes

_OLD_SLOTS = range(386, 386 + 4 * 24, 24)
_OLD_MORE = 482
_OLD_REAL_SIZE = slice(483, 495)
_NEXT_SLOTS = range(0, 21 * 24, 24)
_NEXT_MORE = 504


def old_map(header: bytes, take: Callable[[], bytes], where: str) -> tuple[int, list[Fragment]]:
    """Return the real size and the map of a type ``S`` entry; ``take`` gives the next block."""
    found: list[Fragment] = []
    block, slots, more = header, _OLD_SLOTS, _OLD_MORE
    while True:
        for at in slots:
            if not block[at]:
                break
            found.append(
                (
                    number(block[at : at + 12], "sparse offset", where),
                    number(block[at + 12 : at + 24], "sparse length", where),
                )
            )
        _bounded(found, where)
        if not block[more]:
            break
        block, slots, more = take(), _NEXT_SLOTS, _NEXT_MORE
    return number(header[_OLD_REAL_SIZE], "real size", where), found


def is_sparse(extended: Extended) -> bool:
    """Say whether pax records make the next entry a sparse file of a version that is known."""
    records = extended.sparse
    version = (records.get("GNU.sparse.major", ""), records.get("GNU.sparse.minor", ""))
    if version == ("", ""):
        return bool(records.get("GNU.sparse.map") or extended.sparse_map)
    return version in {("0", "0"), ("0", "1"), ("1", "0")}


def real_size(extended: Extended, where: str) -> int | None:
    """Return the size with its holes as pax records give it."""
    records = extended.sparse
    value = records.get("GNU.sparse.size") or records.get("GNU.sparse.realsize")
    return None if value is None else _decimal(value, where)


def pax_map(extended: Extended, take: Callable[[], bytes], where: str) -> list[Fragment]:
    """Return the map; in version 1.0 it is the beginning of the data, taken in blocks."""
    if extended.sparse.get("GNU.sparse.major") == "1":
        return _map_1_0(take, where)
    if extended.sparse_map:
        keys = [key for key, _ in extended.sparse_map]
        wanted = ["GNU.sparse.offset", "GNU.sparse.numbytes"] * (len(keys) // 2)
        if keys != wanted:
            raise InputError("a sparse map has offsets and lengths out of turn", where=where)
        values: Iterable[str] = [value for _, value in extended.sparse_map]
    else:
        listed = extended.sparse.get("GNU.sparse.map", "")
        values = listed.split(",") if listed else []
    return _pairs([_decimal(value, where) for value in values], where)


def _map_1_0(take: Callable[[], bytes], where: str) -> list[Fragment]:
    """Read a count and as many offsets and lengths, a line each, padded to a block."""
    lines: list[bytes] = []
    rest = b""
    wanted = 1
    while len(lines) < wanted:
        rest += take()
        *complete, rest = rest.split(b"\n")
        lines += complete
        if lines:
            wanted = 1 + 2 * _decimal(lines[0].decode("ascii", "replace"), where)
            if wanted > 1 + 2 * LIMITS.tar_sparse_fragments:
                _too_many(where)
        if len(rest) > BLOCK:
            raise InputError("a sparse map is damaged", where=where)
    values = [_decimal(line.decode("ascii", "replace"), where) for line in lines[1:wanted]]
    return _pairs(values, where)


def _decimal(value: str, where: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 19):
        raise InputError("a sparse map is damaged", where=where, got=ascii(value[:40]))
    return int(value)


def _pairs(values: list[int], where: str) -> list[Fragment]:
    if len(values) % 2:
        raise InputError("a sparse map has an offset without a length", where=where)
    found = list(zip(values[::2], values[1::2], strict=True))
    _bounded(found, where)
    return found


def _bounded(found: list[Fragment], where: str) -> None:
    if len(found) > LIMITS.tar_sparse_fragments:
        _too_many(where)


def _too_many(where: str) -> None:
    raise LimitError(
        "a sparse file in a tar has too many fragments",
        where=where,
        wanted=f"at most {LIMITS.tar_sparse_fragments}",
    )


def check_map(fragments: list[Fragment], size: int, stored: int, where: str) -> None:
    """Refuse a map that goes backwards, past the file's end, or does not account for its data.

    Raises:
        InputError: so.
    """
    at = 0
    total = 0
    for offset, length in fragments:
        if offset < at or offset + length > size:
            raise InputError("a sparse map overlaps itself or leaves its file", where=where)
        at = offset + length
        total += length
    if total > stored:
        raise InputError("a sparse map claims more data than is stored", where=where)
