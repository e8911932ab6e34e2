"""Writes ``made/``: tiny files of formats whose libraries the tests do not install.

Run it in an environment with pyarrow, xgboost-cpu (2.1.4: later ones cannot write the binary
format), lightgbm, catboost, keras (3.8) with jax, openvino, coremltools,
tflite, skops and ctranslate2, and name the directory to write to::

    python make.py tests/unit/models/formats/made

Every file is compressed with gzip, without a time. The files' truths stand in ``test_made.py``.
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

os.environ["KERAS_BACKEND"] = "numpy"


def tables(out: Path) -> None:
    import pyarrow as pa
    from pyarrow import feather, ipc, parquet

    table = pa.table({"text": ["a", "b", "c"], "n": [1, 2, 3], "s": [{"x": 1, "y": 2}] * 3})
    parquet.write_table(table, out / "table.parquet")
    feather.write_feather(table.drop(["s"]), out / "old.feather", version=1)
    with ipc.new_stream(str(out / "stream.arrow"), table.schema) as stream:
        stream.write_table(table)
        stream.write_table(table)
    with ipc.new_file(str(out / "file.arrow"), table.schema) as file:
        file.write_table(table)


def boosters(out: Path) -> None:
    import catboost
    import lightgbm
    import xgboost

    rng = np.random.default_rng(0)
    x, y = rng.random((40, 4)), rng.random(40) > 0.5
    data = xgboost.DMatrix(x, label=y, feature_names=list("abcd"))
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2}, data, 1)
    booster.save_model(out / "xgboost.json")
    booster.save_model(out / "xgboost.ubj")
    (out / "xgboost.model").write_bytes(booster.save_raw("deprecated"))
    params = {"objective": "binary", "verbose": -1, "min_data_in_leaf": 5, "num_leaves": 3}
    lightgbm.train(params, lightgbm.Dataset(x, label=y), 1).save_model(out / "lightgbm.txt")
    cat = catboost.CatBoostClassifier(
        iterations=1, depth=2, verbose=False, allow_writing_files=False, random_seed=0
    ).fit(x, y)
    cat.save_model(str(out / "catboost.cbm"))
    cat.save_model(str(out / "trees.mlmodel"), format="coreml")


def networks(out: Path) -> None:
    import keras

    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
    plain.save(out / "plain.keras")
    plain.save(out / "plain.h5")
    plain.save_weights(out / "plain.weights.h5")
    evil = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2)])
    evil.save(out / "lambda.keras")
    evil.save(out / "lambda.h5")

    import h5py

    with h5py.File(out / "table.h5", "w") as file:
        file["x"] = np.zeros((10, 10))
        file.create_group("layers")


def openvino(out: Path) -> None:
    import openvino as ov
    from openvino import opset13 as ops

    x = ops.parameter([1, 4], np.float32, name="x")
    weights = ops.constant(np.arange(12, dtype=np.float32).reshape(4, 3))
    model = ov.Model([ops.matmul(x, weights, False, False)], [x], "tiny")
    ov.save_model(model, out / "openvino.xml", compress_to_fp16=False)


def coreml(out: Path) -> None:
    import coremltools as ct
    from coremltools.converters.mil import Builder

    @Builder.program(input_specs=[Builder.TensorSpec(shape=(1, 4))])
    def program(x):
        weights = np.arange(256, dtype=np.float32).reshape(64, 4)
        return Builder.linear(x=x, weight=weights, name="y")

    with tempfile.TemporaryDirectory() as directory:
        package = Path(directory, "tiny.mlpackage")
        ct.convert(program, convert_to="mlprogram").save(str(package))
        inside = package / "Data" / "com.apple.CoreML"
        (out / "program.mlmodel").write_bytes((inside / "model.mlmodel").read_bytes())
        (out / "weight.bin").write_bytes((inside / "weights" / "weight.bin").read_bytes())
        (out / "Manifest.json").write_bytes((package / "Manifest.json").read_bytes())


def lite(out: Path) -> None:
    (out / "plain.tflite").write_bytes(_lite("Custom"))
    (out / "flex.tflite").write_bytes(_lite("FlexReadFile"))


def _lite(custom: str) -> bytes:
    """Return ``y = custom(x, w)`` with a 4 by 3 ``w``, by tflite's generated builders."""
    import flatbuffers
    import tflite

    builder = flatbuffers.Builder(1024)

    def vector(start, values, prepend):
        start(builder, len(values))
        for value in reversed(values):
            prepend(value)
        return builder.EndVector()

    offset, number = builder.PrependUOffsetTRelative, builder.PrependInt32
    weights = builder.CreateNumpyVector(np.arange(12, dtype=np.float32).view(np.uint8))
    buffers = []
    for data in (0, weights):
        tflite.BufferStart(builder)
        if data:
            tflite.BufferAddData(builder, data)
        buffers.append(tflite.BufferEnd(builder))
    buffers_at = vector(tflite.ModelStartBuffersVector, buffers, offset)

    tensors = []
    for name, shape, buffer in (("x", (1, 4), 0), ("w", (4, 3), 1), ("y", (1, 3), 0)):
        text = builder.CreateString(name)
        extents = vector(tflite.TensorStartShapeVector, shape, number)
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, extents)
        tflite.TensorAddBuffer(builder, buffer)
        tflite.TensorAddName(builder, text)
        tensors.append(tflite.TensorEnd(builder))
    tensors_at = vector(tflite.SubGraphStartTensorsVector, tensors, offset)
    inputs = vector(tflite.SubGraphStartInputsVector, [0], number)
    outputs = vector(tflite.SubGraphStartOutputsVector, [2], number)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensors_at)
    tflite.SubGraphAddInputs(builder, inputs)
    tflite.SubGraphAddOutputs(builder, outputs)
    graphs = vector(tflite.ModelStartSubgraphsVector, [tflite.SubGraphEnd(builder)], offset)

    name = builder.CreateString(custom)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddCustomCode(builder, name)
    tflite.OperatorCodeAddBuiltinCode(builder, 32)
    codes = vector(tflite.ModelStartOperatorCodesVector, [tflite.OperatorCodeEnd(builder)], offset)
    description = builder.CreateString("made by hand")
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddDescription(builder, description)
    tflite.ModelAddBuffers(builder, buffers_at)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def pipelines(out: Path) -> None:
    """Write a pipeline of scikit-learn's with skops 0.16."""
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features = np.random.default_rng(0).normal(size=(60, 4))
    labels = (features[:, 0] > 0).astype(int)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(features, labels)
    skops.io.dump(pipeline, out / "pipeline.skops")


def translator(out: Path) -> None:
    """Write a transformer of one layer, all of whose weights are the same, with ctranslate2 4."""
    from ctranslate2.specs import TransformerSpec, model_spec

    def fill(layer: model_spec.LayerSpec) -> None:
        for name, value in list(vars(layer).items()):
            if name.startswith("_"):
                continue
            if value is None:
                shape = (4, 4) if "weight" in name or "encodings" in name else (4,)
                setattr(layer, name, np.ones(shape, np.float32))
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, model_spec.LayerSpec):
                    fill(part)

    spec = TransformerSpec.from_config(1, 2)
    fill(spec)
    spec.register_source_vocabulary(["<blank>", "a", "b", "c"])
    spec.register_target_vocabulary(["<blank>", "a", "b", "c"])
    spec.validate()
    spec.optimize()
    with tempfile.TemporaryDirectory() as directory:
        spec.save(directory)
        (Path(directory) / "model.bin").rename(out / "ctranslate2.bin")


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        for make in (
            tables, boosters, networks, openvino, coreml, lite, pipelines, translator,
        ):  # fmt: skip
            make(out)
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(out.iterdir()):
            (target / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
