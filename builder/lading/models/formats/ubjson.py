"""UBJSON draft 12 (https://ubjson.org) as XGBoost writes it, walked on a stream.

Scalars and texts of the objects that are entered are given; arrays and everything else are
skipped by their sizes. Nothing recurses.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.stream import Source

__all__ = ["walk"]

_NUMBERS: Final = {
    b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q", b"d": ">f", b"D": ">d",
}  # fmt: skip
_CONSTANTS: Final = {b"Z": None, b"T": True, b"F": False}
_DEPTH: Final = 64


def walk(source: Source) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every scalar and text of an object and the objects in it, under its path of names.

    Arrays of one type are skipped; the elements of others come under ``"[]"``.

    Raises:
        Malformed: not UBJSON, too deep, or a bound is reached.
    """
    reader, levels = _Reader(source), _Levels()
    if source.exactly(1) != b"{":
        raise Malformed("not an object")
    for _ in range(LIMITS.json_members):
        levels.leave_full()
        mark = source.exactly(1)
        if mark == b"N":
            continue  # padding between values
        if mark == levels.end:
            if not levels.leave():
                return
            continue
        name = "[]"
        if levels.end == b"}":
            name = reader.text(mark)
            mark = source.exactly(1)
        levels.count()
        if mark == b"{":
            levels.enter(name, b"}")
        elif mark == b"[":
            inner = reader.array()
            if inner is not None:
                levels.enter(name, inner)
        else:
            yield (*levels.path, name), reader.value(mark)
    raise Malformed(f"more than {LIMITS.json_members} members")


class _Levels:
    """Where a walk is: the names that lead there, and what closes each level.

    A level ends with a mark, or after a number of elements.
    """

    def __init__(self) -> None:
        self.path: list[str] = []
        self._ends: list[bytes | int] = [b"}"]

    @property
    def end(self) -> bytes | int:
        """What closes the innermost level."""
        return self._ends[-1]

    def enter(self, name: str, end: bytes | int) -> None:
        """Step into an object or array."""
        self.path.append(name)
        self._ends.append(end)
        if len(self._ends) > _DEPTH:
            raise Malformed(f"nested deeper than {_DEPTH}")

    def count(self) -> None:
        """Take one element of a level that ends after a number of them."""
        if isinstance(self.end, int):
            self._ends[-1] = self.end - 1

    def leave(self) -> bool:
        """Step out of a level; False when it was the outermost."""
        self._ends.pop()
        if not self._ends:
            return False
        self.path.pop()
        return True

    def leave_full(self) -> None:
        """Step out of every level that has all its elements."""
        while self.end == 0:
            self.leave()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source

    def number(self, mark: bytes) -> Any:
        form = _NUMBERS.get(mark)
        if form is None:
            raise Malformed(f"unknown marker {mark!r}")
        return struct.unpack(form, self._source.exactly(struct.calcsize(form)))[0]

    def length(self, mark: bytes) -> int:
        number = self.number(mark)
        if type(number) is not int or number < 0:
            raise Malformed(f"a length of {number}")
        return number

    def text(self, mark: bytes) -> str:
        """Return a text whose length has the type ``mark``, cut to what a fact may hold."""
        length = self.length(mark)
        kept = self._source.exactly(min(length, LIMITS.fact_text))
        self._source.skip(length - len(kept))
        return kept.decode("utf-8", "replace")

    def value(self, mark: bytes) -> Any:
        if mark in _CONSTANTS:
            return _CONSTANTS[mark]
        if mark == b"S":
            return self.text(self._source.exactly(1))
        if mark == b"C":
            return self._source.exactly(1).decode("latin-1")
        return self.number(mark)

    def array(self) -> bytes | int | None:
        """Return what ends the array that starts here; skip it when its elements have a type."""
        source = self._source
        if source.peek(1) == b"#":
            source.exactly(1)
            return self.length(source.exactly(1))
        if source.peek(1) != b"$":
            return b"]"
        source.exactly(1)
        kind = source.exactly(1)
        form = _NUMBERS.get(kind)
        if form is None or source.exactly(1) != b"#":
            raise Malformed(f"an array of {kind!r}")
        source.skip(self.length(source.exactly(1)) * struct.calcsize(form))
        return None
