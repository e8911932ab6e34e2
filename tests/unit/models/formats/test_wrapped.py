"""Models in compressed files, in skops' archives, CatBoost's in JSON, and CTranslate2's."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import math
import struct
from typing import Any

import numpy as np
import pytest
import zstandard

from lading.inventory import Role, Verdict
from lading.models import vocabulary as v
from support.models_fixtures import (
    evil_pickle,
    gguf_bytes,
    npy_bytes,
    npz_bytes,
    onnx_bytes,
    safetensors_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import facts_of, ids_of, look, seen

WEIGHTS = npz_bytes(a=np.zeros((3, 4), np.float32), b=np.zeros(5, np.float32))


@pytest.mark.parametrize(
    ("name", "data", "form"),
    [
        ("model.npz", WEIGHTS, "npz"),
        ("m.onnx", onnx_bytes(), "onnx"),
        ("m.gguf", gguf_bytes(), "gguf"),
        ("pytorch_model.bin", torch_zip_bytes(), "pytorch"),
    ],
)
def test_compressed_files_are_what_they_hold(name: str, data: bytes, form: str) -> None:
    plain = seen(name, data)
    for suffix, pack in (
        (".gz", gzip.compress),
        (".xz", lzma.compress),
        (".bz2", bz2.compress),
        (".zst", zstandard.compress),
    ):
        file = seen(name + suffix, pack(data))
        assert (file.format, file.safety.verdict) == (form, Verdict.SAFE)
        assert facts_of(file) == facts_of(plain)


def test_compressed_files_that_hide_something() -> None:
    evil = torch_zip_bytes(extra=evil_pickle()[2:-1])
    assert seen("m.bin.gz", gzip.compress(evil)).safety.verdict is Verdict.DANGEROUS
    two = gzip.compress(WEIGHTS) + gzip.compress(evil)
    assert seen("m.npz.gz", two).safety.verdict is Verdict.DANGEROUS  # loaders read both as one
    assert "pickle-trailing-data" in ids_of(seen("m.npz.gz", gzip.compress(WEIGHTS) + b"more"))
    assert seen("m.npz.gz", gzip.compress(WEIGHTS)[:-60]).safety.verdict is Verdict.UNSCANNABLE
    assert seen("m.onnx.gz", gzip.compress(b"\x00" * 99)).safety.verdict is Verdict.UNSCANNABLE
    assert seen("x.bin.gz", gzip.compress(b"\x00" * 99)).role is Role.OTHER
    sized = seen("m.safetensors.gz", gzip.compress(safetensors_bytes()))
    assert sized.safety.verdict is Verdict.UNSCANNABLE
    assert "compressed" in sized.safety.findings[0].message
    assert look("x.xml.gz", gzip.compress(b"<html>")) is None
    assert look("m.onnx.gz", b"not compressed") is None


CATBOOST = {
    "features_info": {"float_features": [{"borders": [-0.5, 0.5], "feature_index": 0}]},
    "model_info": {
        "catboost_version_info": "Git info:\n    Branch: tags/v1.2.10\n",
        "params": {"loss_function": {"params": {}, "type": "Logloss"}},
    },
    "oblivious_trees": [{"leaf_values": [0, 1], "splits": []}],
    "scale_and_bias": [1, [0]],
}


def test_catboost_in_json() -> None:
    for indent in (None, 2):
        file = seen("m/model.json", json.dumps(CATBOOST, indent=indent).encode())
        facts = facts_of(file)
        assert (file.format, facts[v.OBJECTIVE], facts[v.PRODUCER]) == (
            "catboost", "Logloss", "catboost 1.2.10",
        )  # fmt: skip
    broken = json.dumps(CATBOOST).encode()[:-9]
    assert seen("m/model.json", broken).safety.verdict is Verdict.UNSCANNABLE
    odd = {**CATBOOST, "model_info": {"catboost_version_info": 7, "params": "{"}}
    assert v.OBJECTIVE not in facts_of(seen("m/model.json", json.dumps(odd).encode()))
    assert look("m/x.json", b'{"features_info": {"a": 1}}') is None


def node(module: str, name: str, **content: Any) -> dict[str, Any]:
    return {"__class__": name, "__module__": module, "__loader__": "X", "content": content}


def skops(*nodes: dict[str, Any], **more: Any) -> bytes:
    schema = node("sklearn.pipeline", "Pipeline", steps=[node("builtins", "list"), *nodes])
    members = {"1.npy": npy_bytes(np.zeros((2, 3)))}
    text = json.dumps({**schema, "protocol": 2, "_skops_version": "0.16.0", **more})
    return zip_bytes({**members, "schema.json": text.encode()})


class TestSkops:
    def test_what_it_makes_is_told(self) -> None:
        file = seen("m.skops", skops(node("sklearn.svm._classes", "SVC"), node("numpy", "ndarray")))
        facts = facts_of(file)

        assert (file.format, file.safety.verdict) == ("skops", Verdict.SAFE)
        assert (facts[v.ARCHITECTURE], facts[v.LIBRARY]) == ("Pipeline", "scikit-learn")
        assert (facts[v.PARAMETERS], facts[v.PRODUCER]) == (6, "skops 0.16.0")
        assert "sklearn.svm._classes.SVC" in str(facts[v.GLOBALS])

    @pytest.mark.parametrize(
        ("module", "name", "verdict"),
        [
            ("posix", "system", Verdict.DANGEROUS),
            ("operator", "itemgetter", Verdict.DANGEROUS),
            ("acme.own", "Model", Verdict.SUSPICIOUS),
        ],
    )
    def test_what_it_should_not_make(self, module: str, name: str, verdict: Verdict) -> None:
        deep = node("functools_", "x", func=[{"deeper": node(module, name)}])
        for path in ("m.skops", "m.zip", "m"):
            file = seen(path, skops(deep))
            assert file.safety.verdict is verdict
            assert "skops-type" in ids_of(file)

    def test_what_is_none(self) -> None:
        others = zip_bytes({"schema.json": b'{"type": "object"}'})
        assert look("x.zip", others) is None
        assert seen("x.skops", others).safety.verdict is Verdict.UNSCANNABLE
        for schema in (b"[]", b"{", b"[" * 100_000):
            assert seen("x.skops", zip_bytes({"schema.json": schema})).safety.verdict is (
                Verdict.UNSCANNABLE
            )

    def test_a_schema_beyond_its_bound(self) -> None:
        text = b'{"_skops_version": "1", "a": "' + bytes(17 << 20) + b'"}'
        file = seen("x.skops", zip_bytes({"schema.json": text}, deflate=True))
        assert "too large" in file.safety.findings[0].message


def test_the_version_of_keras_in_a_heap_of_texts() -> None:
    """As h5py writes attributes of variable length: the text lies behind several headers."""
    head = b"\x89HDF\r\n\x1a\n" + bytes(80)
    text = b"keras_version\x00\x00\x00\x19\x01" + bytes(70) + b"GCOL" + bytes(20) + b"3.15.1\x00"
    assert facts_of(seen("m.h5", head + text + bytes(99)))[v.FRAMEWORK_VERSION] == "3.15.1"


def translator(*variables: bytes, count: int | None = None, end: bytes = bytes(4)) -> bytes:
    number = len(variables) if count is None else count
    head = struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + struct.pack("<II", 3, number)
    return head + b"".join(variables) + end


def variable(shape: tuple[int, ...], kind: int = 4, *, size: int | None = None) -> bytes:
    real = math.prod(shape) * (4, 1, 2, 4, 2, 2, 1)[kind]
    head = struct.pack(f"<H2sB{len(shape)}IBI", 2, b"w\0", len(shape), *shape, kind, size or real)
    return head + bytes(real)


class TestCTranslate2:
    def test_its_variables_are_counted(self) -> None:
        alias = struct.pack("<IH2sH2s", 1, 2, b"a\0", 2, b"w\0")
        data = translator(variable((3, 4)), variable((5,), 1), variable((), 3), end=alias)
        for name in ("model.bin", "models--Systran--x/blobs/" + "ab" * 32):
            file = seen(name, data)
            facts = facts_of(file)
            assert (file.format, file.safety.verdict) == ("ctranslate2", Verdict.SAFE)
            assert facts[v.ARCHITECTURE] == "Whisper"
            assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (17, 2, "F16")

    @pytest.mark.parametrize(
        "data",
        [
            translator(variable((3, 4), size=7)),
            translator(variable((3,), 6)),
            translator(count=1 << 31),
            translator(variable((3,)), end=b"\xff\xff\xff\x7f"),
            translator(variable((3,))) + b"more",
            translator(variable((3,)))[:-9],
        ],
    )
    def test_what_cannot_be_read(self, data: bytes) -> None:
        assert seen("model.bin", data).safety.verdict is Verdict.UNSCANNABLE

    def test_other_files(self) -> None:
        for data in (b"\x06\x00\x00\x00\x09\x00Ab\x00" + bytes(99), b"\x06\x00\x00\x00"):
            assert look("x", data) is None
