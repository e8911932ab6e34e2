"""TensorFlow Lite, now LiteRT: one FlatBuffer, ``TFL3`` at its fifth byte; schema.fbs.

Tables come before the weights in files that converters write, so the start of the file is
enough. ``Flex`` operators are TensorFlow's own, with the dangers that those have.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.flatbuffer import Table, read_start
from lading.models.formats.tensorflow import OPERATIONS
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.formats.flatbuffer import Vector
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "parse"]

FORMAT: Final = "tflite"
MAGIC: Final = b"TFL3"
#: TensorType
_TYPES: Final = (
    "F32", "F16", "I32", "U8", "I64", "STRING", "BOOL", "I16", "C64", "I8", "F64", "C128", "U64",
    "RESOURCE", "VARIANT", "U32", "U16", "I4", "BF16",
)  # fmt: skip


def parse(source: Source, report: Report) -> None:
    """Read operators, inputs, outputs, and tensors that have data."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "tflite", "")
    if not read_start(source, (MAGIC,), lambda model: _model(model, report)):
        text = "its tables lie behind its weights, so they were not counted"
        report.find("tflite-not-counted", text, Level.NOTE)


def _model(model: Table, report: Report) -> None:
    version = model.scalar(0, "I")
    if not 1 <= version <= 16:
        raise Malformed(f"schema version {version} is unknown")
    report.fact(v.FORMAT_VERSION, str(version), "version")
    report.declared(v.DESCRIPTION, printable(model.text(3)), "description")
    _operators(model.vector(1), report)
    graphs = list(islice(model.vector(2).tables(), LIMITS.fact_items))
    if graphs:
        tensors = graphs[0].vector(0)
        for number, name in ((1, v.INPUTS), (2, v.OUTPUTS)):
            indices = graphs[0].vector(number).integers("i", 256)
            found = [_describe(tensors.table(i)) for i in indices if i >= 0]
            report.fact(name, found, "subgraphs[0]")
    signatures = islice(model.vector(7).tables(), 256)
    report.fact(v.SIGNATURES, sorted(map(_signature, signatures)), "signature_defs")
    _count(graphs, model.vector(4), report)


def _signature(table: Table) -> str:
    return printable(table.text(2) or table.text(3))


def _operators(codes: Vector, report: Report) -> None:
    custom: set[str] = set()
    for code in codes.tables():
        name = printable(code.text(1, 256))
        if not name:
            continue
        verdict = OPERATIONS.get(name.removeprefix("Flex")) if name.startswith("Flex") else None
        if verdict is not None:
            level = Level.ERROR if verdict is Verdict.DANGEROUS else Level.WARNING
            text = f"the graph has the operation {name}, which reaches out of it"
            report.find("tensorflow-operation", text, level, verdict)
        if len(custom) < LIMITS.fact_items:
            custom.add(name)
    report.fact(v.CUSTOM_OPERATORS, sorted(custom), "operator_codes")


def _describe(tensor: Table) -> dict[str, Any]:
    return {
        "name": printable(tensor.text(3, 256)),
        "type": _type(tensor),
        "shape": tensor.vector(0).integers("i", 64),
    }


def _type(tensor: Table) -> str:
    kind = tensor.scalar(1, "b")
    return _TYPES[kind] if 0 <= kind < len(_TYPES) else "unknown"


def _count(graphs: list[Table], buffers: Vector, report: Report) -> None:
    """Count the tensors whose buffer is not empty; several may share one."""
    filled = [len(one.vector(0)) > 0 or one.scalar(1, "Q") > 1 for one in buffers.tables()]
    elements: Counter[str] = Counter()
    seen = set()
    for graph in graphs:
        for tensor in graph.vector(0).tables():
            buffer = tensor.scalar(2, "I")
            if buffer >= len(filled):
                raise Malformed(f"a tensor is in buffer {buffer} of {len(filled)}")
            if not filled[buffer] or buffer in seen:
                continue
            seen.add(buffer)
            product = 1
            for extent in tensor.vector(0).integers("i", 64):
                product = min(product * max(extent, 0), 1 << 63)
            elements[_type(tensor)] += product
    report.fact(v.TENSOR_COUNT, len(seen), "tensors")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "tensors: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "tensors: types")
