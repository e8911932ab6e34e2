"""Files of rarer formats, written byte by byte after their descriptions."""

from __future__ import annotations

import json
import struct
from typing import Any

from support.model_encoders import field, varint


def crfsuite(*, features: int = 3, labels: int = 2) -> bytes:
    """Encode a CRFsuite model with empty databases."""
    chunk = struct.pack("<4sII", b"FEAT", 12 + 20 * features, features) + bytes(20 * features)
    after = 48 + len(chunk)
    header = struct.pack(
        "<4sI4s9I", b"lCRF", after + 8, b"FOMC", 100, 0, labels, 5, 48, after, after, after, after
    )
    return header + chunk + bytes(8)


def word2vec(words: int = 4, dimensions: int = 10, *, binary: bool = False, end: str = "") -> bytes:
    """Encode vectors with the line of sizes; ``end`` stands behind each word's."""
    out = [f"{words} {dimensions}\n".encode()]
    for number in range(words):
        values = [0.25 + number + i / 8 for i in range(dimensions)]
        out.append(f"word{number} ".encode())
        if binary:
            out.append(struct.pack(f"<{dimensions}f", *values) + end.encode())
        else:
            out.append(" ".join(map(repr, values)).encode() + end.encode() + b"\n")
    return b"".join(out)


def glove(words: int = 4, dimensions: int = 50) -> bytes:
    """Encode vectors without the line of sizes."""
    return word2vec(words, dimensions).partition(b"\n")[2]


def msgpack(value: Any) -> bytes:
    """Encode what Flax makes of a tree: maps, numbers, texts, and arrays as ``(type, shape)``."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return bytes([value]) if value < 128 else b"\xce" + struct.pack(">I", value)
    if isinstance(value, str):
        raw = value.encode()
        return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else b"\xd9" + bytes([len(raw)])) + raw
    if isinstance(value, tuple):
        kind, shape, width = value
        size = width
        for extent in shape:
            size *= extent
        data = b"\x93" + bytes([0x90 | len(shape)]) + b"".join(map(msgpack, shape)) + msgpack(kind)
        data += b"\xc6" + struct.pack(">I", size) + bytes(size)
        return b"\xc9" + struct.pack(">I", len(data)) + b"\x01" + data
    head = (
        bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + struct.pack(">H", len(value))
    )
    return head + b"".join(msgpack(key) + msgpack(one) for key, one in value.items())


FLAX = {
    "step": 7,
    "params": {
        "dense": {"kernel": ("float32", (300, 8), 4), "bias": ("float32", (8,), 4)},
        "a name that is longer than thirty-one bytes": {"scale": ("bfloat16", (8,), 2)},
    },
}


def tesseract(*, version: str = "4.00.00alpha:eng:synth20170629", entries: int = 24) -> bytes:
    """Encode a ``.traineddata`` with a recognizer, its characters, and a version."""
    parts = {17: b"network" * 8, 21: b"characters"}
    if version:
        parts[23] = version.encode()
    offsets, data, at = [], b"", 4 + 8 * entries
    for number in range(entries):
        if number in parts:
            offsets.append(at + len(data))
            data += parts[number]
        else:
            offsets.append(-1)
    return struct.pack(f"<I{entries}q", entries, *offsets) + data


def cascade(*, licence: int = 0, features: str = "HAAR", old: bool = False) -> bytes:
    """Encode a cascade of OpenCV behind a comment of ``licence`` bytes."""
    comment = f"<!--{'x' * licence}-->\n" if licence else ""
    body = (
        '<face type_id="opencv-haar-classifier"><size>20 20</size></face>'
        if old
        else f'<cascade type_id="opencv-cascade-classifier"><stageType>BOOST</stageType>\n'
        f"  <featureType>{features}</featureType><height>20</height></cascade>"
    )
    text = f'<?xml version="1.0"?>\n{comment}<opencv_storage>\n{body}\n</opencv_storage>\n'
    return text.encode()


def dlib_number(number: int) -> bytes:
    """Encode a number as dlib does."""
    size = max(1, (abs(number).bit_length() + 7) // 8)
    return bytes([size | (0x80 if number < 0 else 0)]) + abs(number).to_bytes(size, "little")


def dlib_network(loss: str = "loss_metric_2") -> bytes:
    """Encode the start of a network."""
    return b"\x01\x01" + dlib_number(len(loss)) + loss.encode() + bytes(64)


def dlib_landmarks(points: int = 68) -> bytes:
    """Encode the start of a predictor of landmarks."""
    numbers = dlib_number(1) + dlib_number(-2 * points) + dlib_number(-1)
    return numbers + (dlib_number(0x123456) + dlib_number(-27)) * 2 * points + bytes(64)


NCNN = b"""7767517
4 4
Input            data  0 1 data 0=227 1=227 2=3
Convolution      conv1 1 1 data conv1 0=64 1=3 5=1 6=1728
PReLU            act1  1 1 conv1 act1 0=64
InnerProduct     fc    1 1 act1 fc 0=10 1=1 2=640
"""
SVM = b"""svm_type epsilon_svr
kernel_type rbf
gamma 0.05
nr_class 2
total_sv 1
rho -155.845
SV
-1024 1:-0.597198 2:-0.143425
"""
LINEAR = b"solver_type L2R_LR\nnr_class 2\nlabel 1 -1\nnr_feature 2\nbias -1\nw\n0.5\n-0.25\n"
YAML = b"%YAML:1.0\n---\nopencv_ml_svm:\n   format: 3\n   svmType: EPS_SVR\n"
SPHINX = (
    b"s3\nversion 1.0\nchksum0 yes\n      endhdr\nD3\x22\x11"
    + struct.pack("<5I", 2, 1, 3, 4, 24)
    + bytes(24 * 4 + 4)
)
MDEF = b"BMDF" + struct.pack("<II", 1, 1052) + b"BEGIN FILE FORMAT DESCRIPTION\n" + bytes(64)
SENDUMP = b"\x1e\x00\x00\x00BEGIN FILE FORMAT DESCRIPTION\x00" + bytes(64)
TRIE = b"Trie Language Model\x01" + struct.pack("<I", 43) + bytes(12 * 44)
TRIE += struct.pack("<I", 120) + bytes(120)
#: Two words and one pair of them in tables of hashes, each with a place to spare.
KENLM = (
    b"mmap lm http://kheafield.com/code format version 5\n".ljust(56, b"\0")
    + struct.pack("<3f3IQ", 0.0, 1.0, -0.5, 1, 0xFFFF_FFFF, 0, 1)
    + struct.pack("<B3xfIB7x2Q", 2, 1.5, 0, 1, 2, 1)
    + bytes(4 + 8 + 12 * 3 + 8 * 3 + 12 * 2)
    + b"<unk>\0words\0"
)
ARPA = rb"""\data\
ngram 1=5
ngram 2=2

\1-grams:
-0.5	<s>	-0.3

\end\
"""


def caffe(*, old: bool = False, kind: str = "Convolution", name: str = "net") -> bytes:
    """Encode a Caffe network of an input and one layer with 6 weights and a bias."""
    blob = field(7, field(1, 2) + field(1, 3)) + field(5, bytes(24))
    if old:
        layer = field(2, "x") + field(3, "y") + field(4, "conv1") + field(5, 4)
        return field(1, name) + field(2, layer + field(6, blob) + field(6, b"\x2d" + bytes(4)))
    data = field(1, "data") + field(2, "Input") + field(4, "data")
    layer = field(1, "conv1") + field(2, kind) + field(3, "data") + field(7, blob)
    layer += field(7, varint(5 << 3 | 5) + bytes(4))  # one float, not packed
    return field(1, name) + field(100, data) + field(100, layer)


PROTOTXT = b"""# A comment
name: "net"
layer {
  name: "data"
  type: "Input"
}
"""


def tfjs(**more: Any) -> bytes:
    """Encode a ``model.json``."""
    weights = [
        {"name": "w", "shape": [3, 4], "dtype": "float32"},
        {"name": "b", "shape": [4], "dtype": "float32", "quantization": {"dtype": "uint8"}},
    ]
    document = {
        "format": "layers-model",
        "convertedBy": "TensorFlow.js Converter v4.22.0",
        "modelTopology": {"model_config": {"class_name": "Sequential"}},
        "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": weights}],
        **more,
    }
    return json.dumps(document).encode()


MANIFEST = json.dumps(json.loads(tfjs())["weightsManifest"]).encode().replace(
    b'{"paths": ["group1-shard1of1.bin"], ', b'{"paths": ["net-shard1"], '
)  # fmt: skip
MIL = b"""program(1.0)
[buildInfo = dict<tensor<string, []>, tensor<string, []>>({{"coremltools-version", "8.0"}})]
{
    func main<ios16>(tensor<fp16, [1, 8]> x) {
        tensor<fp16, [4, 8]> w = const()[name = tensor<string, []>("w"), val = \
tensor<fp16, [4, 8]>(BLOBFILE(path = tensor<string, []>("@model_path/weights/weight.bin"), \
offset = tensor<uint64, []>(64)))];
    } -> (y);
}
"""
ESPRESSO = b"""{
  "storage" : "model.espresso.weights",
  "analyses" : {},
  "format_version" : 200,
  "layers" : [ { "type" : "convolution", "name" : "conv" } ]
}
"""
METADATA = b"""[
  {
    "metadataOutputVersion" : "3.0",
    "author" : "acme",
    "license" : "MIT",
    "shortDescription" : "Adds one.",
    "modelType" : { "name" : "MLModelType_mlProgram" },
    "inputSchema" : [ { "name" : "x" } ]
  }
]
"""


def executorch(*, delegate: str = "", magic: bytes = b"ET12") -> bytes:
    """Encode a program of one method ``forward`` with a constant of 3 by 4."""
    flat = _Flat()
    sizes = flat.add(struct.pack("<I2i", 2, 3, 4))
    tensor = flat.table({0: ("b", 6), 2: ("o", sizes), 5: ("I", 1)})
    value = flat.table({0: ("B", 5), 1: ("o", tensor)})
    operator = flat.table({0: ("o", flat.text("aten::add")), 1: ("o", flat.text("out"))})
    own = flat.table({0: ("o", flat.text("acme::own"))})
    fields = {
        0: ("o", flat.text("forward")),
        2: ("o", flat.vector(value)),
        6: ("o", flat.vector(operator, own)),
    }
    if delegate:
        fields[7] = ("o", flat.vector(flat.table({0: ("o", flat.text(delegate))})))
    plan = flat.table(fields)
    return flat.finish(flat.table({0: ("I", 0), 1: ("o", flat.vector(plan))}), magic)


def ort(domain: str = "") -> bytes:
    """Encode a graph of ONNX Runtime's with one MatMul and its 4 by 2 weights."""
    flat = _Flat()
    weights = flat.add(struct.pack("<I8f", 32, *[0.5] * 8))
    dims = flat.add(struct.pack("<I2q", 2, 4, 2))
    tensor = flat.table({2: ("o", dims), 3: ("i", 1), 4: ("o", weights)})
    node = flat.table({2: ("o", flat.text(domain)), 5: ("o", flat.text("MatMul"))})
    graph = {0: ("o", flat.vector(tensor)), 2: ("o", flat.vector(node))}
    graph[5] = ("o", flat.vector(flat.text("x")))
    graph[6] = ("o", flat.vector(flat.text("y")))
    domains = flat.vector(flat.table({0: ("o", flat.text("ai.onnx.ml"))}))
    model = {1: ("o", domains), 2: ("o", flat.text("acme")), 3: ("o", flat.text("1.0"))}
    model[7] = ("o", flat.table(graph))
    session = {0: ("o", flat.text("6")), 1: ("o", flat.table(model))}
    return flat.finish(flat.table(session), b"ORTM")


WAPITI = b"""#mdl#2#3
#rdr#2/1/0
5:u:%x0,
1:b,
#qrk#2
1:B,
1:I,
#qrk#1
7:u:12=tea,
0=0x1.8p-1
3=-0x1.0p+0
7=0x0.8p+2
"""
VOICE = b"""[GLOBAL]
HTS_VOICE_VERSION:1.0
SAMPLING_FREQUENCY:32000
[STREAM]
VECTOR_LENGTH[LF0]:1
[POSITION]
DURATION_PDF:0-19
STREAM_WIN[LF0]:20-24,25-39
[DATA]
""" + bytes(40)


def mnn(*, operators: int = 1) -> bytes:
    """Encode a network of MNN's that ONNX was converted to."""
    flat = _Flat()
    names = flat.vector(flat.text("x"), flat.text("y"))
    outputs = flat.vector(flat.text("y"))
    nodes = [flat.table({3: ("o", flat.text("conv")), 5: ("i", 12)}) for _ in range(operators)]
    fields = {3: ("o", flat.vector(*nodes)), 4: ("o", outputs), 6: ("b", 3), 7: ("o", names)}
    return flat.finish(flat.table(fields), b"")


class _Flat:
    """Builds a FlatBuffer from its end; places are counted from there, as offsets lead forward."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, data: bytes) -> int:
        self._data = data + bytes(-len(data) % 4) + self._data
        return len(self._data)

    def text(self, value: str) -> int:
        return self.add(struct.pack("<I", len(value)) + value.encode() + b"\0")

    def vector(self, *places: int) -> int:
        start = len(self._data) + 4 + 4 * len(places)
        offsets = [start - 4 - 4 * i - place for i, place in enumerate(places)]
        return self.add(struct.pack(f"<I{len(places)}I", len(places), *offsets))

    def table(self, fields: dict[int, tuple[str, int]]) -> int:
        """Write a table with a slot of four bytes for each field, its vtable before it."""
        count = max(fields) + 1
        start = len(self._data) + 4 + 4 * len(fields)
        slots, body = [0] * count, b""
        for at, (number, (form, value)) in enumerate(fields.items()):
            slots[number] = 4 + 4 * at
            data = struct.pack("<I", start - 4 - 4 * at - value) if form == "o" else b""
            body += (data or struct.pack(f"<{form}", value)).ljust(4, b"\0")
        vtable = struct.pack(f"<HH{count}H", 4 + 2 * count, 4 + len(body), *slots)
        padding = bytes(-len(vtable) % 4)
        self.add(struct.pack("<i", len(vtable) + len(padding)) + body)
        place = len(self._data)
        self._data = vtable + padding + self._data
        return place

    def finish(self, root: int, magic: bytes) -> bytes:
        start = 4 + len(magic)
        return struct.pack("<I", len(self._data) + start - root) + magic + self._data


def rknn(version: int = 6, size: int = 96) -> bytes:
    """Encode an RKNN file."""
    about = json.dumps({"name": "yolo", "target_platform": ["rk3588"]}).encode()
    padding = bytes(40 if version > 1 else 0)
    return (
        struct.pack("<4s4xQQ", b"RKNN", version, size)
        + padding
        + bytes(size)
        + struct.pack("<Q", len(about))
        + about
    )


LITERTLM = b"LITERTLM" + struct.pack("<3I", 1, 4, 0) + bytes(64)
PICOVOICE = b"porcupine4.0.0\x9a\x02" + bytes(2000)
DARKNET = struct.pack("<3iQ", 0, 2, 5, 32_013_312) + struct.pack("<20f", *[0.5] * 20)
TRANSITIONS = b"\x00B<TransitionModel> <Topology> " + bytes(400) + b"<Nnet3> " + bytes(40)
TRANSITIONS += b"</Nnet3> <LeftContext> \x04\0\0\0\0<Priors> FV \x04\x02\0\0\0" + bytes(8)
EXTRACTOR = b"\x00B<IvectorExtractor> " + bytes(400) + b"</IvectorExtractor> "
MATRIX = b"\x00BFM \x04\x02\0\0\0\x04\x02\0\0\0" + bytes(16)
FST = b"\xd6\xfd\xb2\x7e\x05\0\0\0const\x08\0\0\0standard" + bytes(64)


def sentencepiece(*, trained: bool = True, kind: int = 2) -> bytes:
    """Encode five pieces, and which algorithm made them."""
    out = b""
    for number, text in enumerate(("<unk>", "<s>", "</s>", "\u2581the", "a")):
        score = varint(2 << 3 | 5) + struct.pack("<f", -number)
        mark = field(3, 2 if number == 0 else 3) if number < 3 else b""
        out += field(1, field(1, text) + score + mark)
    trainer = field(1, "corpus.txt") + field(3, kind) + field(4, 5)
    return out + (field(2, trainer) + field(3, field(1, "nmt_nfkc")) if trained else b"")
