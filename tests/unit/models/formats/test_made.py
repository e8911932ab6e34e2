"""Files that the formats' own libraries wrote (``make.py``): what must be known of each."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any

import pytest

from lading.inventory import ModelFile, Role, Verdict
from support.models_streams import facts_of, ids_of, look, seen

MADE = Path(__file__).parent / "made"
NAMES = sorted(path.name.removesuffix(".gz") for path in MADE.glob("*.gz"))
FEATURES = ["a", "b", "c", "d"]

#: Name → format, facts.
TRUTH: dict[str, tuple[str, dict[str, Any]]] = {
    "plain.tflite": (
        "tflite",
        {
            "parameters": 12,
            "tensor_count": 1,
            "dtype": "F32",
            "description": "made by hand",
            "custom_operators": ["Custom"],
            "inputs": [{"name": "x", "type": "F32", "shape": [1, 4]}],
            "outputs": [{"name": "y", "type": "F32", "shape": [1, 3]}],
        },
    ),
    "flex.tflite": ("tflite", {"custom_operators": ["FlexReadFile"]}),
    "plain.keras": (
        "keras",
        {
            "architecture": "Sequential",
            "parameters": 23,
            "dtype": "F32",
            "library": "keras",
            "framework_version": "3.8.0",
        },
    ),
    "plain.h5": ("hdf5", {"architecture": "Sequential", "parameters": 23, "tensor_count": 4}),
    "plain.weights.h5": ("hdf5", {"parameters": 23, "library": "keras"}),
    "lambda.keras": ("keras", {"architecture": "Sequential"}),
    "lambda.h5": ("hdf5", {"architecture": "Sequential"}),
    "program.mlmodel": (
        "coreml",
        {"architecture": "mlProgram", "producer": "coremltools 9.0", "inputs": [{"name": "x"}]},
    ),
    "trees.mlmodel": (
        "coreml",
        {"architecture": "treeEnsembleRegressor", "format_version": "1"},
    ),
    "weight.bin": ("coreml", {"library": "coreml"}),
    "openvino.xml": (
        "openvino",
        {
            "name": "tiny",
            "parameters": 12,
            "dtype": "F32",
            "format_version": "IR 11",
            "external_data": ["openvino.bin"],
        },
    ),
    "xgboost.json": (
        "xgboost",
        {
            "architecture": "gbtree",
            "objective": "binary:logistic",
            "inputs": FEATURES,
            "producer": "xgboost 2.1.4",
        },
    ),
    "xgboost.ubj": (
        "xgboost",
        {
            "architecture": "gbtree",
            "objective": "binary:logistic",
            "inputs": FEATURES,
            "producer": "xgboost 2.1.4",
        },
    ),
    "xgboost.model": (
        "xgboost",
        {"architecture": "gbtree", "objective": "binary:logistic", "producer": "xgboost 2.1"},
    ),
    "lightgbm.txt": (
        "lightgbm",
        {
            "format_version": "v4",
            "objective": "binary sigmoid:1",
            "inputs": [f"Column_{i}" for i in range(4)],
        },
    ),
    "catboost.cbm": (
        "catboost",
        {"objective": "Logloss", "producer": "catboost 1.2.10", "library": "catboost"},
    ),
    "catboost.json": (
        "catboost",
        {"objective": "Logloss", "producer": "catboost 1.2.10", "library": "catboost"},
    ),
    "pipeline.skops": (
        "skops",
        {
            "architecture": "Pipeline",
            "library": "scikit-learn",
            "producer": "skops 0.16.0",
            "parameters": 21,
        },
    ),
    "ctranslate2.bin": (
        "ctranslate2",
        {"architecture": "Transformer", "parameters": 20, "format_version": "6, revision 7"},
    ),
    "table.parquet": ("parquet", {"columns": ["text", "n", "s"], "rows": 3}),
    "stream.arrow": ("arrow", {"columns": ["text", "n", "s"], "rows": 6}),
    "file.arrow": ("arrow", {"columns": ["text", "n", "s"], "rows": 3}),
    "old.feather": ("feather", {}),
}
#: Keras' weights on their own do not say that they are; OpenVINO's name tells that of the weights.
NAMED = {"plain.weights.h5", "openvino.xml"}
DATA = {"table.parquet", "stream.arrow", "file.arrow", "old.feather"}


def made(name: str) -> bytes:
    return gzip.decompress((MADE / f"{name}.gz").read_bytes())


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_format_and_facts_are_known_by_content(name: str) -> None:
    form, facts = TRUTH[name]

    renamed = [] if name in NAMED else ["srv/renamed", "srv/renamed.dat"]
    for path in (f"srv/{name}", *renamed):
        found = seen(path, made(name))
        assert found.format == form
        assert found.role is (Role.DATA if name in DATA else Role.WEIGHTS)
        known = facts_of(found)
        assert {key: known.get(key) for key in facts} == facts


def test_every_made_file_is_told_or_known_to_be_none() -> None:
    assert set(NAMES) - set(TRUTH) == {"table.h5", "openvino.bin", "Manifest.json"}
    assert look("srv/table.h5", made("table.h5")) is None


@pytest.mark.parametrize("name", sorted(set(TRUTH) - {"flex.tflite", "lambda.h5", "lambda.keras"}))
def test_harmless_files_are_safe(name: str) -> None:
    assert seen(f"srv/{name}", made(name)).safety.verdict is Verdict.SAFE


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_a_lambda_layer_is_dangerous(name: str) -> None:
    found = seen(f"srv/{name}", made(name))

    assert found.safety.verdict is Verdict.DANGEROUS
    assert "keras-lambda" in ids_of(found)


def test_an_operation_of_tensorflow_inside_tflite_is_dangerous() -> None:
    found = seen("srv/flex.tflite", made("flex.tflite"))

    assert found.safety.verdict is Verdict.DANGEROUS
    assert ids_of(found) == {"tensorflow-operation"}


def _judged(found: ModelFile | None) -> bool:
    """Whether nothing is claimed, or what is claimed is whole."""
    return found is None or len(found.sha256) == 64


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_file_cut_short_never_raises(name: str) -> None:
    data = made(name)
    for size in {*range(1, 64), *range(64, len(data), max(1, len(data) // 40))}:
        assert _judged(look(f"srv/{name}", data[:size]))


@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_file_with_wrong_bytes_never_raises(name: str) -> None:
    data = made(name)
    rng = random.Random(name)
    for _ in range(120):
        broken = bytearray(data)
        for _ in range(rng.choice((1, 2, 8))):
            broken[rng.randrange(len(broken))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
        assert _judged(look(f"srv/{name}", bytes(broken)))


#: Formats whose reader cannot see that something is missing: an end is nowhere declared.
ENDLESS = {"lightgbm.txt", "xgboost.model", "weight.bin", "old.feather", "file.arrow"}


@pytest.mark.parametrize("name", sorted(set(TRUTH) - ENDLESS))
def test_half_a_model_is_unscannable(name: str) -> None:
    data = made(name)
    found = seen(f"srv/{name}", data[: len(data) // 2])

    assert found.safety.verdict >= Verdict.UNSCANNABLE
