"""Protobufs with fields that we do not know, and known ones of another type: nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from support import model_encoders as enc
from support.models_fixtures import onnx_bytes
from support.models_streams import facts_of, seen

#: Field → the fields of its message. Names in place of messages are looked up in ``MESSAGES``.
Tree = dict[int, Any]
MESSAGES: dict[str, Tree] = {
    "graph": {1: "node", 5: "tensor", 11: "value", 12: "value", 15: "sparse"},
    "node": {5: {5: "tensor", 6: "graph", 22: "sparse"}},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: {}},
    "value": {2: {1: {2: {1: {}}}}},
    "tf node": {5: {2: {8: {2: {2: {}}}}}},
    "tf graph": {1: "tf node", 2: {1: {3: "tf node"}}},
}
ONNX: Tree = {7: "graph", 8: {}, 14: {}, 20: {1: "graph", 2: "graph"}, 25: {7: "node"}}
SAVED: Tree = {2: {1: {2: {1: {}}}, 2: "tf graph", 5: {}}}
FROZEN: Tree = MESSAGES["tf graph"]
#: A field of each wire type that no schema has.
UNKNOWN = enc.field(500, 7) + enc.field(501, b"x") + enc.varint(502 << 3 | 5) + b"abcd"
UNKNOWN += enc.varint(503 << 3 | 1) + b"abcdefgh"

#: Numbers that schemas have, each with a wire type that they have nowhere: four bytes.
WRONG = b"".join(enc.varint(number << 3 | 5) + b"abcd" for number in range(1, 24))


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Part a message that has varints and bytes alone, as our encoders write it."""
    found: list[tuple[int, int | bytes]] = []
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        value, at = _varint(data, at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + value]))
            at += value
        else:
            assert key & 7 == 0
            found.append((key >> 3, value))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 0x7F) << shift, shift + 7
        if byte < 0x80:
            return value, at


def _strange(data: bytes, tree: Tree | str, *, top: bool = True) -> bytes:
    """Add such fields behind the known ones of a message, and of all messages below it."""
    known: Tree = MESSAGES[tree] if isinstance(tree, str) else tree
    out = b""
    for number, value in _fields(data):
        inner = number in known and isinstance(value, bytes)
        out += enc.field(
            number,
            _strange(value, known[number], top=False) if inner else value,  # type: ignore[arg-type]
        )
    return out + UNKNOWN + (b"" if top else WRONG)


def _onnx() -> bytes:
    """Return a model with all that may hold tensors: attributes, training, functions, sparse."""
    tensor = enc.field(1, 3) + enc.field(2, 1) + enc.field(8, "t") + enc.field(9, bytes(12))
    outside = tensor + enc.field(13, enc.field(1, "location") + enc.field(2, "w.bin"))
    sparse = enc.field(1, tensor) + enc.field(2, tensor)
    inner = enc.field(1, enc.field(4, "Add")) + enc.field(5, tensor) + enc.field(15, sparse)
    attributes = (enc.field(5, tensor), enc.field(6, inner), enc.field(22, sparse))
    node = enc.field(4, "If") + b"".join(enc.field(5, one) for one in attributes)
    dimensions = enc.field(1, enc.field(1, 4)) + enc.field(1, enc.field(2, "batch"))
    shape = enc.field(1, 1) + enc.field(2, dimensions)
    value = enc.field(1, "x") + enc.field(2, enc.field(1, shape))
    graph = enc.field(1, node) + enc.field(2, "g") + enc.field(5, outside)
    graph += enc.field(11, value) + enc.field(12, value) + enc.field(15, sparse)
    return b"".join(
        (
            enc.field(1, 8),
            enc.field(2, "tests"),
            enc.field(7, graph),
            enc.field(8, enc.field(1, "") + enc.field(2, 17)),
            enc.field(14, enc.field(1, "author") + enc.field(2, "Ada")),
            enc.field(20, enc.field(1, inner) + enc.field(2, inner)),
            enc.field(25, enc.field(1, "f") + enc.field(7, node)),
        )
    )


@pytest.mark.parametrize(
    ("path", "data", "tree"),
    [
        ("m/model.onnx", _onnx(), ONNX),
        ("m/saved_model.pb", enc.saved_model("MatMul", "ReadFile", functions=["PyFunc"]), SAVED),
        ("m/frozen.pb", enc.graph("MatMul", "WriteFile"), FROZEN),
    ],
)
def test_fields_of_a_later_schema_change_nothing(path: str, data: bytes, tree: Tree) -> None:
    plain, strange = seen(path, data), seen(path, _strange(data, tree))
    assert plain.format == strange.format
    assert facts_of(plain) == facts_of(strange)
    assert plain.safety == strange.safety
    assert facts_of(plain)


def test_every_place_of_an_onnx_model_counts() -> None:
    facts = facts_of(seen("m/model.onnx", _onnx()))
    assert facts["external_data"] == ["w.bin"]
    assert facts["author"] == "Ada"
    assert facts["inputs"] == [{"name": "x", "type": "F32", "shape": [4, "batch"]}]


@pytest.mark.parametrize("place", ["training", "function", "attribute", "sparse"])
def test_external_data_escapes_from_nowhere(place: str) -> None:
    """Wherever the tensor lies in the model."""
    away = enc.field(13, enc.field(1, "location") + enc.field(2, "../../etc/passwd"))
    node = enc.field(4, "Constant") + enc.field(5, enc.field(5, away))
    extra = {
        "training": enc.field(20, enc.field(1, enc.field(5, away))),
        "function": enc.field(25, enc.field(7, node)),
        "attribute": enc.field(20, enc.field(2, enc.field(1, node))),
        "sparse": enc.field(20, enc.field(2, enc.field(15, enc.field(1, away)))),
    }
    found = seen("m/model.onnx", onnx_bytes() + extra[place])
    assert [one.id for one in found.safety.findings] == ["onnx-external-data-escape"]
