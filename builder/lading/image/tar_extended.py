"""The extended headers that may precede a tar entry: pax records, GNU long names.

Global pax headers do not apply to entries, and GNU long names win over pax ones, as in Go's
``archive/tar`` (see ``tar_header.py``).
"""

from __future__ import annotations

from lading.errors import InputError
from lading.image.tar_header import text

__all__ = ["Extended", "parse_pax"]

_PATHS = {"path": "path", "linkpath": "link", "GNU.sparse.name": "name"}
_NEWLINE = ord("\n")
_DIGITS = 19  # of a number: as many as 64 bits have


class Extended:
    """What the headers before an entry say about it; None and empty mean nothing.

    Attributes:
        path, link, size: of pax records.
        name: ``GNU.sparse.name``, which wins over all others in a sparse file, and only there.
        long_name, long_link: of GNU's own headers.
        sparse: ``GNU.sparse.*`` records.
        sparse_map: those of pax 0.0, in order.
    """

    __slots__ = ("link", "long_link", "long_name", "name", "path", "size", "sparse", "sparse_map")

    def __init__(self) -> None:
        self.path: str | None = None
        self.link: str | None = None
        self.size: int | None = None
        self.name: str | None = None
        self.long_name: str | None = None
        self.long_link: str | None = None
        self.sparse: dict[str, str] = {}
        self.sparse_map: list[tuple[str, str]] = []

    def add(self, flag: bytes, content: bytes, where: str) -> None:
        """Take in one header by its type: ``x``, ``g`` (which changes nothing), ``L`` or ``K``.

        Raises:
            InputError: it is malformed.
        """
        if flag == b"L":
            self.long_name = text(content)
        elif flag == b"K":
            self.long_link = text(content)
        else:
            found = parse_pax(content, where)
            if flag == b"x":
                found.long_name, found.long_link = self.long_name, self.long_link
                for name in self.__slots__:
                    setattr(self, name, getattr(found, name))

    def apply(self, path: str, link: str, size: int) -> tuple[str, str, int]:
        """Return what the entry's plain header says, overruled."""
        return (
            self.long_name or self.path or path,
            self.long_link or self.link or link,
            size if self.size is None else self.size,
        )


def _records(content: bytes, where: str) -> list[tuple[str, str]]:
    """Split ``LENGTH KEY=VALUE`` records, each ended by a newline; lengths count themselves."""
    found = []
    at = 0
    while at < len(content):
        blank = content.find(b" ", at, at + 20)
        length = content[at : max(at, blank)]
        end = at + int(length) if _is_decimal(length) else at
        record = content[blank + 1 : end - 1]
        key, equals, value = record.partition(b"=")
        whole = at < blank < end <= len(content) and content[end - 1] == _NEWLINE
        if not whole or not equals:
            raise InputError("a pax header is damaged", where=where)
        if not key:
            raise InputError("a pax header has a record without a key", where=where)
        found.append(
            (key.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        )
        at = end
    return found


def _is_decimal(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _DIGITS


def parse_pax(content: bytes, where: str) -> Extended:
    """Return the records that matter here; times, owners and extended attributes do not.

    An empty value keeps what the plain header says.

    Raises:
        InputError: malformed records, a NUL in a path, a size that is no number.
    """
    found = Extended()
    for key, value in _records(content, where):
        if key in _PATHS:
            if "\0" in value:
                raise InputError(f"a pax {key} contains a NUL", where=where)
            setattr(found, _PATHS[key], value or None)
        elif key == "size":
            found.size = _size(value, where) if value else None
        elif key in {"GNU.sparse.offset", "GNU.sparse.numbytes"}:
            found.sparse_map.append((key, value))
        elif key.startswith("GNU.sparse."):
            found.sparse[key] = value
    return found


def _size(value: str, where: str) -> int:
    if not _is_decimal(value.encode("utf-8", "surrogateescape")):
        raise InputError("a pax size is no number", where=where, got=ascii(value[:40]))
    return int(value)
