"""What only resembles a rarer format is none; what is odd in one is bounded, and said."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from lading.inventory import Role, Verdict
from support import model_encoders as enc
from support import model_rare_encoders as rare
from support.models_streams import facts_of, ids_of, look, seen


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


def test_maps_that_end_at_once_are_none() -> None:
    for start in (b"\x81", b"\x8f", b"\xde", b"\xdf\x00", b"\x81\xa1", b"\x81\x05"):
        assert look("m/m.msgpack", start) is None
