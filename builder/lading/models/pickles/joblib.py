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
from lading.models.pickles.values import Made
from lading.models.stream import BytesSource, Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["skip_array"]

_CODE: Final = re.compile(r"[<>|=]?([?A-Za-z])(\d*)")
_BYTES: Final = {"?": 1, "b": 1, "B": 1, "c": 1, "a": 0, "S": 0, "V": 0}
#: Bytes of raw data that are tried as opcodes, when nothing keeps them apart.
_TRIED: Final = 64 * 1024
_HAS_OBJECT: Final = 1  # NPY_ITEM_HASOBJECT


def skip_array(source: Source, wrapper: Made, seen: Seen, report: Report) -> None:
    """Consume the bytes of the array that ``wrapper`` stands for.

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
        # An array of objects: pickled by the ordinary pickler, so no wrapper is inside.
        Machine(source, seen).run()
        return
    size = math.prod(shape) * item
    if state.get("numpy_array_alignment_bytes") is None:
        _look_for_opcodes(source, size, report)
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


def _look_for_opcodes(source: Source, size: int, report: Report) -> None:
    """Note when the raw bytes would import something if they were read as opcodes."""
    head = source.peek(min(size, _TRIED))
    seen = Seen()
    with contextlib.suppress(Malformed):
        Machine(BytesSource(head), seen).run()
    # Random bytes can pass for opcodes, but not for the name of a module.
    named = any(name.module.replace(".", "_").isidentifier() for name in seen.globals)
    if named or seen.unresolved or seen.extension is not None:
        text = f"the array bytes at {source.offset} are opcodes to a plain unpickler"
        report.find("pickle-hidden-opcodes", text, Level.ERROR, Verdict.DANGEROUS)
