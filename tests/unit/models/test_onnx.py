"""ONNX: facts of real files, paths that escape, and protobufs that are none."""

from __future__ import annotations

import dataclasses

import onnx
import pytest
from onnx import TensorProto, helper

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import protobuf
from lading.models.formats.protobuf import BYTES, FIXED32, FIXED64, VARINT, Message, first_fields
from lading.models.stream import BytesSource, Malformed, Truncated
from support.models_fixtures import onnx_bytes
from support.models_streams import facts_of, ids_of, look, seen


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def model(graph: bytes, *more: bytes) -> bytes:
    """Return a ModelProto of IR 8 with that graph."""
    return field(1, 8) + field(2, b"tests") + field(7, graph) + b"".join(more)


OPSET = field(8, field(1, b"") + field(2, 17))
GRAPH = field(2, b"tiny")


def test_what_the_library_writes() -> None:
    file = seen("m.onnx", onnx_bytes())

    assert (file.format, file.safety.verdict) == ("onnx", Verdict.SAFE)
    facts = facts_of(file)
    assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (8, 1, "F32")
    assert facts[v.INPUTS] == [{"name": "x", "type": "F32", "shape": ["batch", 4]}]
    assert facts[v.OUTPUTS] == [{"name": "y", "type": "F32", "shape": ["batch", 2]}]
    assert facts[v.OPSET] == [{"domain": "ai.onnx", "version": 17}]
    assert (facts[v.PRODUCER], facts[v.FORMAT_VERSION]) == ("tests 1.0", "IR 8")


def test_weights_in_nodes_are_counted_where_there_are_no_others() -> None:
    """As Paddle's exporter writes every parameter; constants of integers are shapes."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])]
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], [0.5] * 8)
    zero = helper.make_tensor("v", TensorProto.FLOAT, [1], [0.0])
    shape = helper.make_tensor("s", TensorProto.INT64, [2], [1, 4])
    nodes = [
        helper.make_node("Constant", [], ["w"], value=weights),
        helper.make_node("Constant", [], ["s"], value=shape),
        helper.make_node("ConstantOfShape", ["s"], ["z"], value=zero),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    for initializers, more in (([], []), ([weights], [zero])):
        made = [helper.make_node("Constant", [], ["o"], value=one) for one in more]
        graph = helper.make_graph([*nodes[len(more) :], *made], "g", inputs, outputs, initializers)
        facts = facts_of(seen("m.onnx", helper.make_model(graph).SerializeToString()))
        assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (8, 1, "F32")


def test_its_licence_is_named_as_spdx_does() -> None:
    text = b"AGPL-3.0 License (https://a.example/license)"
    data = model(GRAPH, OPSET, field(14, field(1, b"license") + field(2, text)))
    assert facts_of(seen("m.onnx", data))[v.LICENSE] == "AGPL-3.0-only"


@pytest.mark.parametrize("name", ["model", "weights.bin", "blobs/" + "a" * 64])
def test_it_is_known_by_content(name: str) -> None:
    assert seen(name, onnx_bytes()).format == "onnx"


def test_data_in_another_file() -> None:
    file = seen("m.onnx", onnx_bytes(external="./weights/../w.bin"))
    assert file.safety.verdict is Verdict.DANGEROUS, "a path with .. is never taken"

    plain = seen("m.onnx", onnx_bytes(external="./w.bin"))
    assert plain.safety.verdict is Verdict.SAFE
    assert facts_of(plain)[v.EXTERNAL_DATA] == ["w.bin"]


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\..\\x", "C:\\x", "\\\\host\\x", ".."],
)
def test_paths_that_escape(path: str) -> None:
    file = seen("m.onnx", onnx_bytes(external=path))

    assert file.safety.verdict is Verdict.DANGEROUS
    assert ids_of(file) == {"onnx-external-data-escape"}
    assert v.EXTERNAL_DATA not in facts_of(file)


def _tensor(path: str) -> onnx.TensorProto:
    tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[2])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=path)
    return tensor


def _graph(*nodes: onnx.NodeProto, **more: object) -> bytes:
    graph = helper.make_graph(list(nodes), "g", [], [], **more)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = made.SerializeToString(deterministic=True)
    return data


def test_paths_are_found_wherever_tensors_are() -> None:
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=_tensor("../x"))], "i", [], []
    )
    constant = helper.make_node("Constant", [], ["c"], value=_tensor("../x"))
    sparse = onnx.SparseTensorProto(values=_tensor("../x"), dims=[9])
    for data in (
        _graph(constant),
        _graph(helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)),
        _graph(helper.make_node("X", [], [], tensors=[_tensor("../x")])),
        _graph(helper.make_node("X", [], [], graphs=[inner])),
        _graph(helper.make_node("Constant", [], ["c"], sparse_value=sparse)),
        _graph(sparse_initializer=[sparse]),
    ):
        assert ids_of(seen("m.onnx", data)) == {"onnx-external-data-escape"}


def test_paths_in_functions() -> None:
    made = onnx.load_from_string(_graph())
    constant = helper.make_node("Constant", [], ["c"], value=_tensor("../x"))
    made.functions.append(
        helper.make_function("own", "F", [], ["c"], [constant], [helper.make_opsetid("", 17)])
    )

    assert ids_of(seen("m.onnx", made.SerializeToString())) == {"onnx-external-data-escape"}


def test_facts_that_the_model_declares() -> None:
    made = onnx.load_from_string(_graph())
    made.doc_string, made.model_version = "About it", 7
    for key, value in (("license", "mit"), ("task", "detect"), ("other", "x")):
        made.metadata_props.add(key=key, value=value)
    facts = facts_of(seen("m.onnx", made.SerializeToString()))

    assert (facts[v.DESCRIPTION], facts[v.VERSION]) == ("About it", "7")
    assert (facts[v.LICENSE], facts[v.TASK]) == ("MIT", "detect")


def test_operators_of_others_are_named() -> None:
    facts = facts_of(seen("m.onnx", onnx_bytes(domain="acme.ops")))

    assert facts[v.CUSTOM_OPERATORS] == ["acme.ops.Own"]


def test_inputs_that_are_weights_are_no_inputs() -> None:
    weight = helper.make_tensor("w", TensorProto.INT8, [3], [1, 2, 3])
    info = helper.make_tensor_value_info("w", TensorProto.INT8, [3])
    graph = helper.make_graph([], "g", [info], [], [weight])
    made = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    facts = facts_of(seen("m.onnx", made.SerializeToString()))

    assert v.INPUTS not in facts
    assert facts[v.DTYPE] == "I8"


def test_a_shape_that_lies_is_cut() -> None:
    dims = b"".join(field(1, 1 << 62) for _ in range(4))
    file = seen("m.onnx", model(GRAPH + field(5, dims + field(2, 1)), OPSET))

    assert facts_of(file)[v.PARAMETERS] == 1 << 63


def _deep(levels: int) -> bytes:
    graph = GRAPH
    for _ in range(levels):
        graph = field(1, field(5, field(6, graph)))
    return model(graph, OPSET)


MALFORMED = {
    "graphs nested in graphs": _deep(400),
    "two graphs": model(GRAPH, field(7, GRAPH), OPSET),
    "field longer than the file": model(GRAPH) + varint(8 << 3 | 2) + varint(1 << 40),
    "field longer than its message": model(field(1, field(4, b"Add") + b"\x2a\x7f"), OPSET),
    "endless varint": model(GRAPH, OPSET) + b"\x28" + b"\xff" * 20,
    "ends in a varint": model(GRAPH, OPSET) + b"\x28\xff",
    "field 0": model(GRAPH, OPSET) + b"\x00\x00",
    "group": model(GRAPH, OPSET) + b"\x0b",
    "wrong wire type": model(GRAPH, OPSET) + b"\x3d1234",
    "many dimensions": model(GRAPH + field(5, field(1, b"\x01" * 65)), OPSET),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_models_are_unscannable(data: bytes) -> None:
    file = seen("m.onnx", data)

    assert file.format == "onnx"
    assert file.safety.verdict is Verdict.UNSCANNABLE


def test_truncation_is_never_safe() -> None:
    data = onnx_bytes()
    for size in range(1, len(data)):
        found = look("m.onnx", data[:size])
        assert found is not None
        if found.safety.verdict is Verdict.SAFE:
            onnx.load_from_string(data[:size])
            assert data[size:].startswith((b"\x42", b"\x72")), "cut between two fields of the model"


class TestProtobuf:
    def test_fields(self) -> None:
        data = (
            field(1, 300)
            + field(2, b"text")
            + b"\x1d"
            + b"\x00\x00\x80\x3f"
            + b"\x21"
            + b"\x01" * 8
        )
        message = Message(BytesSource(data))
        found = []
        for number, wire in message:
            found.append((number, wire))
            if wire == BYTES:
                assert message.data(10) == b"text"
            elif wire == FIXED32:
                assert message.float32() == 1.0
        assert found == [(1, VARINT), (2, BYTES), (3, FIXED32), (4, FIXED64)]

    def test_what_is_not_taken_is_skipped(self) -> None:
        data = field(1, b"x" * 1000) + field(2, 5)
        message = Message(BytesSource(data))

        assert [(number, message.number) for number, _ in message] == [(1, 0), (2, 5)]

    def test_bounds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        message = Message(BytesSource(field(1, b"x" * 1000)))
        next(iter(message))
        with pytest.raises(Malformed, match="1000 bytes"):
            message.data(999)
        monkeypatch.setattr(protobuf, "LIMITS", dataclasses.replace(LIMITS, protobuf_fields=5))
        with pytest.raises(Malformed, match="more than 5"):
            list(Message(BytesSource(field(1, 1) * 6)))

    def test_a_field_that_a_reader_ran_past(self) -> None:
        source = BytesSource(field(1, b"ab") + field(2, 1))
        message = Message(source)
        steps = iter(message)
        next(steps)
        source.skip(3)
        with pytest.raises(Malformed, match="longer than its message"):
            next(steps)

    def test_a_field_that_runs_past_its_message(self) -> None:
        with pytest.raises(Malformed, match="longer than its message"):
            list(Message(BytesSource(b"\x0d1234"), 3))

    def test_truncated(self) -> None:
        with pytest.raises(Truncated):
            list(Message(BytesSource(b"\x0a\x05abc")))
        with pytest.raises(Truncated):
            list(Message(BytesSource(b"")._fill() or BytesSource(b"\x80")))

    def test_packed_numbers(self) -> None:
        message = Message(BytesSource(field(1, varint(300) + varint(1)) + field(1, 7)))
        assert [message.integers(wire) for _, wire in message] == [[300, 1], [7]]

    @pytest.mark.parametrize(
        "head", [b"\x00", b"\x0b", b"\x0c", b"\x0e", b"\x0f", b"\xff" * 11, b"\x08" + b"\xff" * 11]
    )
    def test_heads_that_are_no_message(self, head: bytes) -> None:
        assert first_fields(head) is None

    def test_heads_that_end_anywhere(self) -> None:
        data = field(1, 300) + field(2, b"text") + b"\x1d1234" + b"\x2112345678"
        whole = first_fields(data)
        assert whole is not None
        assert [one[:3] for one in whole][:2] == [(1, VARINT, 300), (2, BYTES, 4)]
        for size in range(len(data)):
            assert first_fields(data[:size]) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\x08",
        b"\x08\x00" + GRAPH * 9,
        field(1, 99) + field(7, GRAPH) + bytes(20),
        field(1, 8) + field(2, b"\xff\xfe") + field(7, GRAPH) + OPSET,
        field(1, 8) + field(2, b"\x00") + field(7, GRAPH) + OPSET,
        field(1, 8) + field(9, b"x") + field(7, GRAPH) + OPSET,
        field(1, 8) + field(7, b"\x08\x01") + OPSET * 3,
        field(1, 8) + field(7, b"\x00\x01") + OPSET * 3,
        field(1, 8) + field(8, b"x" * 300) + field(7, GRAPH),
        b"\x08" + bytes(99),
    ],
)
def test_what_is_no_model(data: bytes) -> None:
    assert look("usr/share/data", data) is None
