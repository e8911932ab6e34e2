"""Walks one pickle as the unpickler would, without importing or calling anything.

The opcodes are those of ``pickletools`` (protocols 0 to 5); ``steps.py`` says what each does.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lading.limits import LIMITS
from lading.models.pickles.steps import Steps, Stopped
from lading.models.pickles.values import Seen
from lading.models.stream import Malformed, Truncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.stream import Source

__all__ = ["Machine", "Seen"]

#: Values that are copied in the time of one opcode.
_COPIED: Final = 32
_U8: Final = struct.Struct("<B")
_U16: Final = struct.Struct("<H")
_I32: Final = struct.Struct("<i")
_U32: Final = struct.Struct("<I")
_U64: Final = struct.Struct("<Q")


class Machine(Steps):
    """One pickle, walked by :meth:`run`."""

    def run(self) -> Any:
        """Walk to STOP and return what is known of the unpickled value.

        Raises:
            Malformed: an unknown opcode, an empty stack, or a bound; a real unpickler has by
                then executed everything before.
        """
        byte, number = self._source.byte, self._source.number
        seen, table = self._seen, _STEPS
        limit = LIMITS.pickle_opcodes - seen.opcodes
        steps = 0
        try:
            while steps < limit:
                code = byte()
                step = table[code]
                if step is None:
                    self._bad_opcode(code)
                    break
                steps += 1
                if isinstance(step, _Sized):
                    step[0](self, number(step[1]))
                else:
                    step(self)
        except Stopped as stopped:
            return stopped.value
        except IndexError:
            raise Malformed(f"the stack is empty at byte {self._source.offset}") from None
        finally:
            seen.opcodes += steps
        raise Malformed(f"more than {LIMITS.pickle_opcodes} opcodes")

    @property
    def seen(self) -> Seen:
        """What was seen so far."""
        return self._seen

    def fork(self, source: Source, seen: Seen) -> Machine:
        """Return a machine that goes on from here with other bytes; its cost is counted."""
        other = Machine(source, seen)
        other._stack = self._stack.copy()
        other._marks = [items.copy() for items in self._marks]
        other._depth = self._depth
        other._memo = self._memo.copy()
        other._memoized, other._put = self._memoized, self._put
        other._shared = True
        self._seen.opcodes += (self._depth + len(self._stack) + len(self._memo)) // _COPIED
        if self._seen.opcodes > LIMITS.pickle_opcodes:
            raise Malformed(f"more than {LIMITS.pickle_opcodes} opcodes")
        return other

    def _bad_opcode(self, code: int) -> None:
        if code < 0:
            raise Truncated("the pickle ends before its STOP")
        raise Malformed(f"no opcode has the number {code}, at byte {self._source.offset - 1}")


class _Sized(NamedTuple):
    """A step that first reads a length, an index or a number."""

    step: Callable[[Steps, int], None]
    form: struct.Struct


def _with(step: Callable[[Steps, int], None], value: int) -> Callable[[Steps], None]:
    return lambda machine: step(machine, value)


M = Steps
# The table names this module's own methods, from outside their class.
# ruff: noqa: SLF001
TABLE: Final[dict[bytes, Callable[[Steps], None] | _Sized]] = {
    b"(": M._mark, b"0": M._pop, b"1": M._drop_mark, b"2": M._dup, b".": M._stop,
    b"\x80": M._protocol, b"\x95": M._frame,
    b"N": M._unknown, b"\x88": _with(M._push, 1), b"\x89": _with(M._push, 0),
    b"I": M._text_number, b"L": M._text_number, b"F": M._text_float, b"G": M._float,
    b"J": _Sized(M._push, _I32), b"K": _Sized(M._push, _U8), b"M": _Sized(M._push, _U16),
    b"\x8a": _Sized(M._long, _U8), b"\x8b": _Sized(M._long, _I32),
    b"S": M._quoted, b"T": _Sized(M._text, _I32), b"U": _Sized(M._text, _U8),
    b"V": M._unicode_line, b"X": _Sized(M._text, _U32), b"\x8c": _Sized(M._text, _U8),
    b"\x8d": _Sized(M._text, _U64), b"B": _Sized(M._bytes, _U32), b"C": _Sized(M._bytes, _U8),
    b"\x8e": _Sized(M._bytes, _U64), b"\x96": _Sized(M._bytes, _U64),
    b"\x97": M._unknown, b"\x98": M._nothing,
    b"]": M._unknown, b"\x8f": M._unknown, b"}": M._empty_dict, b")": _with(M._tuple, 0),
    b"\x85": _with(M._tuple, 1), b"\x86": _with(M._tuple, 2), b"\x87": _with(M._tuple, 3),
    b"t": M._marked_tuple, b"l": M._marked, b"\x91": M._marked, b"d": M._marked_dict,
    b"a": M._append, b"e": M._appends, b"\x90": M._appends,
    b"s": M._set_item, b"u": M._set_items,
    b"g": lambda machine: machine._get(machine._line_index()),
    b"h": _Sized(M._get, _U8), b"j": _Sized(M._get, _U32),
    b"p": lambda machine: machine._put_at(machine._line_index()),
    b"q": _Sized(M._put_at, _U8), b"r": _Sized(M._put_at, _U32), b"\x94": M._memoize,
    b"c": M._global, b"\x93": M._stack_global, b"R": M._reduce, b"b": M._build,
    b"i": M._instance, b"o": M._object, b"\x81": M._reduce, b"\x92": M._new_object_ex,
    b"\x82": _with(M._extension, 1), b"\x83": _with(M._extension, 2),
    b"\x84": _with(M._extension, 4),
    b"P": M._persistent_line, b"Q": M._persistent,
}  # fmt: skip

#: The steps by the number of their opcode; the last one is for the end of the bytes, -1.
_STEPS: Final = [TABLE.get(bytes((code,))) for code in range(256)] + [None]
