r"""Java's streams of objects, walked without making any; Serialization Specification, section 6.4.

Contents nest as deep as objects refer to one another, so each is a generator that asks for the
next inside it. Handles count the descriptions and objects that were written before.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from lading.models.stream import Source

    Content = Generator[Any, Any, Any]

__all__ = ["MAGIC", "walk"]

MAGIC: Final = b"\xac\xed\x00\x05"
_BASE: Final = 0x7E_0000  # the first handle
_U16: Final = struct.Struct(">H")
_U32: Final = struct.Struct(">I")
_U64: Final = struct.Struct(">Q")
_WRITES, _SERIALIZABLE, _EXTERNALIZABLE, _BLOCKS = 1, 2, 4, 8
_SIZES: Final = {"B": 1, "C": 2, "D": 8, "F": 4, "I": 4, "J": 8, "S": 2, "Z": 1}
_END: Final = object()
#: Contents of one stream, and how deep they may nest: about ten seconds, and 30 MiB.
_CONTENTS: Final = 5_000_000
_NESTED: Final = 60_000
#: Superclasses of a class: more than any has, as a description may name itself.
_DEEPEST: Final = 256


@dataclass(slots=True)
class _Class:
    """A description: ``values`` are bytes to pass over, and 0 for an object each."""

    name: str = ""
    flags: int = _SERIALIZABLE
    values: list[int] = field(default_factory=list)
    above: _Class | None = None


def walk(source: Source, names: dict[str, None]) -> None:
    """Walk the whole stream, and note the name of every class that is described, in order.

    Raises:
        Malformed: the stream cannot be walked to its end; what came before is noted.
    """
    if source.exactly(len(MAGIC)) != MAGIC:
        raise Malformed("no stream of objects of version 5")
    stack: list[Content] = [_Walk(source, names).stream()]
    value = None
    while stack:
        try:
            stack.append(stack[-1].send(value))
            value = None
        except StopIteration as ended:
            stack.pop()
            value = ended.value
        if len(stack) > _NESTED:
            raise Malformed(f"objects are nested deeper than {_NESTED}")


class _Walk:
    def __init__(self, source: Source, names: dict[str, None]) -> None:
        self._source = source
        self._names = names
        self._handles: list[_Class | None] = []
        self._contents = 0

    def stream(self) -> Content:
        """Walk contents to the end of the data."""
        while not self._source.at_end():
            if (yield self._content()) is _END:
                raise Malformed("an annotation ends that none began")

    def _content(self) -> Content:
        """Walk one; return its description when it is one."""
        self._contents += 1
        if self._contents > _CONTENTS:
            raise Malformed(f"more than {_CONTENTS} objects")
        tag = self._source.byte()
        step = _TAGS.get(tag)
        if step is None:
            what = "the data ends" if tag < 0 else f"no content has the tag {tag}"
            raise Malformed(f"{what} at byte {self._source.offset}")
        return (yield step(self))

    def _new(self, described: _Class | None = None) -> None:
        self._handles.append(described)

    def _text(self) -> str:
        return self._source.exactly(self._source.number(_U16)).decode("utf-8", "replace")

    def null(self) -> Content:
        return None
        yield

    def end(self) -> Content:
        return _END
        yield

    def reference(self) -> Content:
        number = self._source.number(_U32) - _BASE
        if not 0 <= number < len(self._handles):
            raise Malformed(f"a reference to object {number} of {len(self._handles)}")
        return self._handles[number]
        yield

    def reset(self) -> Content:
        self._handles.clear()
        return None
        yield

    def short_block(self) -> Content:
        self._source.skip(self._source.exactly(1)[0])
        return None
        yield

    def long_block(self) -> Content:
        self._source.skip(self._source.number(_U32))
        return None
        yield

    def short_text(self) -> Content:
        self._new()
        self._source.skip(self._source.number(_U16))
        return None
        yield

    def long_text(self) -> Content:
        self._new()
        self._source.skip(self._source.number(_U64))
        return None
        yield

    def description(self) -> Content:
        described = _Class(self._text())
        self._name(described.name)
        self._source.skip(8)
        self._new(described)
        described.flags = self._source.exactly(1)[0]
        for _ in range(self._source.number(_U16)):
            kind = chr(self._source.exactly(1)[0])
            self._text()
            size = _SIZES.get(kind, 0)
            if not size:
                if kind not in "L[":
                    raise Malformed(f"a field of no known type in {described.name[:80]}")
                yield self._content()
            if size and described.values and described.values[-1]:
                described.values[-1] += size
            else:
                described.values.append(size)
        yield self._annotation()
        described.above = yield self._content()
        return described

    def proxy(self) -> Content:
        described = _Class()
        self._new(described)
        for _ in range(self._source.number(_U32)):
            self._name(self._text())
        yield self._annotation()
        described.above = yield self._content()
        return described

    def object(self) -> Content:
        described = yield self._described()
        self._new()
        chain: list[_Class] = []
        while described is not None:
            chain.append(described)
            described = described.above
            if len(chain) > _DEEPEST:
                raise Malformed("a class is its own superclass")
        for one in reversed(chain):
            if one.flags & _SERIALIZABLE:
                yield self._fields(one.values)
                if one.flags & _WRITES:
                    yield self._annotation()
            elif one.flags & _EXTERNALIZABLE:
                if not one.flags & _BLOCKS:
                    raise Malformed(f"nobody knows what {one.name[:80]} wrote")
                yield self._annotation()

    def array(self) -> Content:
        described = yield self._described()
        self._new()
        kind = described.name[1:2]
        length = self._source.number(_U32)
        if kind in _SIZES:
            self._source.skip(length * _SIZES[kind])
        else:
            for _ in range(length):
                yield self._content()

    def a_class(self) -> Content:
        yield self._described()
        self._new()

    def constant(self) -> Content:
        yield self._described()
        self._new()
        yield self._content()

    def _described(self) -> Content:
        found = yield self._content()
        if type(found) is not _Class:
            raise Malformed(f"an object without a class at byte {self._source.offset}")
        return found

    def _fields(self, values: list[int]) -> Content:
        for size in values:
            if size:
                self._source.skip(size)
            else:
                yield self._content()

    def _annotation(self) -> Content:
        while (yield self._content()) is not _END:
            pass

    def _name(self, name: str) -> None:
        if len(self._names) >= LIMITS.fact_items:
            raise Malformed(f"more than {LIMITS.fact_items} classes")
        self._names.setdefault(name)


_TAGS: Final[dict[int, Callable[[_Walk], Content]]] = {
    0x70: _Walk.null, 0x71: _Walk.reference, 0x72: _Walk.description, 0x73: _Walk.object,
    0x74: _Walk.short_text, 0x75: _Walk.array, 0x76: _Walk.a_class, 0x77: _Walk.short_block,
    0x78: _Walk.end, 0x79: _Walk.reset, 0x7A: _Walk.long_block, 0x7C: _Walk.long_text,
    0x7D: _Walk.proxy, 0x7E: _Walk.constant,
}  # fmt: skip
