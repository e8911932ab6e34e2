"""What each opcode does to the unpickler's stack, marks and memo, without importing or calling.

Names need not stand beside the opcode that imports them: STACK_GLOBAL takes two values from the
stack, GET brings back any value of before. What cannot be followed is unknown, and importing or
calling the unknown is suspicious.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models.pickles.names import GETTER, KNOWN_WORDS
from lading.models.pickles.values import (
    TEXT_KEPT,
    Global,
    Made,
    Persistent,
    Seen,
    shallow,
    tuple_of,
)
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.stream import Source

__all__ = ["Steps", "Stopped"]

#: Calls whose arguments tell a shape or a type.
_ARGUMENTS_KEPT: Final = frozenset(
    {"numpy.dtype", "copyreg._reconstructor", "copy_reg._reconstructor"}
)
_WRAPPER: Final = "NumpyArrayWrapper"
#: What a ``NumpyArrayWrapper``'s state says about the raw bytes that follow it.
_STATE_KEPT: Final = frozenset({"shape", "dtype", "order", "numpy_array_alignment_bytes"})


#: Dictionary keys whose text says which library wrote the pickle.
WATCHED: Final = frozenset({"_sklearn_version", "pytorch-lightning_version", "arch"})


class Steps:
    """One pickle. ``seen`` may be shared by several that lie in a row in one file.

    ``on_build`` is told about every object that a BUILD completed; joblib's raw arrays follow one.
    ``on_call`` is told about every call whose callable and arguments are known.
    """

    def __init__(
        self,
        source: Source,
        seen: Seen,
        *,
        on_build: Callable[[Made], None] | None = None,
        on_call: Callable[[Global, tuple[Any, ...]], None] | None = None,
    ) -> None:
        self._source = source
        self._seen = seen
        self._on_build = on_build
        self._on_call = on_call
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._depth = 0  # values below the topmost mark
        self._memo: dict[int, Any] = {}
        self._memoized = 0
        self._put = False
        self._shared = False  # the objects on the stack are another machine's

    # The stack

    def _push(self, value: Any) -> None:
        stack = self._stack
        stack.append(value)
        if len(stack) + self._depth > LIMITS.pickle_stack:
            raise Malformed(f"more than {LIMITS.pickle_stack} values on the stack")

    def _unknown(self) -> None:
        self._push(None)

    def _mark(self) -> None:
        if len(self._marks) >= LIMITS.pickle_stack:
            raise Malformed("too many marks")
        self._depth += len(self._stack)
        self._marks.append(self._stack)
        self._stack = []

    def _pop_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        self._depth -= len(self._stack)
        return items

    def _drop_mark(self) -> None:
        self._pop_mark()

    def _nothing(self) -> None:
        """Leave everything as it is: READONLY_BUFFER."""

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._pop_mark()

    def _dup(self) -> None:
        self._again(self._stack[-1])

    def _stop(self) -> None:
        raise Stopped(self._stack.pop())

    # Arguments

    def _line(self, limit: int = LIMITS.text_line) -> bytes:
        return self._source.line(limit)

    def _protocol(self) -> None:
        version = self._source.exactly(1)[0]
        if version > 5:
            raise Malformed(f"pickle protocol {version} is unknown")
        self._seen.protocol = max(self._seen.protocol, version)

    def _frame(self) -> None:
        self._source.skip(8)

    def _float(self) -> None:
        self._source.skip(8)
        self._push(None)

    def _text_number(self) -> None:
        line = self._line().rstrip(b"L").strip()
        try:
            self._push(int(line) if len(line) < 20 else None)
        except ValueError:
            self._push(None)

    def _text_float(self) -> None:
        self._line()
        self._push(None)

    def _long(self, size: int) -> None:
        if 0 <= size <= 8:
            self._push(int.from_bytes(self._source.exactly(size), "little", signed=True))
        elif size > 8:
            self._source.skip(size)
            self._push(None)
        else:
            raise Malformed("an integer of negative length")

    def _quoted(self) -> None:
        line = self._line(LIMITS.companion_json).strip()
        quoted = len(line) >= 2 and line[0] == line[-1] and line[:1] in (b'"', b"'")
        if not quoted:
            raise Malformed("a STRING without quotes")
        # Escapes are resolved by the unpickler; a name with one is not a plain name.
        plain = b"\\" not in line and len(line) <= TEXT_KEPT
        self._push(line[1:-1].decode("latin-1") if plain else None)

    def _unicode_line(self) -> None:
        line = self._line(LIMITS.companion_json)
        self._push(
            line.decode("raw-unicode-escape", "replace") if len(line) <= TEXT_KEPT * 6 else None
        )

    def _text(self, size: int) -> None:
        if size < 0:
            raise Malformed("text of negative length")
        if size > TEXT_KEPT:
            self._source.skip(size)
            self._push(None)
        else:
            self._push(self._source.exactly(size).decode("utf-8", "replace"))

    def _bytes(self, size: int) -> None:
        if size < 0:
            raise Malformed("bytes of negative length")
        self._source.skip(size)
        self._push(None)

    # Containers

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError
        items = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        self._push(tuple_of(items))

    def _marked_tuple(self) -> None:
        self._push(tuple_of(self._pop_mark()))

    def _marked(self) -> None:
        self._pop_mark()
        self._push(None)

    def _marked_dict(self) -> None:
        items = self._pop_mark()
        made: dict[str, Any] = {}
        self._push(made)
        self._note(made, items)

    def _empty_dict(self) -> None:
        self._push({})

    def _append(self) -> None:
        self._stack.pop()
        self._stack[-1]

    def _appends(self) -> None:
        self._pop_mark()
        self._stack[-1]

    def _set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._note(self._stack[-1], [key, value])

    def _set_items(self) -> None:
        items = self._pop_mark()
        self._note(self._stack[-1], items)

    def _note(self, target: Any, items: list[Any]) -> None:
        """Keep the few entries that say something, so that dictionaries stay small."""
        for key, value in zip(items[::2], items[1::2], strict=False):
            if type(key) is not str:
                continue
            if key in WATCHED and type(value) is str:
                self._seen.texts.setdefault(key, value)
            if self._shared:
                continue
            if key in _STATE_KEPT and type(target) is dict and type(value) is not dict:
                target[key] = value

    # The memo

    def _remember(self, index: int) -> None:
        value = self._stack[-1]
        memo = self._memo
        if (
            value is None
            or type(value) is dict
            or (
                len(memo) >= LIMITS.pickle_memo
                and type(value) is not Global
                and not (type(value) is str and value in KNOWN_WORDS)
            )
        ):
            memo.pop(index, None)
            return
        if len(memo) >= 3 * LIMITS.pickle_memo:
            raise Malformed("too many values are remembered")
        memo[index] = value

    def _put_at(self, index: int) -> None:
        self._put = True
        if self._memoized:
            self._mixed()
        self._remember(index)

    def _memoize(self) -> None:
        if self._put:
            self._mixed()
        self._remember(self._memoized)
        self._memoized += 1

    def _mixed(self) -> None:
        """PUT beside MEMOIZE: no pickler writes it, and it makes indices ambiguous."""
        if self._seen.mixed_memo is None:
            self._seen.mixed_memo = self._source.offset

    def _get(self, index: int) -> None:
        value = self._memo.get(index)
        if type(value) is Global:
            self._again(value)
        else:
            self._push(value)

    def _again(self, value: Any) -> None:
        """Push what may be a name that is counted."""
        if type(value) is Global and value.name == "getattr":
            self._seen.getattr_given += 1
        self._push(value)

    def _line_index(self) -> int:
        try:
            return int(self._line())
        except ValueError:
            raise Malformed("a memo index that is not a number") from None

    # Imports and calls

    def _import(self, module: Any, name: Any) -> None:
        seen = self._seen
        if type(module) is str and type(name) is str:
            found = Global(module, name)
            if found not in seen.globals and seen.takes(found):
                seen.globals[found] = self._source.offset
            elif found not in seen.globals:
                seen.unresolved.setdefault("further names", self._source.offset)
            self._again(found)
            return
        if _no_text(module) or _no_text(name):
            raise Malformed("the name of what is imported is no text")
        known = f"{module if type(module) is str else '?'}.{name if type(name) is str else '?'}"
        if seen.more():
            seen.unresolved.setdefault(known, self._source.offset)
        self._push(None)

    def _global(self) -> None:
        module, name = self._line(), self._line()
        self._import(module.decode("utf-8", "replace"), name.decode("utf-8", "replace"))

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._import(module, name)

    def _extension(self, size: int) -> None:
        self._source.skip(size)
        if self._seen.extension is None:
            self._seen.extension = self._source.offset
        self._push(None)

    def _called(self, function: Any, args: Any) -> None:
        seen = self._seen
        if type(function) is not Global:
            if seen.computed_call is None:
                seen.computed_call = self._source.offset
            self._push(None)
            return
        known = args if type(args) is tuple else ()
        if function.name == "getattr" and self._gets(known):
            return
        if self._on_call:
            self._on_call(function, known)
        keep = known if str(function) in _ARGUMENTS_KEPT else ()
        self._push(Made(function, shallow(keep)))

    def _gets(self, args: tuple[Any, ...]) -> bool:
        """Follow a call of ``getattr``, if it is the one that is known to be harmless."""
        seen, (owner, attribute) = self._seen, GETTER
        if len(args) == 2 and args[0] == Global(*owner) and args[1] == attribute:
            seen.getattr_used += 1
            self._push(Global(owner[0], f"{owner[1]}.{attribute}"))
            return True
        return False

    def _reduce(self) -> None:
        args, function = self._stack.pop(), self._stack.pop()
        self._called(function, args)

    def _new_object_ex(self) -> None:
        self._stack.pop()
        self._reduce()

    def _instance(self) -> None:
        self._global()
        function = self._stack.pop()
        self._called(function, tuple_of(self._pop_mark()))

    def _object(self) -> None:
        items = self._pop_mark()
        self._called(items[0], tuple_of(items[1:]))

    def _build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if type(target) is Global:
            self._seen.build_on_global.setdefault(target, self._source.offset)
        elif type(target) is Made:
            if (target.of.name == _WRAPPER or target.args) and not self._shared:
                target.state = state
            if self._on_build:
                self._on_build(target)

    def _persistent_line(self) -> None:
        self._line()
        self._push(Persistent())

    def _persistent(self) -> None:
        args = self._stack.pop()
        self._push(Persistent(shallow(args) if type(args) is tuple else ()))


def _no_text(value: Any) -> bool:
    """Whether a value is known to be something else than text."""
    if type(value) is Made:
        return value.of.name == _WRAPPER
    return type(value) in _NO_TEXT


_NO_TEXT: Final = (int, tuple, dict, Global, Persistent)


class Stopped(Exception):
    """The pickle has ended; ``value`` is what was on top of its stack."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value
