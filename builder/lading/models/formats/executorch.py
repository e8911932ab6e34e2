"""ExecuTorch's ``.pte``: one FlatBuffer, ``ET12`` at its fifth byte, with weights behind it.

``schema/program.fbs`` of pytorch/executorch. Operators are those that the runtime was built with;
what a delegate gets is for its backend alone, and cannot be looked into.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.flatbuffer import Table, read_start
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "executorch"
_MAGICS: Final = frozenset({b"ET10", b"ET11", b"ET12"})
#: ScalarType
_TYPES: Final = (
    "U8", "I8", "I16", "I32", "I64", "F16", "F32", "F64", "C32", "C64", "C128", "BOOL", "QI8",
    "QU8", "QI32", "BF16",
)  # fmt: skip
#: KernelTypes: the value is a tensor.
_TENSOR: Final = 5
_DOMAINS: Final = ("aten::", "dim_order_ops::", "executorch_prim::", "quantized_decomposed::")


def looks_like(head: bytes) -> bool:
    """Whether ``head`` has the mark, and the root's table lies behind it."""
    return head[4:8] in _MAGICS and int.from_bytes(head[:4], "little") >= len(head[:8])


def parse(source: Source, report: Report) -> None:
    """Read methods, operators, delegates, and constant tensors."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "executorch", "")
    read_start(source, _MAGICS, lambda program: _program(program, report))


def _program(program: Table, report: Report) -> None:
    report.fact(v.FORMAT_VERSION, str(program.scalar(0, "I")), "version")
    methods: list[str] = []
    own: set[str] = set()
    backends: set[str] = set()
    elements: Counter[str] = Counter()
    for plan in program.vector(1).tables():
        methods.append(printable(plan.text(0, 256)))
        for operator in plan.vector(6).tables():
            name = printable(operator.text(0, 256))
            if not name.startswith(_DOMAINS) and len(own) < LIMITS.fact_items:
                own.add(name)
        backends.update(printable(one.text(0, 256)) for one in plan.vector(7).tables())
        _count(plan, elements)
    if not methods:
        raise Malformed("the program has no method")
    report.fact(v.SIGNATURES, methods, "execution_plan")
    report.fact(v.CUSTOM_OPERATORS, sorted(own), "operators")
    report.fact(v.TAGS, sorted(backends), "delegates")
    if elements and not backends:  # a delegate has tensors of its own
        report.fact(v.PARAMETERS, elements.total(), "values: sizes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "values: scalar_type")


def _count(plan: Table, elements: Counter[str]) -> None:
    """Add the tensors of a method that have data."""
    for value in plan.vector(2).tables():
        tensor = value.table(1) if value.scalar(0, "B") == _TENSOR else None
        if tensor is None or not tensor.scalar(5, "I"):
            continue
        kind = tensor.scalar(0, "b")
        product = 1
        for extent in tensor.vector(2).integers("i", 64):
            product = min(product * max(extent, 0), 1 << 63)
        elements[_TYPES[kind] if 0 <= kind < len(_TYPES) else "unknown"] += product
