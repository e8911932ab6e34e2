"""Files of rarer formats, written byte by byte after their descriptions."""

from __future__ import annotations

import struct
from typing import Any


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
SPHINX = b"s3\nversion 1.0\nchksum0 yes\n      endhdr\nD3\x22\x11" + bytes(64)
MDEF = b"BMDF" + struct.pack("<II", 1, 1052) + b"BEGIN FILE FORMAT DESCRIPTION\n" + bytes(64)
SENDUMP = b"\x1e\x00\x00\x00BEGIN FILE FORMAT DESCRIPTION\x00" + bytes(64)
TRIE = b"Trie Language Model\x03" + struct.pack("<III", 43, 1509, 21837) + bytes(32_000)
KENLM = b"mmap lm http://kheafield.com/code format version 5\n\x00" + bytes(512)
ARPA = rb"""\data\
ngram 1=5
ngram 2=2

\1-grams:
-0.5	<s>	-0.3

\end\
"""
