"""Formats that few images have: each is known by its bytes, and nothing else is taken for one."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory import Role, Verdict
from lading.models import formats, rarer, signatures
from support import model_encoders as enc
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
    "m/lm.binary": (rare.KENLM, "kenlm", {"format_version": "5"}),
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
        "m/a.lm.bin": rare.TRIE[:200],
        "m/a.binary": rare.KENLM[:100],
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
        "m/a.pte": rare.executorch()[:-20],
        "m/a.rknn": rare.rknn()[:-3],
        "m/b.rknn": rare.rknn()[:64] + b"\xff" * 200,
        "m/c.rknn": rare.rknn().replace(b"{", b"["),
        "m/a.pv": rare.PICOVOICE[:500],
        "m/a.weights": rare.DARKNET + b"x",
        "m/a.mdl": rare.TRANSITIONS[:100],
        "m/a.spm": rare.sentencepiece(trained=False),
        "m/b.spm": rare.sentencepiece()[:-3],
        "m/a.param.bin": TRUTH["m/net.param.bin"][0][:14],
        "m/a.arpa": rare.ARPA.replace(rb"\end", b""),
    }
    for path, data in lies.items():
        assert seen(path, data).safety.verdict is Verdict.UNSCANNABLE, path


def test_vectors_of_hostile_sizes_are_bounded() -> None:
    found = look("m/x.bin", rare.word2vec(binary=True).replace(b"4 10\n", b"9999999999 10\n"))
    assert found is not None
    assert found.safety.verdict is Verdict.UNSCANNABLE
    assert look("m/x.vec", b"4 99999\nword 1.0 2.0") is None


@pytest.mark.parametrize(
    "text",
    [
        b"3 4\n1.0 2.0 3.0 4.0\n5.0 6.0 7.0 8.0\n",  # a matrix
        b"4 10\n" + b"1 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5 0.5\n" * 4,  # numbered points
        b"4 10\n" + b"a 1 2 3 4 5 6 7 8 9 10\n" * 4,  # counts
        b"2 3\nalice 0.5 0.5 0.5\nbob 0.5 0.5 0.5\n",  # a few columns
        b"1 1:0.5 2:0.25\n2 1:0.5\n",  # svmlight
        b"10 10\n" + bytes(400),
        b"10 10\nword " + b"\xff" * 400,
        b"10 10\n",
        b"2024 11\nThe year of the words and the wars.\n",
        b"12 300\n" + "Ä".encode() * 3000,
    ],
)
def test_other_tables_are_no_vectors(text: bytes) -> None:
    assert look("m/table.txt", text) is None
    assert look("m/table.dat", text) is None


def test_vectors_without_sizes_need_a_telling_name() -> None:
    assert look("m/table.txt", rare.glove()) is None
    assert look("m/glove.txt", rare.glove(dimensions=49)) is None
    assert seen("m/word2vec/table.txt", rare.glove()).format == "glove"


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": "c"},
        {"a": {"b": {}}},
        {"a": ("object", (2,), 4)},
        {"a": ("float32", (2,), 8)},
        {},
    ],
)
def test_other_maps_are_no_arrays(value: Any) -> None:
    assert look("m/cache.msgpack", rare.msgpack(value)) is None


def test_an_array_in_pieces_is_one() -> None:
    piece = ("float16", (4,), 2)
    big = {
        "__msgpack_chunked_array__": True,
        "shape": {"0": 2, "1": 4},
        "chunks": {"0": piece, "1": piece},
    }
    facts = facts_of(seen("m/m.msgpack", rare.msgpack({"a": big, "b": piece})))
    assert (facts["tensor_count"], facts["parameters"], facts["dtype"]) == (2, 12, "F16")


def test_maps_in_maps_are_bounded() -> None:
    good = rare.msgpack(rare.FLAX)
    deep = b"\x82\xa1w" + rare.msgpack(("float32", (1,), 4)) + b"\xa1a" + b"\x81\xa1a" * 10_000
    assert seen("m/m.msgpack", deep + good).safety.verdict is Verdict.UNSCANNABLE
    many = b"\xdf\xff\xff\xff\xff\xa1w" + rare.msgpack(("float32", (1,), 4))
    assert seen("m/m.msgpack", many).safety.verdict is Verdict.UNSCANNABLE
    for tail in (b"\xc1", b"\xd9\x02a", b"\xda\xff\xffa", b"\xc7\x02\x01\x93\x95"):
        broken = b"\x82\xa1w" + rare.msgpack(("float32", (1,), 4)) + b"\xa1a" + tail
        assert seen("m/m.msgpack", broken).safety.verdict is Verdict.UNSCANNABLE


def test_values_of_every_kind_are_stepped_over() -> None:
    kinds = [
        b"\xc0", b"\xc2", b"\xca" + bytes(4), b"\xcb" + bytes(8), b"\xcc\x01", b"\xe0", b"\xd0\xff",
        b"\xa2ab", b"\xd9\x02ab", b"\xc4\x02ab", b"\x92\x01\x02", b"\xdc\x00\x01\x05",
        b"\xde\x00\x01\xa1b\x01", b"\xd4\x05\x00", b"\xd8\x05" + bytes(16), b"\xc7\x01\x02\x00",
    ]  # fmt: skip
    entries = b"".join(b"\xa1%c" % (97 + i) + one for i, one in enumerate(kinds))
    whole = b"\xde" + (len(kinds) + 1).to_bytes(2, "big") + entries
    shapes = (("int8", (200,), 1), ("int8", (), 1), ("float64", (1, 70_000), 8))
    for shape in shapes[1:]:
        number = rare.msgpack(shape).replace(b"\x01\x93", b"\x03\x93", 1)  # a scalar's type
        assert seen("m/m.msgpack", b"\x81\xa1a" + number).safety.verdict is Verdict.SAFE
    found = seen("m/m.msgpack", whole + b"\xa1z" + rare.msgpack(("int8", (200,), 1)))
    assert (found.safety.verdict, facts_of(found)["parameters"]) == (Verdict.SAFE, 200)


@pytest.mark.parametrize(
    "data",
    [
        rare.tesseract().replace(b"\x18", b"\x19", 1),
        b"\x18\0\0\0" + bytes(400),
        b"\x18\0\0\0" + b"\xff" * 400,
        b"<?xml version='1.0'?><opencv_storage><camera_matrix></camera_matrix></opencv_storage>",
        b"<?xml version='1.0'?><!--" + b"x" * 9000 + b"--><svg></svg>",
        b"%YAML:1.0\n---\nrange: !!opencv-matrix\n",
        b"\x01\x01\x01\x0dloss_",
        b"\x01\x01\x81\x07\x81\x01" + bytes(64),
        b"\x01\x01\x81\x88\x81\x01" + b"\x09" * 64,
        b"\x01\x01\x81\x88\x81\x01" + b"\x02\x01\x01\x02\x01\x01" * 16,
        b"\x01\x01" + b"\x05" * 64,
        b"7767517\n12 monkeys\n",
        b"7767517\n2 2\n\n",
        (7_767_517).to_bytes(4, "little") + bytes(32),
        b"lCRF" + bytes(64),
        b"RKNN" + bytes(64),
        b"LITERATURE" + bytes(64),
        b"porcupine 4 is a ship\n",
        b"\x00B<Table> " + bytes(64),
        b"\xd6\xfd\xb2\x7e\x09\0\0\0const\x08\0\0\0standard",
        b"\0\0\0\0\x02\0\0\0\x05\0\0\0" + bytes(400),
        b"\xa2\x06\x05\x0a\x01a\x12\x01" + bytes(64),
        enc.field(1, "name") + enc.field(2, enc.field(1, "x") + enc.field(5, 4)),
        enc.field(1, "name\n") + enc.field(100, b""),
        enc.field(1, enc.field(1, "<unk>")) * 4,
        rare.sentencepiece().replace(b"<", b"("),
        b'{"format": "esm", "weightsManifest": []}',
        b'[{"weights": 3}]',
        b'[{"metadataOutputVersion": "3.0"}]',
        b"program(1.0) is a call",
        rare.mnn(),
        b"svm_type of thing\n",
    ],
)
def test_what_only_begins_alike_is_none(data: bytes) -> None:
    assert look("m/file.dat", data) is None


@pytest.mark.parametrize(
    ("path", "data", "finding"),
    [
        ("m/a.caffemodel", rare.caffe(kind="Python"), "caffe-python-layer"),
        ("m/a.prototxt", rare.PROTOTXT.replace(b"Input", b"Python"), "caffe-python-layer"),
        ("m/b.prototxt", rare.PROTOTXT + b" " * 3000 + b"python_param {\n", "caffe-python-layer"),
        (
            "m/x.mlmodelc/model.espresso.net",
            rare.ESPRESSO.replace(b"convolution", b"custom"),
            "coreml-custom",
        ),
    ],
)
def test_what_asks_for_code_is_suspicious(path: str, data: bytes, finding: str) -> None:
    found = seen(path, data)
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SUSPICIOUS, {finding})


def test_programs_and_parts_are_companions() -> None:
    for path, data, kind in (
        ("m/deploy.prototxt", rare.PROTOTXT, "prototxt"),
        ("m/ivector/final.mat", rare.MATRIX, "kaldi-part"),
        ("m/graph/HCLG.fst", rare.FST, "kaldi-part"),
    ):
        found = seen(path, data)
        assert (found.role, found.format, facts_of(found)["kind"]) == (Role.OTHER, None, kind)
    found = seen("m/x.mlmodelc/metadata.json", rare.METADATA)
    facts = {"author": "acme", "license": "MIT", "description": "Adds one.", "kind": "mlmodelc"}
    assert found.role is Role.CONFIG
    assert facts.items() <= facts_of(found).items()
    assert facts_of(found)["inputs"] == [{"name": "x"}]


def test_a_flatbuffer_without_operators_is_none() -> None:
    assert look("m/net.mnn", rare.mnn(operators=0)) is None
    assert look("m/net.mnn", rare.executorch()[:4] + bytes(100)) is None
    assert look("m/net.mnn", struct.pack("<I", 16) + b"\xff" * 100) is None


def test_layers_that_are_not_counted_make_no_count() -> None:
    text = rare.NCNN.replace(b"PReLU            act1  1 1 conv1 act1", b"BatchNorm a 1 1 b c")
    assert "parameters" not in facts_of(seen("m/net.param", text))


def test_a_classifier_in_xml() -> None:
    text = b"<?xml version='1.0'?><opencv_storage><opencv_ml_svm><f>3</f></opencv_ml_svm>"
    assert facts_of(seen("m/svm.xml", text + b"</opencv_storage>"))["architecture"] == "svm"


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


def test_maps_that_end_at_once_are_none() -> None:
    for start in (b"\x81", b"\x8f", b"\xde", b"\xdf\x00", b"\x81\xa1", b"\x81\x05"):
        assert look("m/m.msgpack", start) is None


@pytest.mark.parametrize(
    "path", ["m/vectors.bin", "m/en.vec", "m/flax_model.msgpack", "m/bvlc.caffemodel", "m/nmt.spm"]
)
def test_compressed_files_are_what_they_hold(path: str) -> None:
    data, name, _ = TRUTH[path]
    found = seen(f"{path}.gz", gzip.compress(data))
    assert (found.format, found.safety.verdict) == (name, Verdict.SAFE)
    assert seen(f"{path}.gz", gzip.compress(data)[:-9]).safety.verdict is Verdict.UNSCANNABLE
