"""A JSON object read member by member from a source, so that its size costs no memory.

``json.loads`` of a hostile 100 MB header takes a gigabyte. Here one member's value is held at a
time; values larger than a bound are skipped by their brackets, and nesting costs no recursion.
RFC 8259; like Python's ``json``, a duplicate name is not an error here, callers look for it.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models.stream import CHUNK, Malformed, Truncated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.stream import Source

__all__ = ["SKIPPED", "JsonObject", "parse_json", "read_json"]

#: Stands for a value that was larger than its bound.
SKIPPED: Final = object()

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
#: Everything up to a bracket, or to a string that does not end.
_FLAT: Final = re.compile(r'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', re.DOTALL)
_DECODER: Final = json.JSONDecoder()
_SCALAR: Final = re.compile(r"[^ \t\r\n,\]}]*")


def parse_json(text: str) -> Any:
    """Parse a small document.

    Raises:
        Malformed: it is not JSON, or nested deeper than Python can hold.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def read_json(source: Source, name: str) -> Any:
    """Read and parse a document that is held as a whole; ``name`` is for the error.

    Raises:
        Malformed: it is larger than ``LIMITS.companion_json``, or :func:`parse_json` says so.
    """
    text = source.read(LIMITS.companion_json + 1)
    if len(text) > LIMITS.companion_json:
        raise Malformed(f"{name} is too large")
    return parse_json(text.decode("utf-8", "replace"))


class JsonObject:
    """The members of the object that starts at a source's next byte.

    Iterate to get ``(name, value)``. :meth:`enter` before the iteration says which members'
    objects are to be iterated themselves: their names come as a path, ``("weight_map", "a")``.
    """

    def __init__(self, source: Source, *, value_limit: int = LIMITS.json_value) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._text = ""
        self._at = 0
        self._ended = False
        self._limit = value_limit
        self._entered: frozenset[tuple[str, ...]] = frozenset()

    def enter(self, *paths: tuple[str, ...]) -> JsonObject:
        """Name the members whose value, when it is an object, is iterated in place."""
        self._entered = frozenset(paths)
        return self

    def __iter__(self) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Yield each member as a path of names and its value, ``SKIPPED`` when it is too large.

        Raises:
            Malformed: the text is not a JSON object, or has too many members.
        """
        path: list[str] = []
        first = True
        self._expect("{")
        for _ in range(LIMITS.json_members):
            char = self._peek()
            if char == "}":
                self._at += 1
                if not path:
                    return
                path.pop()
                first = False
                continue
            if not first:
                self._expect(",")
            name = self._string()
            self._expect(":")
            key = (*path, name)
            if key in self._entered and self._peek() == "{":
                self._at += 1
                path.append(name)
                first = True
                continue
            yield key, self._value()
            first = False
        raise Malformed(f"more than {LIMITS.json_members} members")

    @property
    def rest(self) -> str:
        """Text after the object that was read already; more may follow in the source."""
        return self._text[self._at :]

    def _more(self) -> bool:
        """Append the next piece of text; False at the end."""
        if self._ended:
            return False
        piece = self._source.some(CHUNK // 4)
        self._ended = not piece
        try:
            text = self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            raise Malformed(f"not UTF-8: {error.reason}") from None
        self._text = self._text[self._at :] + text
        self._at = 0
        return bool(text) or not self._ended

    def _peek(self) -> str:
        """Skip white space and return the next character without consuming it."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise Truncated("the JSON text ends inside an object")

    def _expect(self, char: str) -> None:
        got = self._peek()
        if got != char:
            raise Malformed(f"JSON: {char!r} expected, {got!r} found")
        self._at += 1

    def _string(self) -> str:
        if self._peek() != '"':
            raise Malformed("JSON: a name expected")
        while not (found := _STRING.match(self._text, self._at)):
            if len(self._text) - self._at > self._limit:
                raise Malformed("JSON: a name is too long")
            if not self._more():
                raise Truncated("the JSON text ends inside a name")
        self._at = found.end()
        quoted = found.group()
        if "\\" not in quoted and quoted.isprintable():
            return quoted[1:-1]
        value = parse_json(quoted)
        if not isinstance(value, str):
            raise Malformed("JSON: a name expected")
        return value

    def _value(self) -> Any:
        """Return the next value, or ``SKIPPED``."""
        char = self._peek()
        try:  # nearly every value lies whole in the text at hand
            value, end = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError):
            pass
        else:
            # A number that goes on after the text at hand decodes too, as another number.
            if end < len(self._text) and (char in '{["' or self._text[end] in " \t\r\n,]}"):
                self._at = end
                return value
        end = self._compound() if char in '{["' else self._scalar()
        if end < 0:
            return SKIPPED
        value = parse_json(self._text[self._at : end])
        self._at = end
        return value

    def _scalar(self) -> int:
        while True:
            found = _SCALAR.match(self._text, self._at)
            end = found.end() if found else self._at
            if end < len(self._text):
                return end
            if end - self._at > self._limit:
                raise Malformed("JSON: a number is too long")
            if not self._more():
                return len(self._text)

    def _compound(self) -> int:
        """Return where the object, array or string ends, or -1 after skipping a large one."""
        depth, at, dropped = 0, self._at, False
        while True:
            at, depth, done = self._structure(at, depth)
            if done:
                break
            if at - self._at > self._limit:
                dropped, self._at = True, at
            at -= self._at
            if not self._more():
                raise Truncated("the JSON text ends inside a value")
        if dropped:
            self._at = at
            return -1
        return at

    def _structure(self, at: int, depth: int) -> tuple[int, int, bool]:
        """Follow brackets and strings from ``at``; return where, how deep, and whether closed."""
        text = self._text
        while True:
            if depth and (flat := _FLAT.match(text, at)):
                at = flat.end()
            if at >= len(text):
                return at, depth, False
            if text[at] == '"':
                string = _STRING.match(text, at)
                if not string:
                    return self._long_string(at), depth, False
                at = string.end()
            else:
                depth += 1 if text[at] in "{[" else -1
                at += 1
            if depth == 0:
                return at, 0, True

    def _long_string(self, start: int) -> int:
        if len(self._text) - start > LIMITS.companion_json:
            raise Malformed("JSON: a string is too long")
        return start
