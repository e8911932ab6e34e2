"""Rarer formats whose models are several files, or are one only on their own."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

from lading.inventory import Role
from support import model_rare_encoders as rare
from support.model_encoders import tar
from support.models_fixtures import onnx_bytes, safetensors_bytes, write_files
from support.models_streams import group_tree

if TYPE_CHECKING:
    from lading.models import Grouped

SITE = "usr/lib/python3/site-packages/pkg"
WEIGHTS = b"\x00\x01weights\x07" * 40


def models_of(grouped: Grouped) -> dict[str, tuple[str, list[str]]]:
    """Return name → format, names of files."""
    return {
        model.name: (model.format, [Path(file.path).name for file in model.files])
        for model in grouped.models
    }


def test_programs_of_ncnn_with_the_same_tensors_are_two_models(tmp_path: Path) -> None:
    small, large = rare.NCNN, rare.NCNN.replace(b"0=227", b"0=454")
    files = {"x2.param": small, "x2.bin": WEIGHTS, "x4.param": large, "x4.bin": WEIGHTS}
    grouped = group_tree(write_files(tmp_path, {f"{SITE}/{k}": one for k, one in files.items()}))
    assert models_of(grouped) == {
        "x2": ("ncnn", ["x2.bin", "x2.param"]),
        "x4": ("ncnn", ["x4.bin", "x4.param"]),
    }
    assert grouped.models[0].facts["parameters"].value == 2506


def test_equal_programs_of_ncnn_with_tensors_of_their_own_are_two_models(tmp_path: Path) -> None:
    files = {"noise0.param": rare.NCNN, "noise0.bin": WEIGHTS}
    files |= {"noise1.param": rare.NCNN, "noise1.bin": WEIGHTS[::-1]}
    grouped = group_tree(write_files(tmp_path, {f"{SITE}/{k}": one for k, one in files.items()}))
    assert models_of(grouped) == {
        "noise0": ("ncnn", ["noise0.bin", "noise0.param"]),
        "noise1": ("ncnn", ["noise1.bin", "noise1.param"]),
    }


def test_a_tar_is_not_called_as_the_graph_of_an_exporter_in_it(tmp_path: Path) -> None:
    data = gzip.compress(tar([("export/enc.onnx", onnx_bytes()), ("export/config.ini", b"[x]")]))
    grouped = group_tree(write_files(tmp_path, {"srv/DeepFilterNet3_onnx.tar.gz": data}))
    assert models_of(grouped) == {
        "DeepFilterNet3_onnx": ("model-archive", ["DeepFilterNet3_onnx.tar.gz"])
    }
    assert "name" not in grouped.models[0].facts


def test_an_acoustic_model_of_sphinx_is_one(tmp_path: Path) -> None:
    parts = {"mdef": rare.MDEF, "means": rare.SPHINX, "sendump": rare.SENDUMP}
    files = {f"model/en-us/{name}": data for name, data in parts.items()}
    grouped = group_tree(write_files(tmp_path, {**files, "model/en.lm.bin": rare.TRIE}))
    assert models_of(grouped) == {
        "en": ("sphinx-lm", ["en.lm.bin"]),
        "en-us": ("sphinx", ["mdef", "means", "sendump"]),
    }


def test_a_directory_of_vosk_is_one_model(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "small-ko/am/final.mdl": rare.TRANSITIONS,
        "small-ko/ivector/final.ie": rare.EXTRACTOR,
        "small-ko/ivector/final.mat": rare.MATRIX,
        "small-ko/graph/HCLr.fst": rare.FST,
        "small-ko/README": "Small model.",
        "elsewhere/rules.fst": rare.FST,
        "elsewhere/cmvn.mat": rare.MATRIX,
    }
    grouped = group_tree(write_files(tmp_path, files))
    assert models_of(grouped) == {
        "small-ko": ("kaldi", ["final.mdl", "HCLr.fst", "final.ie", "final.mat"])
    }


def test_a_compiled_model_is_one(tmp_path: Path) -> None:
    weights = b"\x01\0\0\0\x02\0\0\0" + bytes(56) + bytes.fromhex("efbeadde") + bytes(60)
    files: dict[str, bytes | str] = {
        "m/yolo.mlmodelc/model.mil": rare.MIL,
        "m/yolo.mlmodelc/metadata.json": rare.METADATA,
        "m/yolo.mlmodelc/weights/weight.bin": weights,
        "m/pipe.mlmodelc/model0/model.espresso.net": rare.ESPRESSO,
        "m/pipe.mlmodelc/model0/model.espresso.weights": WEIGHTS,
    }
    grouped = group_tree(write_files(tmp_path, files))
    assert models_of(grouped) == {
        "yolo": ("coreml", ["metadata.json", "model.mil", "weight.bin"]),
        "pipe": ("coreml", ["model.espresso.net", "model.espresso.weights"]),
    }
    facts = {model.name: model.facts for model in grouped.models}["yolo"]
    assert facts["license"].value == "MIT"
    assert facts["parameters"].value == 32


def test_tensors_of_tensorflow_js_belong_to_their_list(tmp_path: Path) -> None:
    files = {
        "public/yamnet/model.json": rare.tfjs(),
        "public/yamnet/group1-shard1of1.bin": WEIGHTS,
        "public/face/net-weights_manifest.json": rare.MANIFEST,
        "public/face/net-shard1": WEIGHTS[1:],
        "public/other/net-shard1": WEIGHTS,
    }
    assert models_of(group_tree(write_files(tmp_path, dict(files)))) == {
        "net": ("tfjs", ["net-shard1", "net-weights_manifest.json"]),
        "yamnet": ("tfjs", ["group1-shard1of1.bin", "model.json"]),
    }


def test_a_program_of_caffe_belongs_to_the_weights_of_its_name(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "m/detect.caffemodel": rare.caffe(),
        "m/detect.prototxt": rare.PROTOTXT,
        "m/sr.caffemodel": rare.caffe(name="other"),
        "m/sr.prototxt": rare.PROTOTXT,
        "alone/solver.prototxt": rare.PROTOTXT,
    }
    assert models_of(group_tree(write_files(tmp_path, files))) == {
        "detect": ("caffe", ["detect.caffemodel", "detect.prototxt"]),
        "sr": ("caffe", ["sr.caffemodel", "sr.prototxt"]),
    }


def test_a_tokenizer_is_a_model_only_on_its_own(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "alone/en.spm": rare.sentencepiece(),
        "beside/nmt.spm": rare.sentencepiece(kind=1),
        "beside/nmt.safetensors": safetensors_bytes(),
        f"{SITE}/tests/test.spm": rare.sentencepiece(kind=3),
    }
    grouped = group_tree(write_files(tmp_path, files))
    assert models_of(grouped) == {
        "en": ("sentencepiece", ["en.spm"]),
        "nmt": ("safetensors", ["nmt.safetensors", "nmt.spm"]),
    }
    beside = next(model for model in grouped.models if model.name == "nmt")
    assert beside.facts["vocabulary_size"].value == 5
    assert "architecture" not in beside.facts
    assert [file.role for file in beside.files] == [Role.WEIGHTS, Role.TOKENIZER]
