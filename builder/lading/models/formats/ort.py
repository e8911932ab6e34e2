"""ONNX Runtime's own form of a graph, ``.ort``: one FlatBuffer, ``ORTM`` at its fifth byte.

``ort.fbs`` of microsoft/onnxruntime. Operators of other domains than ONNX' are those that somebody
built the runtime with, or loads a library for. All of it is data.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.inventory import Level
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.flatbuffer import Table, read_start
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "ort"
_MAGIC: Final = b"ORTM"
#: TensorDataType
_TYPES: Final = (
    "unknown", "F32", "U8", "I8", "U16", "I16", "I32", "I64", "STRING", "BOOL", "F16", "F64", "U32",
    "U64", "C64", "C128", "BF16",
)  # fmt: skip
#: Domains of which every build of the runtime has the operators.
_DOMAINS: Final = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")


def looks_like(head: bytes) -> bool:
    """Whether ``head`` has the mark, and the root's table lies behind it."""
    return head[4:8] == _MAGIC and int.from_bytes(head[:4], "little") >= len(head[:8])


def parse(source: Source, report: Report) -> None:
    """Read versions, inputs, outputs, initializers, and operators of other domains."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "onnxruntime", "")
    if not read_start(source, (_MAGIC,), lambda session: _session(session, report)):
        text = "its tables lie behind its weights, so they were not counted"
        report.find("ort-not-counted", text, Level.NOTE)


def _session(session: Table, report: Report) -> None:
    report.fact(v.FORMAT_VERSION, printable(session.text(0, 64)), "ort_version")
    model = session.table(1)
    graph = model.table(7) if model is not None else None
    if model is None or graph is None:
        raise Malformed("it has no graph")
    producer = printable(f"{model.text(2, 64)} {model.text(3, 64)}".strip())
    report.declared(v.PRODUCER, producer, "model.producer_name")
    versions = [
        {"domain": printable(one.text(0, 256)) or "ai.onnx", "version": one.scalar(1, "q")}
        for one in model.vector(1).tables()
    ]
    report.fact(v.OPSET, versions, "model.opset_import")
    for number, name in ((5, v.INPUTS), (6, v.OUTPUTS)):
        names = graph.vector(number).texts(256)
        report.fact(name, [printable(one) for one in names], "model.graph")
    own: set[str] = set()
    for node in graph.vector(2).tables():
        domain = node.text(2, 256)
        if domain not in _DOMAINS and len(own) < LIMITS.fact_items:
            own.add(printable(f"{domain}.{node.text(5, 256)}"))
    report.fact(v.CUSTOM_OPERATORS, sorted(own), "model.graph.nodes")
    _count(graph, report)


def _count(graph: Table, report: Report) -> None:
    elements: Counter[str] = Counter()
    count = 0
    for tensor in graph.vector(0).tables():
        product = 1
        for extent in tensor.vector(2).integers("q", 64):
            product = min(product * max(extent, 0), 1 << 63)
        kind = tensor.scalar(3, "i")
        elements[_TYPES[kind] if 0 <= kind < len(_TYPES) else "unknown"] += product
        count += 1
    if count:
        report.fact(v.TENSOR_COUNT, count, "model.graph.initializers")
        report.fact(v.PARAMETERS, elements.total(), "model.graph.initializers: dims")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "model.graph.initializers: data_type")
    for tensor in graph.vector(0).tables():
        tensor.vector(4).bytes_at_hand()
