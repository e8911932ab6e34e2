"""NumPy's ``.npy``: magic, version, a header that is a Python literal, elements.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. An array of objects is a
pickle after the header; ``numpy.load`` runs it when told to ``allow_pickle``.
"""

from __future__ import annotations

import ast
import math
import re
from typing import TYPE_CHECKING, Any, Final

from lading.models import vocabulary as v
from lading.models.pickles.scan import scan_all
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "Array", "parse", "read_array"]

FORMAT: Final = "numpy"
MAGIC: Final = b"\x93NUMPY"
#: NumPy refuses longer headers itself, by default at 10,000.
_HEADER: Final = 64 * 1024
#: ``numpy.dtype.str`` of the types that are no structures; dates have a unit.
_PLAIN: Final = re.compile(r"[<>|=]?([ObiufcSUVmM])(\d{0,9})(?:\[\w+\])?")
_NUMBERS: Final = frozenset("iufc")
_NAMES: Final = {"f": "F", "i": "I", "u": "U", "c": "C", "b": "BOOL"}


class Array:
    """What a header says: ``elements``, and their ``dtype`` in our words."""

    def __init__(self, elements: int, dtype: str) -> None:
        self.elements = elements
        self.dtype = dtype


def parse(source: Source, report: Report) -> None:
    """Read one array's header; walk the pickle of an array of objects."""
    report.format = FORMAT
    array = read_array(source, report)
    report.fact(v.PARAMETERS, array.elements, "header: shape")
    report.fact(v.DTYPE, array.dtype, "header: descr")
    report.fact(v.TENSOR_COUNT, 1, "header")


def read_array(source: Source, report: Report, where: str = "") -> Array:
    """Read a header, and the elements as far as they must be looked at.

    Raises:
        Malformed: not an array, or its elements do not fill the rest of the source.
    """
    fixed = source.exactly(8)
    if fixed[:6] != MAGIC or fixed[6] not in (1, 2, 3):
        raise Malformed("not a NumPy array")
    length = int.from_bytes(source.exactly(2 if fixed[6] == 1 else 4), "little")
    if length > _HEADER:
        raise Malformed(f"the header declares {length} bytes")
    shape, descr = _header(source.exactly(length))
    name, width, has_object = _dtype(descr)
    elements = min(math.prod(shape), 1 << 63)
    if has_object:
        scan_all(source, report)
        return Array(elements, "OBJECT")
    rest = source.drain()
    if rest != elements * width:
        text = f"the array{f' {printable(where)}' if where else ''} has {rest} bytes of elements"
        report.find("numpy-wrong-size", f"{text}, its header declares {elements * width}")
    return Array(elements, name)


def _header(text: bytes) -> tuple[tuple[int, ...], Any]:
    try:
        # A literal, never evaluated; the length is bounded above, so is the nesting.
        header = ast.literal_eval(text.decode("utf-8").strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise Malformed("the header is not a Python literal") from None
    if not isinstance(header, dict) or not {"descr", "shape", "fortran_order"} <= header.keys():
        raise Malformed("the header lacks descr, shape or fortran_order")
    shape = header["shape"]
    if not isinstance(shape, tuple) or len(shape) > 64:
        raise Malformed("the shape is not a tuple of integers")
    if not all(type(extent) is int and 0 <= extent < 1 << 63 for extent in shape):
        raise Malformed("the shape is not a tuple of integers")
    return shape, header["descr"]


def _dtype(descr: Any) -> tuple[str, int, bool]:
    """Return our name, the bytes of one element, and whether it holds objects.

    NumPy understands more words than it writes ("object", "f8,O", "(2,)O"): only what it writes
    is taken for what it says.

    Raises:
        Malformed: NumPy does not write this.
    """
    if isinstance(descr, str):
        found = _PLAIN.fullmatch(descr)
        kind, digits = found.groups() if found else ("", "")
        if kind == "O":
            return "OBJECT", 0, True
        if not digits:
            raise Malformed(f"the dtype {printable(descr, 20)} is none that NumPy writes")
        bits = str(int(digits) * 8) if kind in _NUMBERS else ""
        return _NAMES.get(kind, kind) + bits, int(digits) * (4 if kind == "U" else 1), False
    fields = [_field(one) for one in descr] if isinstance(descr, list) else [_field(("", descr))]
    return "STRUCT", sum(width for width, _ in fields), any(objects for _, objects in fields)


def _field(field: Any) -> tuple[int, bool]:
    """Return the bytes of a structure's field, ``(name, descr[, shape])``, and whether objects."""
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise Malformed("a field of the dtype is not a name and a type")
    descr, shape = field[1], field[2] if len(field) == 3 else ()
    if isinstance(descr, tuple) and len(descr) == 2:
        descr, shape = descr[0], (descr[1], *(shape if isinstance(shape, tuple) else (shape,)))
    _, width, objects = _dtype(descr)
    return width * math.prod(_extents(shape)), objects


def _extents(shape: Any) -> Iterator[int]:
    """Yield the extents of a shape that may be one number, or nested."""
    if isinstance(shape, tuple):
        for one in shape:
            yield from _extents(one)
    elif type(shape) is int and 0 <= shape < 1 << 63:
        yield shape
    else:
        raise Malformed("the shape is not a tuple of integers")
