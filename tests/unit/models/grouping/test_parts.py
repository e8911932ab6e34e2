"""Models of several files: what belongs together, and what does not belong to any."""

from __future__ import annotations

import gzip
import json
import posixpath
from pathlib import Path

from lading.inventory import Role, Verdict
from support import model_encoders as enc
from support.models_fixtures import (
    gguf_bytes,
    onnx_bytes,
    safetensors_bytes,
    torch_zip_bytes,
    write_files,
)
from support.models_streams import group_tree

MADE = Path(__file__).parents[1] / "formats" / "made"
BINARY = bytes(range(256)) * 4


def made(name: str) -> bytes:
    return gzip.decompress((MADE / f"{name}.gz").read_bytes())


def names(root: Path) -> dict[str, tuple[str, list[str]]]:
    """Return each model's name → format and paths of its weights."""
    return {
        model.name: (
            model.format,
            [file.path for file in model.files if file.role is Role.WEIGHTS],
        )
        for model in group_tree(root).models
    }


def test_tensors_beside_an_onnx_model_are_its_own(tmp_path: Path) -> None:
    files = {
        "m/big.onnx": onnx_bytes(external="big.onnx_data"),
        "m/big.onnx_data": BINARY,
        "m/other.bin": BINARY[:-1],
    }
    write_files(tmp_path, dict(files))

    assert names(tmp_path) == {"big": ("onnx", ["m/big.onnx", "m/big.onnx_data"])}


def test_files_without_a_format_are_no_models(tmp_path: Path) -> None:
    write_files(tmp_path, {"lib/firmware.bin": BINARY, "usr/share/x/icons.data": BINARY})
    found = group_tree(tmp_path)

    assert (found.models, found.datasets, found.findings) == ((), (), ())


def test_openvino_and_its_weights(tmp_path: Path) -> None:
    files = {"m/tiny.xml": made("openvino.xml"), "m/tiny.bin": made("openvino.bin") + BINARY}
    write_files(tmp_path, dict(files))

    assert names(tmp_path) == {"tiny": ("openvino", ["m/tiny.bin", "m/tiny.xml"])}


def test_a_saved_model_and_its_variables(tmp_path: Path) -> None:
    variables: dict[str, tuple[int, tuple[int, ...]]] = {"w": (1, (4, 3))}
    files = {
        "srv/resnet/1/saved_model.pb": enc.saved_model("MatMul"),
        "srv/resnet/1/variables/variables.index": enc.bundle(variables),
        "srv/resnet/1/variables/variables.data-00000-of-00001": BINARY,
        "srv/resnet/1/assets/vocab.txt": b"a\nb\n",
        "srv/resnet.onnx": onnx_bytes(),
    }
    write_files(tmp_path, dict(files))
    found = {model.format: model for model in group_tree(tmp_path).models}

    assert set(found) == {"tensorflow-saved-model", "onnx"}
    model = found["tensorflow-saved-model"]
    assert model.name == "resnet"
    assert model.fact("parameters") == 12
    assert {file.role for file in model.files if "data-00000" in file.path} == {Role.WEIGHTS}


def test_a_checkpoint_that_was_saved_to_a_directory(tmp_path: Path) -> None:
    """TensorFlow 1's saver adds to what it is given, be that the path of a directory."""
    variables: dict[str, tuple[int, tuple[int, ...]]] = {"w": (1, (4, 3))}
    meta = enc.field(2, enc.field(1, enc.field(1, "Const")))
    files = {
        "srv/tagger/.index": enc.bundle(variables),
        "srv/tagger/.meta": enc.field(1, meta) + enc.field(2, enc.graph("MatMul")),
        "srv/tagger/.data-00000-of-00001": BINARY,
        "srv/tagger/.cache": BINARY,
    }
    write_files(tmp_path, dict(files))

    (model,) = group_tree(tmp_path).models
    assert (model.name, model.format) == ("tagger", "tensorflow-checkpoint")
    assert [file.path for file in model.files] == sorted(set(files) - {"srv/tagger/.cache"})
    assert model.fact("parameters") == 12


def test_a_core_ml_package_is_one_model(tmp_path: Path) -> None:
    inside = "app/tiny.mlpackage/Data/com.apple.CoreML"
    files = {
        "app/tiny.mlpackage/Manifest.json": made("Manifest.json"),
        f"{inside}/model.mlmodel": made("program.mlmodel"),
        f"{inside}/weights/weight.bin": made("weight.bin"),
        "app/manifest.json": b'{"name": "a web app", "icons": []}',
    }
    write_files(tmp_path, dict(files))

    weights = [f"{inside}/model.mlmodel", f"{inside}/weights/weight.bin"]
    assert names(tmp_path) == {"tiny": ("coreml", weights)}


def test_mxnets_graph_and_parameters(tmp_path: Path) -> None:
    symbol = b'{"nodes": [{"op": "null", "name": "x"}], "arg_nodes": [0], "heads": [[0, 0, 0]]}'
    files = {"m/net-symbol.json": symbol, "m/net-0000.params": enc.mxnet_params((4, 3))}
    write_files(tmp_path, dict(files))

    paths = ["m/net-0000.params", "m/net-symbol.json"]
    assert names(tmp_path) == {"net": ("mxnet", paths)}


def test_paddles_program_and_parameters(tmp_path: Path) -> None:
    files = {
        "m/ocr/inference.pdmodel": enc.paddle_program(),
        "m/ocr/inference.pdiparams": enc.paddle_params((4, 3)),
    }
    write_files(tmp_path, dict(files))
    (model,) = group_tree(tmp_path).models

    assert (model.name, model.format, model.fact("parameters")) == ("ocr", "paddle", 12)


SPACY = {
    "lang": "en",
    "name": "core_tiny",
    "version": "3.8.0",
    "spacy_version": ">=3.8.0,<3.9.0",
    "license": "MIT",
    "author": "Explosion",
    "performance": {"tag_acc": 0.97, "per_type": {}},
}


def test_a_spacy_pipeline_is_one_model(tmp_path: Path) -> None:
    package = "lib/python3.11/site-packages/en_core_tiny"
    component = b"\x84\xa5nodes\x90\xa5attrs\x90\xa6params\x90\xa5shims"
    files = {
        f"{package}/meta.json": json.dumps(SPACY).encode(),
        f"{package}/en_core_tiny-3.8.0/meta.json": json.dumps(SPACY).encode(),
        f"{package}/en_core_tiny-3.8.0/ner/model": component + b"\x90",
        f"{package}/en_core_tiny-3.8.0/tagger/model": component + b"\x91\x90",
        f"{package}/en_core_tiny-3.8.0/vocab/lookups.bin": BINARY,
        "srv/app/meta.json": b'{"lang": "en", "name": "a page"}',
    }
    write_files(tmp_path, dict(files))
    (model,) = group_tree(tmp_path).models

    assert (model.name, model.format) == ("en_core_tiny", "spacy")
    assert model.fact("version") == "3.8.0"
    assert model.fact("license") == "MIT"
    assert model.fact("metrics") == [{"type": "tag_acc", "value": 0.97}]
    assert len(model.files) == 5


MLFLOW = """
artifact_path: model
flavors:
  python_function:
    loader_module: {loader}
    model_path: model.pth
  pytorch:
    model_data: data
    pytorch_version: 2.3.0
mlflow_version: 2.14.1
model_uuid: 0f00c0ffee
"""


def test_an_mlflow_directory_is_one_model(tmp_path: Path) -> None:
    files = {
        "m/iris/MLmodel": MLFLOW.format(loader="mlflow.pytorch").encode(),
        "m/iris/data/model.pth": torch_zip_bytes(),
        "m/iris/requirements.txt": b"torch\n",
    }
    write_files(tmp_path, dict(files))
    (model,) = group_tree(tmp_path).models

    assert (model.name, model.format) == ("iris", "pytorch")
    assert model.fact("library") == "pytorch"
    assert model.fact("framework_version") == "2.3.0"
    assert model.fact("producer") == "mlflow 2.14.1"
    assert model.safety.verdict is Verdict.SAFE


def test_an_mlflow_loader_that_is_not_mlflows_is_suspicious(tmp_path: Path) -> None:
    files = {
        "m/iris/MLmodel": MLFLOW.format(loader="payload.loader").encode(),
        "m/iris/data/model.pth": torch_zip_bytes(),
    }
    write_files(tmp_path, dict(files))
    (model,) = group_tree(tmp_path).models

    assert model.safety.verdict is Verdict.SUSPICIOUS
    assert "payload.loader" in model.safety.findings[0].message


def test_a_file_called_mlmodel_that_is_none(tmp_path: Path) -> None:
    write_files(tmp_path, {"m/MLmodel": b"a: b\n", "m/x.safetensors": safetensors_bytes()})
    (model,) = group_tree(tmp_path).models

    assert len(model.files) == 1


def test_tensors_that_an_exporter_put_into_files_of_their_names(tmp_path: Path) -> None:
    names = ("onnx__MatMul_7", "layer.0.bias", "layer.0.weight")
    for number, name in enumerate(names):
        write_files(tmp_path / f"m{number}", {"m.onnx": onnx_bytes(external=name), name: bytes(32)})
    write_files(tmp_path / "m", {"onnx__lone": bytes(32)})
    found = group_tree(tmp_path).models
    files = {posixpath.basename(file.path) for model in found for file in model.files}

    assert files == {"m.onnx", *names}


class TestMissingShards:
    def shards(self, directory: Path, *present: int, suffix: str = "safetensors") -> set[str]:
        names = {n: f"model-{n:05}-of-00003.{suffix}" for n in (1, 2, 3)}
        index = {"metadata": {}, "weight_map": {f"layer.{n}": name for n, name in names.items()}}
        files = {names[n]: safetensors_bytes((8, 8), seed=n) for n in present}
        write_files(directory, {f"model.{suffix}.index.json": json.dumps(index), **files})
        (model,) = group_tree(directory).models
        return {one.message for one in model.safety.findings if one.id == "shards-missing"}

    def test_some_are_not_there(self, tmp_path: Path) -> None:
        (text,) = self.shards(tmp_path / "m", 1)
        assert text == (
            "2 of 3 files with its tensors are not there: "
            "model-00002-of-00003.safetensors, model-00003-of-00003.safetensors"
        )

    def test_all_are_there(self, tmp_path: Path) -> None:
        assert self.shards(tmp_path / "m", 1, 2, 3) == set()

    def test_an_index_of_a_form_that_was_not_fetched(self, tmp_path: Path) -> None:
        write_files(tmp_path / "m", {"model.safetensors": safetensors_bytes(), "config.json": "{}"})
        assert self.shards(tmp_path / "m", suffix="bin") == set()

    def test_split_gguf_files(self, tmp_path: Path) -> None:
        first, last = gguf_bytes(split=(0, 3)), gguf_bytes(name="b", split=(2, 3))
        write_files(tmp_path, {"m-00001-of-00003.gguf": first, "m-00003-of-00003.gguf": last})
        (model,) = group_tree(tmp_path).models
        (found,) = (one for one in model.safety.findings if one.id == "shards-missing")
        assert found.message == "1 of 3 files with its tensors are not there: number 2"
        (tmp_path / "m-00003-of-00003.gguf").unlink()
        lies = gguf_bytes(split=(0, 65_535))
        write_files(tmp_path, {"m-00001-of-00003.gguf": lies})
        (model,) = group_tree(tmp_path).models
        (found,) = (one for one in model.safety.findings if one.id == "shards-missing")
        assert found.message.startswith("65534 of 65535 ")
        assert found.message.endswith("number 2, number 3, number 4, …")


def test_facts_of_the_weights_that_are_counted_come_first(tmp_path: Path) -> None:
    """An engine made of the same weights does not say which library the model is for."""
    engine = b"ftrt" + bytes(99)
    write_files(tmp_path / "y", {"best.engine": engine, "best.pt": torch_zip_bytes()})
    (model,) = group_tree(tmp_path).models
    assert (model.format, model.fact("library")) == ("pytorch", "pytorch")
