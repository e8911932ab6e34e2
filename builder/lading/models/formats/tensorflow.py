"""TensorFlow's protobufs: SavedModel, MetaGraph, frozen graphs, Keras metadata.

saved_model.proto, meta_graph.proto, graph.proto, function.proto. A graph is a program: an
operation that reads or writes files, or calls back into Python, runs when the model does
(tensorflow/SECURITY.md).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.keras import search_config
from lading.models.formats.protobuf import BYTES, VARINT, Message, first_fields
from lading.models.report import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = [
    "OPERATIONS",
    "TYPES",
    "graph_like",
    "meta_graph_like",
    "parse_graph",
    "parse_keras_metadata",
    "parse_meta_graph",
    "parse_saved_model",
    "parse_saved_model_text",
    "read_shape",
    "saved_model_like",
]

#: DataType: number → name; types.proto.
TYPES: Final = {
    1: "F32", 2: "F64", 3: "I32", 4: "U8", 5: "I16", 6: "I8", 7: "STRING", 8: "C64", 9: "I64",
    10: "BOOL", 11: "QI8", 12: "QU8", 13: "QI32", 14: "BF16", 17: "U16", 18: "C128", 19: "F16",
    20: "RESOURCE", 21: "VARIANT", 22: "U32", 23: "U64", 24: "F8_E5M2", 25: "F8_E4M3", 29: "I4",
}  # fmt: skip
#: Operations that read or write files and directories, talk to hosts, or hand tensors to debuggers.
_SUSPICIOUS_WORDS: Final = """
CSVDataset CSVDatasetV2 CreateSummaryDbWriter CreateSummaryFileWriter DataServiceDataset
DataServiceDatasetV2 DataServiceDatasetV3 DataServiceDatasetV4 DebugIdentity DebugIdentityV2
DebugIdentityV3 DebugNanCount DebugNumericSummary DebugNumericSummaryV2 FixedLengthRecordDataset
FixedLengthRecordDatasetV2 FixedLengthRecordReader FixedLengthRecordReaderV2 ImmutableConst
LMDBDataset LMDBReader LoadDataset MatchingFiles MatchingFilesDataset PrintV2
RegisterDataset RegisterDatasetV2 RpcCall RpcClient RpcServer SaveDataset SaveDatasetV2
SnapshotDataset SnapshotDatasetV2 SqlDataset TFRecordDataset TFRecordDatasetV2 TFRecordReader
TFRecordReaderV2 TextLineDataset TextLineReader TextLineReaderV2 WholeFileReader WholeFileReaderV2
"""
#: Operations that reach out of the graph, and how bad that is.
OPERATIONS: Final = {
    "WriteFile": Verdict.DANGEROUS,
    "ReadFile": Verdict.DANGEROUS,
    "PyFunc": Verdict.DANGEROUS,
    "PyFuncStateless": Verdict.DANGEROUS,
    "EagerPyFunc": Verdict.DANGEROUS,
    **dict.fromkeys(_SUSPICIOUS_WORDS.split(), Verdict.SUSPICIOUS),
}
_NAME: Final = re.compile(rb"[A-Za-z_][\w.>/ -]{0,200}")
_OPERATION: Final = re.compile(rb"[A-Z_][A-Za-z0-9_>]{0,100}")
_TAG: Final = re.compile(rb"[\w-]{1,64}")
_RELEASE: Final = re.compile(rb"\d{1,3}\.\d{1,4}[\w.+-]{0,32}")
#: GraphDef: field → wire type.
_GRAPH: Final = {1: BYTES, 2: BYTES, 3: VARINT, 4: BYTES}
#: Operations of which every graph has one: what goes in, or what is known.
_COMMON: Final = frozenset(
    {"Const", "HostConst", "NoOp", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault",
     "VarHandleOp", "Variable", "VariableV2"}
)  # fmt: skip


def saved_model_like(head: bytes) -> bool:
    """Whether ``head`` starts a SavedModel: schema version 1, then a MetaGraphDef."""
    fields = first_fields(head, 2)
    if not fields or fields[0][:3] != (1, VARINT, 1) or len(fields) < 2:
        return False
    return fields[1][:2] == (2, BYTES) and meta_graph_like(fields[1][3])


def meta_graph_like(head: bytes) -> bool:
    """Whether ``head`` starts a MetaGraphDef: a MetaInfoDef with operations, tags or a version."""
    fields = first_fields(head, 1)
    if not fields or fields[0][:2] != (1, BYTES):
        return False
    inner = first_fields(fields[0][3], 8) or []
    for field, wire, _, value in inner:
        if wire != BYTES or field > 8:
            return False
        if field == 2:
            return _operations_like(value)
        if field in (4, 5):
            return (_TAG if field == 4 else _RELEASE).fullmatch(value) is not None
    return False


def _operations_like(value: bytes) -> bool:
    """Whether ``value`` starts an OpList: OpDefs, whose first field is their name."""
    operations = first_fields(value, 1)
    names = first_fields(operations[0][3], 1) if operations else None
    return (
        bool(names)
        and names is not None
        and names[0][:2] == (1, BYTES)
        and _OPERATION.fullmatch(names[0][3]) is not None
    )


def graph_like(head: bytes) -> bool:
    """Whether ``head`` starts a GraphDef: nodes that have a name and an operation."""
    fields = first_fields(head, 3)
    if not fields or any(_GRAPH.get(field[0]) != field[1] for field in fields):
        return False
    node = first_fields(fields[0][3], 2)
    return (
        node is not None
        and len(node) == 2
        and node[0][:2] == (1, BYTES)
        and node[1][:2] == (2, BYTES)
        and _NAME.fullmatch(node[0][3]) is not None
        and _OPERATION.fullmatch(node[1][3]) is not None
    )


def parse_saved_model(source: Source, report: Report) -> None:
    """Walk a ``saved_model.pb``."""
    report.format = "tensorflow-saved-model"
    report.fact(v.KIND, "saved-model", "")
    report.fact(v.LIBRARY, "tensorflow", "")
    walk = _Graph(report)
    for field, wire in (message := Message(source)):
        if field == 2 and wire == BYTES:
            walk.meta_graph(message.message())
    walk.finish()


def parse_saved_model_text(source: Source, report: Report) -> bool:
    """List a ``saved_model.pbtxt``, which TensorFlow loads where there is no ``saved_model.pb``."""
    if b"meta_graphs" not in source.peek(LIMITS.companion_text):
        return False
    report.format = "tensorflow-saved-model"
    report.fact(v.KIND, "saved-model", "")
    report.find("unscannable", "a SavedModel that is written as text is not read")
    return True


def parse_meta_graph(source: Source, report: Report) -> None:
    """Walk a checkpoint's ``.meta``."""
    report.format = "tensorflow-checkpoint"
    report.fact(v.LIBRARY, "tensorflow", "")
    walk = _Graph(report)
    walk.meta_graph(Message(source))
    walk.finish()


def parse_graph(source: Source, report: Report) -> bool:
    """Walk a frozen graph; False when what looked like nodes are none."""
    report.format = "tensorflow-graph"
    report.fact(v.LIBRARY, "tensorflow", "")
    walk = _Graph(report)
    walk.graph(Message(source))
    walk.finish()
    return walk.common or bool(report.findings)


def parse_keras_metadata(source: Source, report: Report) -> bool:
    """Search ``keras_metadata.pb``: layers' configurations as JSON texts in a protobuf."""
    report.role = Role.CONFIG
    report.fact(v.KIND, "keras-metadata", "")
    return search_config(source, report) or bool(report.findings)


class _Graph:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._elements: Counter[str] = Counter()
        self._constants = 0
        self._signatures: dict[str, None] = {}
        self.common = False  # an operation that every graph has was seen

    def meta_graph(self, message: Message) -> None:
        """Walk one MetaGraphDef."""
        for field, wire in message:
            if wire != BYTES:
                continue
            if field == 1:
                self._meta_info(message.message())
            elif field == 2:
                self.graph(message.message())
            elif field == 5:
                self._signature(message.message())

    def _meta_info(self, message: Message) -> None:
        for field, wire in message:
            if wire == BYTES and field == 5:
                self._report.fact(v.FRAMEWORK_VERSION, message.text(64), "tensorflow_version")

    def _signature(self, message: Message) -> None:
        for field, wire in message:
            if field == 1 and wire == BYTES and len(self._signatures) < LIMITS.fact_items:
                name = printable(message.text(256))
                if not name.startswith("__saved_model_init_op"):
                    self._signatures[name] = None

    def graph(self, message: Message) -> None:
        """Walk one GraphDef, functions included."""
        for field, wire in message:
            if wire != BYTES:
                continue
            if field == 1:
                self._node(message.message())
            elif field == 2:
                for number, function in message.message_fields():
                    if number == 1:
                        self._function(function)

    def _function(self, message: Message) -> None:
        for field, wire in message:
            if field == 3 and wire == BYTES:
                self._node(message.message())

    def _node(self, message: Message) -> None:
        operation = ""
        for field, wire in message:
            if wire != BYTES:
                continue
            if field == 2:
                operation = message.text(128)
            elif field == 5 and operation == "Const":
                _map_entry(message.message(), b"value", self._constant)
        self.common = self.common or operation in _COMMON
        verdict = OPERATIONS.get(operation)
        if verdict is not None:
            level = Level.ERROR if verdict is Verdict.DANGEROUS else Level.WARNING
            text = f"the graph has the operation {operation}, which reaches out of it"
            self._report.find("tensorflow-operation", text, level, verdict)

    def _constant(self, message: Message) -> None:
        """Count an AttrValue that is a tensor."""
        for field, wire in message:
            if field == 8 and wire == BYTES:
                kind, elements = 0, 1
                tensor = message.message()
                for number, form in tensor:
                    if number == 1 and form == VARINT:
                        kind = tensor.number
                    elif number == 2 and form == BYTES:
                        elements = read_shape(tensor.message())
                self._constants += 1
                self._elements[TYPES.get(kind, "unknown")] += elements

    def finish(self) -> None:
        """Note what the walk has gathered."""
        report = self._report
        report.fact(v.SIGNATURES, sorted(self._signatures), "signature_def")
        if report.format == "tensorflow-graph" and self._elements:
            report.fact(v.TENSOR_COUNT, self._constants, "Const nodes")
            report.fact(v.PARAMETERS, self._elements.total(), "Const nodes: shapes")
            report.fact(v.DTYPE, self._elements.most_common(1)[0][0], "Const nodes")


def read_shape(message: Message) -> int:
    """Return the elements of a TensorShapeProto; an unknown extent counts as one."""
    elements = 1
    for number, dimension in message.messages():
        if number == 2:
            for field, wire in dimension:
                if field == 1 and wire == VARINT and dimension.number < 1 << 62:
                    elements = min(elements * dimension.number, 1 << 63)
    return elements


def _map_entry(message: Message, key: bytes, take: Callable[[Message], None]) -> None:
    """Hand the value of a map entry to ``take`` when its key is ``key``."""
    right = False
    for field, wire in message:
        if wire != BYTES:
            continue
        if field == 1:
            right = message.text(64).encode() == key
        elif field == 2 and right:
            take(message.message())
