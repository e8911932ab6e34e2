"""Models in compressed files, in skops' archives, CatBoost's in JSON, and CTranslate2's."""

from __future__ import annotations

import bz2
import dataclasses
import gzip
import hashlib
import json
import lzma
import math
import random
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zstandard

from lading.inventory import Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import catboost, flatbuffer
from support import lz4_frames as lz4
from support import model_encoders as enc
from support.models_fixtures import (
    LLAMA_CONFIG,
    evil_pickle,
    gguf_bytes,
    npy_bytes,
    npz_bytes,
    onnx_bytes,
    raw_safetensors,
    safetensors_bytes,
    torch_legacy_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import facts_of, ids_of, look, seen

if TYPE_CHECKING:
    from collections.abc import Callable

MADE = Path(__file__).parent / "made"
WEIGHTS = npz_bytes(a=np.zeros((3, 4), np.float32), b=np.zeros(5, np.float32))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
    ".lz4": lz4.stored_blocks,
}
PACKED = pytest.mark.parametrize(("suffix", "pack"), PACKERS.items(), ids=PACKERS)
#: What libraries wrote (``made/``), and what the tests write: more than a block of each compressor.
LARGE = {
    "model.npz": WEIGHTS,
    "m.onnx": onnx_bytes(),
    "m.gguf": gguf_bytes(),
    "pytorch_model.bin": torch_zip_bytes(),
    "legacy.pt": torch_legacy_bytes(),
    "model.safetensors": safetensors_bytes((700, 800), (3,)),
    "array.npy": npy_bytes(np.random.default_rng(1).random((400, 400))),
}
FILES = {
    **LARGE,
    **{
        path.stem: gzip.decompress(path.read_bytes())
        for path in sorted(MADE.glob("*.gz"))
        if path.stem != "Manifest.json"  # no model's, but a companion's
    },
}


def same(name: str, packed: bytes, data: bytes) -> None:
    """What is compressed is what it would be, but the file is the one that lies there."""
    suffix = name[name.rindex(".") :]
    plain, file = look(name.removesuffix(suffix), data), look(name, packed)
    if plain is None:
        assert file is None
        return
    assert file is not None
    assert (file.format, file.role, file.safety.verdict, ids_of(file)) == (
        plain.format, plain.role, plain.safety.verdict, ids_of(plain),
    )  # fmt: skip
    assert facts_of(file) == facts_of(plain)
    assert (file.size, file.sha256) == (len(packed), hashlib.sha256(packed).hexdigest())


@PACKED
@pytest.mark.parametrize("name", FILES)
def test_compressed_files_are_what_they_hold(
    name: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    same(f"models/{name}{suffix}", pack(FILES[name]), FILES[name])


@PACKED
@pytest.mark.parametrize("name", ["model.safetensors", "plain.tflite", "catboost.cbm", "m.onnx"])
def test_what_is_compressed_and_cut_off_is_told(
    name: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(FILES[name] + random.Random(6).randbytes(2_000_000))
    for cut in (-1, -30, len(packed) // 2):
        found = seen(f"models/{name}{suffix}", packed[:cut])
        assert found.safety.verdict is Verdict.UNSCANNABLE


@PACKED
def test_what_follows_compressed_data_is_told(suffix: str, pack: Callable[[bytes], bytes]) -> None:
    found = ids_of(seen(f"m.onnx{suffix}", pack(onnx_bytes()) + b"more"))
    # those that go on with whatever follows find that it is not compressed
    assert found == {"packed-trailing-data" if suffix in (".gz", ".lz4") else "unscannable"}


@PACKED
def test_where_nothing_comes_out_only_a_name_that_is_a_promise_is_believed(
    suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    broken = pack(b"")[:-1]
    for name in ("m.onnx", "m.pt", "m.npz", "m.safetensors", "m.gguf", "m.pkl"):
        assert ids_of(seen(name + suffix, broken)) == {"unscannable"}
    for name in ("m.xml", "m.pb", "m.bin", "m.txt", "m"):
        assert look(name + suffix, broken) is None


@PACKED
def test_headers_that_lie_are_told_under_compression_too(
    suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    header = {"a": {"dtype": "U8", "shape": [9], "data_offsets": [0, 9]}}
    for data, found in (
        (raw_safetensors(header, bytes(9)), set()),
        (raw_safetensors(header, bytes(8)), {"safetensors-out-of-bounds"}),
        (raw_safetensors(header, bytes(10)), {"safetensors-hole"}),
        (raw_safetensors(header, declared=5000), {"unscannable"}),
        (FILES["catboost.cbm"][:-1], {"unscannable"}),
        (b"CBM1\xff\xff\xff\x7f" + FILES["catboost.cbm"][8:], {"unscannable"}),
        (gguf_bytes()[:-9], {"gguf-out-of-bounds"}),
        (FILES["array.npy"][:-8], {"numpy-wrong-size"}),
    ):
        name = "m.cbm" if data.startswith(b"CBM1") else "m.safetensors"
        assert ids_of(seen(name + suffix, pack(data))) == found


@PACKED
@pytest.mark.parametrize("name", ["weights", "weights.dat", "blobs/sha256-" + "1" * 64, "m.sav"])
def test_pickles_that_are_compressed_need_no_name(
    name: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    """Random bytes in front of the import, so that a compressor's first block is a large one."""
    noise = random.Random(7).randbytes(500_000)
    evil = b"\x80\x04B" + struct.pack("<I", len(noise)) + noise + b"0" + evil_pickle()[2:]
    for content in (evil, evil_pickle()):
        assert seen(name, pack(content)).safety.verdict is Verdict.DANGEROUS
        assert seen(name + suffix, pack(content)).safety.verdict is Verdict.DANGEROUS


@PACKED
@pytest.mark.parametrize("name", ["m", "x.dat", "x.txt", "doc/README.md", "vocab.txt", "a.json"])
def test_other_things_that_are_compressed(
    name: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    words = random.Random(9).choices([b"tree", b"license", b"{", b"model", b"\n", b"42 "], k=9000)
    noise = random.Random(8).randbytes(20_000)
    for content in (b"", b"text\n", b" ".join(words), noise, bytes(5000)):
        assert look(name + suffix, pack(content)) is None


@pytest.mark.parametrize("name", ["model.pt", "model.nemo", "pytorch_model.bin", "m.safetensors"])
@PACKED
def test_a_name_that_promises_keeps_its_promise_when_what_is_inside_is_nothing(
    name: str, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    noise = random.Random(8).randbytes(20_000)
    assert seen(name, pack(noise)).safety.verdict is Verdict.UNSCANNABLE
    broken = pack(noise)[:9] + noise
    assert seen(name, broken).safety.verdict is Verdict.UNSCANNABLE


@PACKED
def test_tars_whose_first_block_is_a_large_one(suffix: str, pack: Callable[[bytes], bytes]) -> None:
    noise = random.Random(8).randbytes(1_000_000)
    members = [("noise.bin", noise), ("m.onnx", onnx_bytes())]
    assert seen(f"model.tar{suffix}", pack(enc.tar(members))).format == "model-archive"
    evil = pack(enc.tar([("noise.txt", noise), ("m.pkl", evil_pickle())]))
    assert seen(f"model.tar{suffix}", evil).safety.verdict is Verdict.DANGEROUS
    assert seen("models--a--b/blobs/" + "a" * 40, evil).safety.verdict is Verdict.DANGEROUS
    assert look(f"x.tar{suffix}", pack(enc.tar([("noise.txt", noise)]))) is None


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_tables_that_lie_behind_what_is_held_are_told(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = ".gz" if pack is gzip.compress else ""
    lite, cat = FILES["plain.tflite"], FILES["catboost.cbm"]
    outside = struct.pack("<I", 1 << 30)
    assert ids_of(seen(f"m.tflite{suffix}", pack(outside + lite[4:]))) == {"unscannable"}
    assert ids_of(seen(f"m.cbm{suffix}", pack(cat[:8] + outside + cat[12:]))) == {"unscannable"}
    assert ids_of(seen(f"m.cbm{suffix}", pack(cat[:4] + outside + cat[8:]))) == {"unscannable"}
    for module in (flatbuffer, catboost):
        monkeypatch.setattr(module, "LIMITS", dataclasses.replace(LIMITS, flatbuffer=200))
    assert ids_of(seen(f"m.tflite{suffix}", pack(lite))) == {"tflite-not-counted"}
    assert ids_of(seen(f"m.tflite{suffix}", pack(lite[:200]))) == {"unscannable"}
    assert ids_of(seen(f"m.cbm{suffix}", pack(cat))) == set()
    assert ids_of(seen(f"m.cbm{suffix}", pack(cat[:-1]))) == {"unscannable"}


def test_frames_without_number_before_what_is_compressed_are_not_passed_over() -> None:
    started = time.monotonic()
    large = b"\x50\x2a\x4d\x18" + struct.pack("<I", 900_000) + bytes(900_000)
    for name in ("m.pkl.lz4", "m.joblib", "m.sav", "m.pt.lz4", "m.npz.lz4"):
        for before in (lz4.SKIPPABLE * 16, large):
            hidden = before + lz4.stored(evil_pickle())
            assert seen(name, hidden).safety.verdict is Verdict.DANGEROUS
            assert seen(name, before).safety.verdict is Verdict.UNSCANNABLE
        for count in (17, 200_000):
            many = lz4.SKIPPABLE * count + lz4.stored(evil_pickle())
            assert seen(name, many).safety.verdict is Verdict.UNSCANNABLE
    assert seen("m", large + lz4.stored(evil_pickle())).safety.verdict is Verdict.DANGEROUS
    assert look("x.txt", large) is None
    assert look("x.txt.zst", large) is None
    assert time.monotonic() - started < 20


@PACKED
def test_what_is_under_compressors_twice_is_searched(
    suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    for name in ("m.onnx", "m.tflite", "m.safetensors"):
        data = {"m.onnx": onnx_bytes(), "m.tflite": FILES["plain.tflite"]}.get(name, WEIGHTS)
        plain = seen(name, data)
        for packed in (pack(gzip.compress(data)), gzip.compress(pack(bz2.compress(data)))):
            for named in (f"{name}.gz{suffix}", f"{name}.bz2{suffix}.gz", f"{name}{suffix}"):
                found = seen(named, packed)
                assert (found.format, facts_of(found)) == (plain.format, facts_of(plain))
                assert (found.safety.verdict, found.size) == (Verdict.SAFE, len(packed))
    for named in ("m.pkl.gz", "m.pkl.gz.gz", "m.bin", "weights", "m.pt.xz"):
        packed = pack(gzip.compress(evil_pickle()))
        assert seen(named, packed).safety.verdict is Verdict.DANGEROUS
    assert look("notes.gz", pack(gzip.compress(b"text\n" * 90))) is None


def test_what_is_under_too_many_compressors_is_told_where_its_name_promises_a_model() -> None:
    data = onnx_bytes()
    for _ in range(LIMITS.archive_nesting + 1):
        data = gzip.compress(data)
    assert seen("m.onnx.gz", data).safety.verdict is Verdict.UNSCANNABLE
    assert seen("m.pkl.gz", data).safety.verdict is Verdict.UNSCANNABLE
    assert look("m.gz", data) is None


@PACKED
def test_companions_are_read_when_compressed(suffix: str, pack: Callable[[bytes], bytes]) -> None:
    config = json.dumps({**LLAMA_CONFIG, "auto_map": {"AutoModel": "m.X"}}).encode()
    found = seen(f"m/config.json{suffix}", pack(config))
    assert (found.role, found.format, ids_of(found)) == (Role.CONFIG, None, {"config-remote-code"})
    assert facts_of(found) == facts_of(seen("m/config.json", config))
    evil = seen(f"m/chat_template.jinja{suffix}", pack(b"{{ x.__class__ }}"))
    assert ids_of(evil) == {"template-dangerous"}
    assert look(f"usr/share/doc/m/config.json{suffix}", pack(config)) is None
    assert look(f"etc/config.json{suffix}", pack(b'{"port": 80}')) is None


def test_lz4_that_cannot_be_read_is_told_where_its_name_promises_a_model() -> None:
    wants = lz4.frame([], flags=lz4.DICTIONARY) + bytes(99)
    block = random.Random(8).randbytes(5000)
    for name in ("m.onnx.lz4", "m.tflite.lz4", "m.h5.lz4", "m.pt.lz4", "m.pkl.lz4"):
        (finding,) = seen(name, wants).safety.findings
        assert "needs a dictionary" in finding.message
        (finding,) = seen(name, block).safety.findings
        assert "compressed" in finding.message
    for name in ("vmlinux.bin.lz4", "m.xml.lz4", "m.txt.lz4", "m.lz4"):
        assert look(name, wants) is None
        assert look(name, block) is None
    assert look("m.onnx.lz4", b"not compressed") is None


def test_tables_are_data_by_their_place_when_compressed_too() -> None:
    rows = b"".join(b"%d,%d\n" % (at, at * at * 7919 % 10_007) for at in range(400_000))
    data = gzip.compress(b"a,b\n" + rows)
    assert len(data) > 1 << 20
    found = seen("data/train.csv.gz", data)
    assert (found.format, found.role, facts_of(found)[v.COLUMNS]) == ("csv", Role.DATA, ["a", "b"])
    tabs = gzip.compress(b"a\tb\n" + rows.replace(b",", b"\t"))
    assert seen("data/train.tsv.gz", tabs).format == "tsv"
    assert look("src/numbers.csv.gz", data) is None
    assert seen("data/train.csv.gz", data[:-9]).safety.findings == ()


def test_a_pointer_to_a_compressed_model() -> None:
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 9\n" % (b"a" * 64)
    assert ids_of(seen("model.onnx.gz", text)) == {"lfs-pointer"}
    assert look("notes.txt.gz", text) is None


def test_compressed_files_that_hide_something() -> None:
    evil = torch_zip_bytes(extra=evil_pickle()[2:-1])
    assert seen("m.bin.gz", gzip.compress(evil)).safety.verdict is Verdict.DANGEROUS
    two = gzip.compress(WEIGHTS) + gzip.compress(evil)
    assert seen("m.npz.gz", two).safety.verdict is Verdict.DANGEROUS  # loaders read both as one
    assert "packed-trailing-data" in ids_of(seen("m.npz.gz", gzip.compress(WEIGHTS) + b"more"))
    assert seen("m.npz.gz", gzip.compress(WEIGHTS)[:-60]).safety.verdict is Verdict.UNSCANNABLE
    assert seen("m.onnx.gz", gzip.compress(b"\x00" * 99)).safety.verdict is Verdict.UNSCANNABLE
    assert seen("x.bin.gz", gzip.compress(b"\x00" * 99)).role is Role.OTHER
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
