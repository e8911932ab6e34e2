"""Formats that few images have: known by content, never safe when cut or changed."""

from __future__ import annotations

import dataclasses
import gzip
import struct
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models import formats, rarer, signatures
from lading.models.formats import flatbuffer
from support import model_rare_encoders as rare
from support.models_streams import facts_of, ids_of, look, seen

#: Path → bytes, format, facts.
TRUTH: dict[str, tuple[bytes, str, dict[str, Any]]] = {
    "m/usaddr.crfsuite": (
        rare.crfsuite(),
        "crfsuite",
        {"parameters": 3, "dtype": "F64", "format_version": "100", "task": "token-classification"},
    ),
    "m/en.vec": (
        rare.word2vec(),
        "word2vec",
        {"parameters": 40, "vocabulary_size": 4, "dtype": "F32"},
    ),
    "m/spaces.txt": (rare.word2vec(end=" "), "word2vec", {"parameters": 40}),
    "m/vectors.bin": (rare.word2vec(binary=True), "word2vec", {"parameters": 40}),
    "m/lines.bin": (rare.word2vec(300, 300, binary=True, end="\n"), "word2vec", {}),
    "m/wide.bin": (rare.word2vec(3, 2000, binary=True), "word2vec", {"parameters": 6000}),
    "m/wide.vec": (rare.word2vec(3, 2000), "word2vec", {"parameters": 6000}),
    "m/glove.6B.50d.txt": (
        rare.glove(),
        "glove",
        {"parameters": 200, "vocabulary_size": 4, "dtype": "F32"},
    ),
    "m/flax_model.msgpack": (
        rare.msgpack(rare.FLAX),
        "flax",
        {"parameters": 2416, "tensor_count": 3, "dtype": "F32", "library": "flax"},
    ),
    "m/eng.traineddata": (
        rare.tesseract(),
        "tesseract",
        {
            "architecture": "LSTM",
            "languages": ["eng"],
            "producer": "tesseract 4.00.00alpha:eng:synth20170629",
            "members": ["lstm", "lstm-unicharset", "version"],
        },
    ),
    "m/fra.traineddata": (rare.tesseract(version=""), "tesseract", {"architecture": "LSTM"}),
    "m/face.xml": (
        rare.cascade(),
        "opencv",
        {"architecture": "CascadeClassifier (HAAR)", "task": "object-detection"},
    ),
    "m/licensed.xml": (rare.cascade(licence=9000, features="LBP"), "opencv", {}),
    "m/old.xml": (rare.cascade(old=True), "opencv", {}),
    "m/brisque.yml": (rare.YAML, "opencv", {"architecture": "svm"}),
    "m/resnet.dat": (
        rare.dlib_network(),
        "dlib",
        {"architecture": "loss_metric", "task": "feature-extraction"},
    ),
    "m/landmarks.dat": (
        rare.dlib_landmarks(),
        "dlib",
        {"outputs": [{"name": "landmarks", "shape": [68, 2]}], "task": "keypoint-detection"},
    ),
    "m/many.dat": (rare.dlib_landmarks(194), "dlib", {"architecture": "shape_predictor"}),
    "m/net.param": (
        rare.NCNN,
        "ncnn",
        {"parameters": 1728 + 64 + 64 + 650, "inputs": ["data"], "external_data": ["net.bin"]},
    ),
    "m/net.param.bin": (
        (7_767_517).to_bytes(4, "little") + b"\x04\0\0\0\x04\0\0\0" + bytes(32),
        "ncnn",
        {"external_data": ["net.bin"]},
    ),
    "m/svm.txt": (
        rare.SVM,
        "libsvm",
        {"library": "libsvm", "architecture": "epsilon_svr", "task": "tabular-regression"},
    ),
    "m/linear.model": (rare.LINEAR, "libsvm", {"library": "liblinear", "architecture": "L2R_LR"}),
    "m/means": (rare.SPHINX, "sphinx", {"format_version": "1.0"}),
    "m/mdef": (rare.MDEF, "sphinx", {}),
    "m/sendump": (rare.SENDUMP, "sphinx", {}),
    "m/en.lm.bin": (rare.TRIE, "sphinx-lm", {"vocabulary_size": 43}),
    "m/lm.binary": (rare.KENLM, "kenlm", {"format_version": "5", "vocabulary_size": 2}),
    "m/bvlc.caffemodel": (
        rare.caffe(),
        "caffe",
        {
            "parameters": 7,
            "tensor_count": 2,
            "name": "net",
            "external_data": ["bvlc.prototxt", "deploy.prototxt"],
        },
    ),
    "m/old.caffemodel": (rare.caffe(old=True), "caffe", {"parameters": 7}),
    "m/bare.caffemodel": (rare.caffe()[5:], "caffe", {"parameters": 7}),
    "m/model.json": (
        rare.tfjs(),
        "tfjs",
        {
            "parameters": 16,
            "tensor_count": 2,
            "dtype": "F32",
            "architecture": "Sequential",
            "producer": "TensorFlow.js Converter v4.22.0",
            "external_data": ["group1-shard1of1.bin"],
        },
    ),
    "m/net-weights_manifest.json": (
        rare.MANIFEST,
        "tfjs",
        {"parameters": 16, "external_data": ["net-shard1"]},
    ),
    "m/x.mlmodelc/model.mil": (
        rare.MIL,
        "coreml",
        {"parameters": 32, "dtype": "F16", "producer": "coremltools 8.0"},
    ),
    "m/x.mlmodelc/model.espresso.net": (
        rare.ESPRESSO,
        "coreml",
        {"architecture": "neuralNetwork", "external_data": ["model.espresso.weights"]},
    ),
    "m/add.ort": (
        rare.ort(),
        "ort",
        {
            "format_version": "6",
            "producer": "acme 1.0",
            "inputs": ["x"],
            "outputs": ["y"],
            "opset": [{"domain": "ai.onnx.ml", "version": 0}],
            "tensor_count": 1,
            "parameters": 8,
            "dtype": "F32",
        },
    ),
    "m/own.ort": (rare.ort("acme"), "ort", {"custom_operators": ["acme.MatMul"]}),
    "m/model.wapiti": (
        rare.WAPITI,
        "wapiti",
        {"architecture": "conditional random field", "parameters": 3},
    ),
    "m/slt.htsvoice": (rare.VOICE, "hts-voice", {"format_version": "1.0"}),
    "m/add.pte": (
        rare.executorch(),
        "executorch",
        {
            "parameters": 12,
            "dtype": "F32",
            "signatures": ["forward"],
            "custom_operators": ["acme::own"],
        },
    ),
    "m/delegated.pte": (
        rare.executorch(delegate="XnnpackBackend", magic=b"ET11"),
        "executorch",
        {"tags": ["XnnpackBackend"]},
    ),
    "m/net.mnn": (
        rare.mnn(),
        "mnn",
        {
            "outputs": [{"name": "y"}],
            "producer": "converted from onnx",
            "external_data": ["net.mnn.weight"],
        },
    ),
    "m/yolo.rknn": (
        rare.rknn(),
        "rknn",
        {"name": "yolo", "tags": ["rk3588"], "format_version": "6"},
    ),
    "m/old.rknn": (rare.rknn(1), "rknn", {"format_version": "1"}),
    "m/gemma.litertlm": (rare.LITERTLM, "litertlm", {"format_version": "1.4.0"}),
    "m/porcupine_params.pv": (
        rare.PICOVOICE,
        "picovoice",
        {"library": "pvporcupine", "format_version": "4.0.0"},
    ),
    "m/yolo.weights": (
        rare.DARKNET,
        "darknet",
        {"parameters": 20, "dtype": "F32", "format_version": "0.2.5"},
    ),
    "m/am/final.mdl": (
        rare.TRANSITIONS,
        "kaldi",
        {"architecture": "Nnet3", "task": "automatic-speech-recognition"},
    ),
    "m/nmt.spm": (
        rare.sentencepiece(),
        "sentencepiece",
        {"vocabulary_size": 5, "kind": "vocabulary"},
    ),
    "m/lm.arpa": (rare.ARPA, "arpa", {"vocabulary_size": 5, "architecture": "NGram"}),
}
NAMES = pytest.mark.parametrize("path", sorted(TRUTH))


@NAMES
def test_format_and_facts_are_known_by_content(path: str) -> None:
    data, name, facts = TRUTH[path]
    found = seen(path, data)
    assert found.format == name
    assert facts.items() <= facts_of(found).items()
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SAFE, set())


@NAMES
def test_a_suffix_alone_makes_no_model(path: str) -> None:
    assert look(path, b"Just a text without any meaning.\n" * 8) is None


#: Formats whose headers say how much follows.
CUT = sorted(
    set(TRUTH)
    - {"m/glove.6B.50d.txt", "m/brisque.yml", "m/resnet.dat", "m/landmarks.dat", "m/many.dat"}
    - {"m/net.param.bin", "m/means", "m/mdef", "m/sendump", "m/lm.binary", "m/linear.model"}
    - {"m/gemma.litertlm", "m/porcupine_params.pv", "m/am/final.mdl", "m/yolo.weights"}
    - {"m/en.lm.bin", "m/svm.txt", "m/eng.traineddata", "m/fra.traineddata"}
)


@pytest.mark.parametrize("path", CUT)
def test_half_a_model_is_never_safe(path: str) -> None:
    data = TRUTH[path][0]
    found = look(path, data[: len(data) * 3 // 4])
    assert found is None or found.safety.verdict is Verdict.UNSCANNABLE


@NAMES
def test_a_file_cut_short_never_raises(path: str) -> None:
    data = TRUTH[path][0]
    for size in {*range(1, min(len(data), 160)), len(data) // 2, len(data) - 1}:
        look(path, data[:size])


@NAMES
@given(at=st.integers(0, 400), value=st.integers(0, 255))
def test_a_file_with_a_wrong_byte_never_raises(path: str, at: int, value: int) -> None:
    data = bytearray(TRUTH[path][0])
    data[at % len(data)] = value
    look(path, bytes(data))


def test_what_headers_claim_must_fit_the_file() -> None:
    lies = {
        "m/a.crfsuite": rare.crfsuite() + b"x",
        "m/b.crfsuite": rare.crfsuite().replace(b"FEAT\x48", b"FEAT\x49"),
        "m/a.bin": rare.word2vec(binary=True)[:-8],
        "m/b.bin": rare.word2vec(binary=True) + bytes(9999),
        "m/a.vec": rare.word2vec() + b"another 1.0\n",
        "m/a.msgpack": rare.msgpack(rare.FLAX) + b"x",
        "m/a.traineddata": rare.tesseract(version="")[:240],
        "m/a.xml": rare.cascade()[:-12],
        "m/a.param": rare.NCNN.replace(b"4 4\n", b"9 4\n"),
        "m/b.param": rare.NCNN.replace(b"PReLU ", b"*"),
        "m/svm.txt": rare.SVM.partition(b"SV\n")[0] + b"SV\n",
        "m/svm.model": rare.SVM.replace(b"SV\n", b"x 1\n" * 40),
        "m/b.txt": rare.SVM.replace(b"total_sv 1", b"total_sv 2"),
        "m/c.txt": rare.SVM.replace(b"total_sv 1", b"total_sv x"),
        "m/d.txt": rare.SVM[:-3],
        "m/a.model": rare.LINEAR.replace(b"bias -1", b"bias 1"),
        "m/b.model": rare.LINEAR[:-6],
        "m/a.lm.bin": rare.TRIE[:200],
        "m/b.lm.bin": rare.TRIE[:-1],
        "m/c.lm.bin": rare.TRIE + b"x",
        "m/means": rare.SPHINX[:-8],
        "m/variances": rare.SPHINX + bytes(8),
        "m/a.binary": rare.KENLM[:100],
        "m/b.binary": rare.KENLM[:-2],
        "m/a.caffemodel": rare.caffe()[:-2],
        "m/b.caffemodel": rare.caffe() + b"\xa2\x06\x7f",
        "m/a.json": rare.tfjs()[:-4],
        "m/b.json": rare.tfjs(weightsManifest=[]),
        "m/c.json": rare.tfjs(weightsManifest=[3]),
        "m/d.json": rare.tfjs(weightsManifest=[{"weights": [{"shape": [-1]}]}]),
        "m/e.json": rare.tfjs(weightsManifest={}),
        "m/m.json": rare.MANIFEST[:-9],
        "m/a.mil": rare.MIL[:-4],
        "m/x.mlmodelc/model.espresso.net": rare.ESPRESSO[:-4],
        "m/a.ort": rare.ort()[:-4],
        "m/b.ort": rare.ort()[:60],
        "m/a.wapiti": rare.WAPITI[:-1],
        "m/b.wapiti": rare.WAPITI[:-11],
        "m/c.wapiti": rare.WAPITI.replace(b"#3\n", b"#4\n"),
        "m/a.htsvoice": rare.VOICE[:-1],
        "m/b.htsvoice": rare.VOICE + b"x",
        "m/c.htsvoice": rare.VOICE.replace(b"[DATA]", b"[MORE]"),
        "m/d.htsvoice": rare.VOICE.replace(b"-", b"~"),
        "m/a.pte": rare.executorch()[:-20],
        "m/a.rknn": rare.rknn()[:-3],
        "m/b.rknn": rare.rknn()[:64] + b"\xff" * 200,
        "m/c.rknn": rare.rknn().replace(b"{", b"["),
        "m/a.pv": rare.PICOVOICE[:500],
        "m/a.weights": rare.DARKNET + b"x",
        "m/a.mdl": rare.TRANSITIONS[:100],
        "m/b.mdl": rare.TRANSITIONS[:480],
        "m/c.mdl": rare.TRANSITIONS[:-4],
        "m/d.mdl": rare.TRANSITIONS + bytes(4),
        "m/a.ie": rare.EXTRACTOR[:-3],
        "m/a.spm": rare.sentencepiece(trained=False),
        "m/b.spm": rare.sentencepiece()[:-3],
        "m/a.param.bin": TRUTH["m/net.param.bin"][0][:14],
        "m/a.arpa": rare.ARPA.replace(rb"\end", b""),
    }
    for path, data in lies.items():
        assert seen(path, data).safety.verdict is Verdict.UNSCANNABLE, path


def test_languages_of_more_than_one_order() -> None:
    for sizes, length in (
        ((43, 1509), 12 * 44 + 4 + 4 * 65536 + (22 * 1510 + 7) // 8 + 8),
        ((43, 1509, 21837), 857_071 - 32),  # as en-us-phone.lm.bin of pocketsphinx
    ):
        head = b"Trie Language Model" + bytes([len(sizes)]) + struct.pack(f"<{len(sizes)}I", *sizes)
        whole = head + bytes(length) + struct.pack("<I", 5) + b"words"
        assert seen("m/a.lm.bin", whole).safety.verdict is Verdict.SAFE
        assert seen("m/a.lm.bin", whole[:-1]).safety.verdict is Verdict.UNSCANNABLE


def test_weights_of_wapiti_are_counted_across_pieces() -> None:
    lines = b"".join(b"%d=0x1.8p-1\n" % number for number in range(200_000))
    head = rare.WAPITI.partition(b"0=")[0].replace(b"#3\n", b"#200000\n")
    assert seen("m/model.wapiti", head + lines).safety.verdict is Verdict.SAFE
    cut = seen("m/model.wapiti", head + lines[:-300_000])
    assert cut.safety.verdict is Verdict.UNSCANNABLE


def test_a_graph_of_onnx_runtime_whose_tables_lie_behind_its_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flatbuffer, "LIMITS", dataclasses.replace(LIMITS, flatbuffer=40))
    found = seen("m/add.ort", rare.ort())
    assert [one.id for one in found.safety.findings] == ["ort-not-counted"]


def test_probabilities_are_counted_where_a_model_has_some() -> None:
    bare = rare.TRANSITIONS.partition(b"<LeftContext>")[0]
    assert seen("m/a.mdl", bare).safety.verdict is Verdict.SAFE
    large = rare.TRANSITIONS.replace(bytes(400), bytes(2 << 20))
    assert seen("m/a.mdl", large).format == "kaldi"


def test_each_first_byte_leads_to_one_table() -> None:
    assert all(len(magic) in (1, 2, 4) for magic in signatures.BY_MAGIC)
    for magic in rarer.RARER:
        same = signatures.BY_MAGIC[magic] is rarer.RARER[magic]
        assert same, f"{magic!r} is another format's, too"


def test_formats_that_no_file_has_are_not_loaded() -> None:
    program = (
        "import sys, lading.models;"
        "print([n for n in sys.modules if n.startswith('lading.models.formats.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = done.stdout
    assert "lading.models.formats.gguf" in loaded
    assert len(formats.__all__) >= 17
    assert [name for name in formats.__all__ if f".{name}'" in loaded] == []


@pytest.mark.parametrize(
    "path", ["m/vectors.bin", "m/en.vec", "m/flax_model.msgpack", "m/bvlc.caffemodel", "m/nmt.spm"]
)
def test_compressed_files_are_what_they_hold(path: str) -> None:
    data, name, _ = TRUTH[path]
    found = seen(f"{path}.gz", gzip.compress(data))
    assert (found.format, found.safety.verdict) == (name, Verdict.SAFE)
    assert seen(f"{path}.gz", gzip.compress(data)[:-9]).safety.verdict is Verdict.UNSCANNABLE
