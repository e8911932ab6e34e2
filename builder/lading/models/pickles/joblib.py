"""joblib's dumps: raw array bytes lie in the pickle stream after each ``NumpyArrayWrapper``.

The wrapper's state says how many bytes follow: shape, dtype, and since joblib 1.2 an alignment,
written as one length byte and that many 0xFF. Arrays of objects are a pickle of their own. A
plain ``pickle.load`` of the same file would take the raw bytes for opcodes: without the length
byte, which is no opcode, those could hide a second program, and are looked at.
"""

from __future__ import annotations

import contextlib
import math
import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.models.pickles.machine import Machine, Seen
from lading.models.pickles.names import judge
from lading.models.pickles.values import Made
from lading.models.stream import CHUNK, BytesSource, HashedSource, Malformed, Source, Truncated

if TYPE_CHECKING:
    from lading.models.report import Report

__all__ = ["Ahead", "skip_array"]

_CODE: Final = re.compile(r"[<>|=]?([?A-Za-z])(\d*)")
_BYTES: Final = {"?": 1, "b": 1, "B": 1, "c": 1, "a": 0, "S": 0, "V": 0}
#: Raw bytes that are tried as opcodes, when nothing keeps them apart.
_TRIED: Final = 4 * CHUNK
#: Bytes of an array of objects, which are walked twice.
_REPEATED: Final = 16 * CHUNK
_HAS_OBJECT: Final = 1  # NPY_ITEM_HASOBJECT


def skip_array(source: Source, wrapper: Made, machine: Machine, report: Report) -> None:
    """Consume the bytes of the array that ``wrapper``, which ``machine`` just made, stands for.

    Raises:
        Malformed: the wrapper does not say how many bytes those are, or they are not there.
    """
    report.format = "joblib"
    state = wrapper.state
    if type(state) is not dict:
        raise Malformed("a NumpyArrayWrapper without its state")
    item, has_object = _item_size(state.get("dtype"))
    shape = state.get("shape")
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise Malformed("a NumpyArrayWrapper without its shape")
    if has_object:
        _objects(source, machine)
        return
    size = math.prod(shape) * item
    if state.get("numpy_array_alignment_bytes") is None:
        _look_for_opcodes(source, size, machine, report)
    else:
        padding = source.exactly(1)[0]
        if padding > 32:
            raise Malformed(f"{padding} bytes of padding before an array")
        source.skip(padding)
    source.skip(size)


def _item_size(dtype: Any) -> tuple[int, bool]:
    """Return the bytes of one element, and whether elements are Python objects."""
    if type(dtype) is not Made or dtype.of.name != "dtype" or not dtype.args:
        raise Malformed("a NumpyArrayWrapper without its dtype")
    code = dtype.args[0]
    found = _CODE.fullmatch(code) if type(code) is str else None
    if found is None:
        raise Malformed("a NumpyArrayWrapper with an unknown dtype")
    kind, digits = found.groups()
    state = dtype.state if type(dtype.state) is tuple else ()
    flags = state[7] if len(state) > 7 and type(state[7]) is int else 0
    if kind == "O" or flags & _HAS_OBJECT:
        return 0, True
    if len(state) > 5 and type(state[5]) is int and state[5] >= 0:
        return state[5], False  # text and structures say their own size
    size = int(digits) if digits else _BYTES.get(kind, 0)
    if size <= 0 or size > 1 << 31:
        raise Malformed("a NumpyArrayWrapper with a dtype of unknown size")
    return size * 4 if kind == "U" else size, False


class _Recorder(Source):
    """Passes bytes on and keeps them; what was not consumed goes back to the parent."""

    def __init__(self, parent: Source) -> None:
        super().__init__()
        self._parent = parent
        self.kept = bytearray()

    def _fill(self) -> bytes:
        piece = self._parent.some()
        self.kept += piece
        if len(self.kept) > _REPEATED:
            raise Malformed("an array of objects that is too large to be walked twice")
        return piece

    def finish(self) -> bytes:
        """Give back what is left and return what was consumed."""
        self._parent.back(len(self.kept) - self.offset)
        return bytes(self.kept[: self.offset])


def _objects(source: Source, machine: Machine) -> None:
    """Walk an array of objects: a pickle of its own, which has no wrapper inside.

    A plain unpickler would go on with its memo instead, in which indices mean other values: that
    walk is made too, for the names that it imports.
    """
    recorder, seen = _Recorder(source), machine.seen
    Machine(recorder, seen).run()
    at, other = source.offset, Seen()
    plain = machine.fork(BytesSource(recorder.finish()), other)
    with contextlib.suppress(Malformed):
        plain.run()
    # Most of what it "imports" are chance words: only those that do harm count.
    for name in other.globals:
        if judge(name.module, name.name) is Verdict.DANGEROUS:
            seen.globals.setdefault(name, at)
    for text in other.unresolved:
        if judge(text.partition(".")[0], "?") is Verdict.DANGEROUS:
            seen.unresolved.setdefault(text, at)


class Ahead(BytesSource):
    """The next bytes of a file that has ``left`` more; a step beyond those ends an unpickler."""

    def __init__(self, data: bytes, left: float) -> None:
        super().__init__(data)
        self._left = left

    def skip(self, size: int) -> None:
        """Consume ``size`` bytes; Malformed when not even the file has them."""
        if self.offset + size > self._left:
            raise Malformed("the file ends inside a value")
        super().skip(size)


def _look_for_opcodes(source: Source, size: int, machine: Machine, report: Report) -> None:
    """Note what the raw bytes would import if they were read as opcodes, and the walk went on."""
    at = source.offset
    wanted = min(size, _TRIED) + _TRIED // 64
    head = source.peek(wanted)
    left = report.size - at if isinstance(source, HashedSource) else math.inf
    seen, ran_off = Seen(), False
    plain = machine.fork(Ahead(head, left), seen)
    try:
        plain.run()
    except Truncated:
        ran_off = len(head) >= wanted
    except Malformed:
        pass
    # Random bytes can pass for opcodes, but not for the name of a module.
    named = any(name.module.replace(".", "_").isidentifier() for name in seen.globals)
    if named or seen.unresolved or seen.build_on_global:
        text = f"the array bytes at {at} are opcodes to a plain unpickler"
        report.find("pickle-hidden-opcodes", text, Level.ERROR, Verdict.DANGEROUS)
    elif ran_off:
        text = f"the array bytes at {at} may be opcodes to a plain unpickler"
        report.find("pickle-hidden-opcodes", text)
