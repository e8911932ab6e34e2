"""NumPy's ``.npy``: magic, version, a header that is a Python literal, elements.

https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. An array of objects is a
pickle after the header; ``numpy.load`` runs it when told to ``allow_pickle``.
"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any, Final

from lading.models import vocabulary as v
from lading.models.pickles.scan import scan_all
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "Array", "parse", "read_array"]

FORMAT: Final = "numpy"
MAGIC: Final = b"\x93NUMPY"
#: NumPy refuses longer headers itself, by default at 10,000.
_HEADER: Final = 64 * 1024


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
    elements = math.prod(shape)
    if has_object:
        scan_all(source, report)
        return Array(elements, "OBJECT")
    rest = source.drain()
    if width and rest != elements * width:
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
    """Return our name, the bytes of one element (0: unknown), and whether it holds objects."""
    if not isinstance(descr, str):
        has_object = "'O'" in str(descr) or "|O" in str(descr)
        return "STRUCT", 0, has_object
    plain = descr.lstrip("<>|=")
    kind, digits = plain[:1], plain[1:]
    if kind == "O":
        return "OBJECT", 0, True
    if not digits.isdigit() or len(digits) > 9:
        return printable(plain, 16), 0, False
    width = int(digits)
    names = {"f": "F", "i": "I", "u": "U", "c": "C"}
    if kind in names:
        return f"{names[kind]}{width * 8}", width, False
    if kind == "b":
        return "BOOL", 1, False
    return printable(plain, 16), width * 4 if kind == "U" else 0, False
