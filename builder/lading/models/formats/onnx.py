"""ONNX: a protobuf ``ModelProto`` without magic; onnx.proto of onnx/onnx.

Tensors may lie in other files (``external_data``, key ``location``, relative to the model): those
belong to the model, and a path that leaves the model's directory is a finding (CVE-2022-25882,
CVE-2024-27318). Operators of other domains need a shared library that the runtime loads.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.protobuf import BYTES, VARINT, Message, first_fields
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "onnx"

#: ModelProto: field → wire type.
_MODEL: Final = {
    1: VARINT, 2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 7: BYTES, 8: BYTES,
    14: BYTES, 20: BYTES, 25: BYTES, 26: BYTES,
}  # fmt: skip
#: GraphProto: field → wire type.
_GRAPH: Final = dict.fromkeys((1, 2, 5, 10, 11, 12, 13, 14, 15, 16), BYTES)

#: TensorProto.DataType
_TYPES: Final = {
    1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 8: "STRING", 9: "BOOL",
    10: "F16", 11: "F64", 12: "U32", 13: "U64", 14: "C64", 15: "C128", 16: "BF16",
    17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ", 21: "U4", 22: "I4",
    23: "F4", 24: "F8_E8M0", 25: "U2", 26: "I2",
}  # fmt: skip

#: Types of weights; constants of other types are shapes, indices and switches.
_WEIGHTS: Final = frozenset(set(_TYPES.values()) - {"STRING", "BOOL", "I32", "I64", "U32", "U64"})

#: Domains that every runtime brings along.
_DOMAINS: Final = frozenset(
    {
        "",
        "ai.onnx",
        "ai.onnx.ml",
        "ai.onnx.training",
        "ai.onnx.preview.training",
        "com.microsoft",
        "com.microsoft.nchwc",
        "com.microsoft.experimental",
    }
)

_METADATA: Final = {
    "task": v.TASK, "author": v.AUTHOR, "license": v.LICENSE, "version": v.VERSION,
    "description": v.DESCRIPTION, "model_type": v.ARCHITECTURE_FAMILY, "model_author": v.AUTHOR,
    "model_license": v.LICENSE, "name": v.NAME,
}  # fmt: skip


def looks_like(head: bytes) -> bool:
    """Whether ``head`` is the start of a ModelProto: its first fields, each of the right type.

    Serialisers write fields in order: ``ir_version`` first, and soon a graph or an opset.
    """
    if len(head) < 16 or head[0] != 0x08:
        return False
    fields = first_fields(head)
    if not fields or not 1 <= fields[0][2] <= 64:
        return False
    graphs = 0
    for field, wire, number, value in fields:
        if _MODEL.get(field) != wire:
            return False
        if field in (2, 3, 4) and not _printable(value):
            return False
        if field == 7:
            graphs += 1
            inner = first_fields(value[: min(number, len(value))], 4)
            if inner is None or any(_GRAPH.get(one[0]) != one[1] for one in inner):
                return False
        elif field == 8 and number > 256:
            return False
    return graphs == 1


def parse(source: Source, report: Report) -> None:
    """Walk the model: producer, opsets, inputs, outputs, tensors, external data."""
    report.format = FORMAT
    reader = _Reader(report)
    reader.model(Message(source))
    reader.finish()


class _Reader:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._elements: Counter[str] = Counter()
        self._constants: Counter[str] = Counter()  # of Constant nodes
        self._constant_tensors = 0
        self._tensors = 0
        self._external: dict[str, None] = {}
        self._domains: dict[str, int] = {}
        self._initialized: set[int] = set()
        self._inputs: list[dict[str, Any]] = []
        self._outputs: list[dict[str, Any]] = []
        self._operators: dict[str, None] = {}
        self._graphs = 0

    def model(self, message: Message) -> None:
        report = self._report
        parts = {8: self._opset, 14: self._metadata, 20: self._training, 25: self._function}
        producer = version = ""
        for field, wire in message:
            if _MODEL.get(field, wire) != wire:
                raise Malformed(f"field {field} of the model has wire type {wire}")
            if wire == VARINT:
                self._versions(field, message.number)
            elif field == 2:
                producer = message.text()
            elif field == 3:
                version = message.text()
            elif field == 6:
                report.declared(v.DESCRIPTION, message.text(LIMITS.fact_text), "doc_string")
            elif field == 7:
                self._graphs += 1
                self._graph(message.message(), top=True)
            elif field in parts:
                parts[field](message.message())
        report.fact(v.PRODUCER, f"{producer} {version}".strip(), "producer_name")
        if self._graphs != 1:
            raise Malformed(f"the model has {self._graphs} graphs")

    def _versions(self, field: int, number: int) -> None:
        if field == 1:
            self._report.fact(v.FORMAT_VERSION, f"IR {number}", "ir_version")
        elif field == 5 and number:
            self._report.declared(v.VERSION, str(number), "model_version")

    def _opset(self, message: Message) -> None:
        domain, version = "", 0
        for field, wire in message:
            if field == 1 and wire == BYTES:
                domain = message.text(256)
            elif field == 2 and wire == VARINT:
                version = message.number
        if len(self._domains) < 64:
            self._domains[domain] = version

    def _metadata(self, message: Message) -> None:
        key = value = ""
        for field, wire in message:
            if field == 1 and wire == BYTES:
                key = message.text(256)
            elif field == 2 and wire == BYTES:
                value = message.text(LIMITS.fact_text)
        if key in _METADATA:
            self._report.declared(_METADATA[key], value, f"metadata_props.{key}")

    def _training(self, message: Message) -> None:
        for field, wire in message:
            if field in (1, 2) and wire == BYTES:
                self._graph(message.message())

    def _function(self, message: Message) -> None:
        for field, wire in message:
            if field == 7 and wire == BYTES:
                self._node(message.message())

    def _graph(self, message: Message, *, top: bool = False) -> None:
        for field, wire in message:
            if wire != BYTES:
                continue
            if field == 1:
                self._node(message.message())
            elif field == 2 and top:
                self._report.declared(v.NAME, message.text(256), "graph.name")
            elif field == 5:
                self._tensor(message.message(), weights=True)
            elif field == 11 and top:
                self._io(message.message(), self._inputs)
            elif field == 12 and top:
                self._io(message.message(), self._outputs)
            elif field == 15:
                self._sparse(message.message())

    def _node(self, message: Message) -> None:
        operator = domain = ""
        for field, wire in message:
            if wire != BYTES:
                continue
            if field == 4:
                operator = message.text(256)
            elif field == 7:
                domain = message.text(256)
            elif field == 5:
                self._attribute(message.message(), constant=operator == "Constant")
        if domain not in _DOMAINS and len(self._operators) < LIMITS.fact_items:
            self._operators[printable(f"{domain}.{operator}")] = None

    def _attribute(self, message: Message, *, constant: bool) -> None:
        for field, wire in message:
            if wire != BYTES:
                continue
            if field in (5, 10):
                self._tensor(message.message(), weights=False, constant=constant)
            elif field in (6, 11):
                self._graph(message.message())
            elif field in (22, 23):
                self._sparse(message.message())

    def _sparse(self, message: Message) -> None:
        for field, wire in message:
            if wire == BYTES and field in (1, 2):
                self._tensor(message.message(), weights=field == 1)

    def _tensor(self, message: Message, *, weights: bool, constant: bool = False) -> None:
        elements, kind, name = 1, 0, ""
        for field, wire in message:
            if field == 1 and wire in (VARINT, BYTES):
                for extent in message.integers(wire, 64):
                    elements = min(elements * extent, 1 << 63)
            elif field == 2 and wire == VARINT:
                kind = message.number
            elif field == 8 and wire == BYTES:
                name = message.text(256)
            elif field == 13 and wire == BYTES:
                self._external_data(message.message())
        if weights:
            self._tensors += 1
            self._elements[_TYPES.get(kind, "unknown")] += elements
            if len(self._initialized) < LIMITS.gguf_tensors:
                self._initialized.add(hash(name))
        elif constant and _TYPES.get(kind) in _WEIGHTS:
            self._constant_tensors += 1
            self._constants[_TYPES[kind]] += elements

    def _external_data(self, message: Message) -> None:
        key = value = ""
        for field, wire in message:
            if field == 1 and wire == BYTES:
                key = message.text(64)
            elif field == 2 and wire == BYTES:
                value = message.text(4096)
        if key != "location" or value in self._external:
            return
        # Runtimes resolve the path on their own machine: what is absolute on any is an escape.
        plain = value.replace("\\", "/")
        if plain.startswith("/") or plain[1:2] == ":" or ".." in plain.split("/"):
            text = f"external data at {printable(value)} lies outside the model's directory"
            self._report.find("onnx-external-data-escape", text, Level.ERROR, Verdict.DANGEROUS)
        elif len(self._external) < LIMITS.fact_items:
            self._external[posixpath.normpath(plain)] = None

    def _io(self, message: Message, into: list[dict[str, Any]]) -> None:
        if len(into) >= 256:
            return
        entry: dict[str, Any] = {}
        for field, wire in message:
            if field == 1 and wire == BYTES:
                entry["name"] = printable(message.text(256))
            elif field == 2 and wire == BYTES:
                for kind, inner in message.message_fields():
                    if kind == 1:
                        entry.update(_tensor_type(inner))
        into.append(entry)

    def finish(self) -> None:
        """Note what the whole walk has gathered."""
        report = self._report
        inputs = [one for one in self._inputs if hash(one.get("name", "")) not in self._initialized]
        report.fact(v.INPUTS, inputs, "graph.input")
        report.fact(v.OUTPUTS, self._outputs, "graph.output")
        opsets = [
            {"domain": printable(domain) or "ai.onnx", "version": version}
            for domain, version in sorted(self._domains.items())
        ]
        report.fact(v.OPSET, opsets, "opset_import")
        report.fact(v.EXTERNAL_DATA, sorted(self._external), "external_data")
        report.fact(v.CUSTOM_OPERATORS, sorted(self._operators), "graph.node")
        elements, count, where = self._elements, self._tensors, "graph.initializer"
        if not elements.total():
            # Paddle's exporter, OpenVINO's and torch's for some graphs make every weight a node.
            elements, count, where = self._constants, self._constant_tensors, "graph.node: Constant"
        report.fact(v.TENSOR_COUNT, count, where)
        if elements:
            report.fact(v.PARAMETERS, elements.total(), f"{where}: dims")
            report.fact(v.DTYPE, elements.most_common(1)[0][0], where)


def _tensor_type(message: Message) -> dict[str, Any]:
    """Read a TypeProto.Tensor: element type and shape; a named dimension stays text."""
    entry: dict[str, Any] = {}
    for field, wire in message:
        if field == 1 and wire == VARINT:
            entry["type"] = _TYPES.get(message.number, "unknown")
        elif field == 2 and wire == BYTES:
            shape: list[int | str | None] = []
            for number, dimension in message.message_fields():
                if number == 1 and len(shape) < 64:
                    shape.append(_dimension(dimension))
            entry["shape"] = shape
    return entry


def _dimension(message: Message) -> int | str | None:
    value: int | str | None = None
    for field, wire in message:
        if field == 1 and wire == VARINT:
            value = message.number if message.number < 1 << 63 else None
        elif field == 2 and wire == BYTES:
            value = printable(message.text(64))
    return value


def _printable(value: bytes) -> bool:
    try:
        return value.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False
