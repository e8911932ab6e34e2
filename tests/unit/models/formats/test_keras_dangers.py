"""Keras configurations: what only makes layers is safe, what reaches further is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.inventory import Verdict
from support.models_fixtures import zip_bytes
from support.models_streams import ids_of, look, seen

if TYPE_CHECKING:
    from lading.inventory import ModelFile

HDF5 = b"\x89HDF\r\n\x1a\n" + bytes(88) + b"keras_version\x00\x00\x002.15.0\x00model_config\x00"


def keras(*layers: dict[str, Any], raw: bytes = b"") -> ModelFile:
    """Examine a ``.keras`` archive of those layers, or of that configuration."""
    model = {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}
    members = {
        "metadata.json": b'{"keras_version": "3.5.0"}',
        "config.json": raw or json.dumps(model).encode(),
        "model.weights.h5": HDF5[:90],
    }
    return seen("m/model.keras", zip_bytes(members))


def layer(name: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config}


def function(module: str, name: str) -> dict[str, Any]:
    """Return a layer with a function, as Keras 3 writes one."""
    reference = {"module": module, "class_name": "function", "config": name}
    return layer("Dense", activation=reference)


HARMLESS = [
    layer("Dense", activation="relu", kernel_initializer=layer("Zeros", "keras.initializers")),
    layer("Functional", "keras.src.engine.functional"),
    layer("Backbone", "keras_hub.src.models.backbone"),
    layer("TFOpLambda", function="math.multiply"),
    layer("StringLookup", vocabulary=["a", "b"]),
    layer("Add", "keras.src.ops.numpy"),
    layer("TensorFlowOpLayer", node_def={"op": "Mul"}),
    function("keras.activations", "softmax"),
    function("builtins", "my_own_loss"),
]


@pytest.mark.parametrize("one", HARMLESS, ids=str)
def test_layers_alone_are_safe(one: dict[str, Any]) -> None:
    found = keras(one)
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SAFE, set())


DANGEROUS = [
    (layer("Lambda"), "keras-lambda"),
    (layer("Dense", activation={"class_name": "__lambda__", "config": {}}), "keras-lambda"),
    (function("builtins", "exec"), "keras-import"),
    (function("os", "system"), "keras-import"),
    (function("keras.utils", "get_file"), "keras-import"),
    (layer("get_file", "keras.src.utils.file_utils", origin="http://x"), "keras-import"),
    (layer("enable_unsafe_deserialization", "keras.config"), "keras-import"),
    (layer("load_model", "keras.models", filepath="x"), "keras-import"),
    (function("tensorflow.python.ops.io_ops", "write_file"), "keras-import"),
    (layer("TorchModuleWrapper", module={}), "keras-layer"),
    (layer("TFOpLambda", function="io.write_file"), "keras-operation"),
    (layer("TFOpLambda", function="raw_ops.ReadFile"), "keras-operation"),
    (layer("TensorFlowOpLayer", node_def={"op": "PyFunc"}), "keras-operation"),
]


@pytest.mark.parametrize(("one", "finding"), DANGEROUS, ids=str)
def test_reaches_are_dangerous(one: dict[str, Any], finding: str) -> None:
    found = keras(one)
    assert (found.safety.verdict, ids_of(found)) == (Verdict.DANGEROUS, {finding})


SUSPICIOUS = [
    (layer("Attention", "acme.layers"), "keras-import"),
    (layer("some_helper", "keras.utils"), "keras-import"),
    (layer("TFSMLayer", filepath="x"), "keras-layer"),
    (layer("JaxLayer", call_fn={}), "keras-layer"),
    (layer("TFOpLambda", function="raw_ops.Add"), "keras-operation"),
    (layer("StringLookup", vocabulary="/etc/passwd"), "keras-reads-file"),
]


@pytest.mark.parametrize(("one", "finding"), SUSPICIOUS, ids=str)
def test_what_nobody_vouches_for_is_suspicious(one: dict[str, Any], finding: str) -> None:
    found = keras(one)
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SUSPICIOUS, {finding})


WRITINGS = [
    b'{"class_name": "Lambda"}',
    b'{ "class_name" : "Lambda" }',
    b'{\n  "class_name":\n    "Lambda"}',
    b'{"config": {"layers": [{"config": {}, "class_name" : "Lambda"}]}, "class_name": "Model"}',
    rb'{"config": [], "class\u005fname": "L\u0061mbda"}',
    rb'{"\u0063lass_name": "Lambda"}',
    b'{"loss": {"class_name":\t"Lambda"}, "metrics": []}',
]


@pytest.mark.parametrize("text", WRITINGS)
@pytest.mark.parametrize("padding", [0, 1024 * 1024 - len(HDF5) - 40, 1024 * 1024 - len(HDF5) - 9])
def test_json_may_be_written_in_other_ways(text: bytes, padding: int) -> None:
    """Across two reads, too."""
    found = seen("m/model.h5", HDF5 + bytes(padding) + text + bytes(200))
    assert found.safety.verdict is Verdict.DANGEROUS
    assert keras(raw=text).safety.verdict is Verdict.DANGEROUS


ESCAPED = b'"class_name": "L\\u0061mbda", "config": {}'


@pytest.mark.parametrize(
    "front",
    [
        b'{"!": 0, ', b'{"": 0, ', b'{"a\\"b": 0, ', b'{"' + b"a" * 150 + b'": NaN, ',
        '{"\u00e9": Infinity, '.encode(), b"{" + b" " * 150,
    ],
    ids=range(6),
)  # fmt: skip
def test_a_configuration_may_begin_with_any_name(front: bytes) -> None:
    file = seen("m.h5", HDF5 + front + ESCAPED + b"}" + bytes(99))
    assert file.safety.verdict is Verdict.DANGEROUS
    decoy = b'{"class_name": "Sequential", "config": {}} '
    file = seen("m.h5", HDF5 + decoy + front + ESCAPED + b"}" + bytes(99))
    assert file.safety.verdict is Verdict.DANGEROUS


@pytest.mark.parametrize(
    "text",
    [
        b"{" + b" " * 300 + ESCAPED + b"}",
        b'{"class_name"' + b"\n" * 300 + b': "Lambda", "config": {}}',
        b'{"class_name":' + b"\t" * 300 + b'"Lambda", "config": {}}',
        b'{"' + b"a" * 300 + b'": 0, ' + ESCAPED + b"}",
    ],
    ids=range(4),
)
@pytest.mark.parametrize("padding", [0, 1_048_400])
def test_what_stretches_a_configuration_is_told(text: bytes, padding: int) -> None:
    file = seen("m.h5", HDF5 + bytes(padding) + text + bytes(99))
    assert file.safety.verdict > Verdict.SAFE


@pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "m", "m.dat", "m.keras"])
@pytest.mark.parametrize("block", [512, 1024, 2048])
def test_a_superblock_may_lie_behind_a_block_of_the_users(name: str, block: int) -> None:
    text = b'{"class_name": "Lambda", "config": {}}'
    for filling in (b"\0", b"x", b"N"):
        file = seen(f"app/{name}", filling * block + HDF5 + text)
        assert (file.format, file.safety.verdict) == ("hdf5", Verdict.DANGEROUS)


def test_a_superblock_far_behind_is_found_by_the_suffix() -> None:
    text = b'{"class_name": "Lambda", "config": {}}'
    file = seen("app/m.h5", bytes(1 << 20) + HDF5 + text)
    assert (file.format, file.safety.verdict) == ("hdf5", Verdict.DANGEROUS)
    assert look("app/m.h5", bytes(1000) + HDF5 + text) is None  # where no reader looks


@pytest.mark.parametrize("operation", ["PyFunc", "EagerPyFunc", "ReadFile", "WriteFile"])
def test_a_serialised_operation_is_known_by_its_name(operation: str) -> None:
    node = f"\n\x01x\x12{chr(len(operation))}{operation}"
    assert ids_of(keras(layer("TensorFlowOpLayer", node_def=node))) == {"keras-operation"}
    assert not ids_of(keras(layer("TensorFlowOpLayer", node_def="\n\x01x\x12\x03Add")))
