"""One broken or foreign detail at a time: what is refused, and in which words."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import pytest

from lading.inventory import Verdict
from support import model_encoders as enc
from support.models_streams import facts_of, ids_of, look, seen

MADE = Path(__file__).parent / "made"
BUNDLE = enc.bundle({"w": (1, (4, 3))})
PARAMS = enc.paddle_params((2, 2))
ARRAYS = enc.mxnet_params((2, 2))
SAMPLES = enc.tar((f"{n}.{part}", bytes(600)) for n in range(4) for part in ("jpg", "cls"))
LEARNER = b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{"


def made(name: str) -> bytes:
    return gzip.decompress((MADE / f"{name}.gz").read_bytes())


def put(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def long_engine(tail: bytes) -> bytes:
    text = json.dumps({"task": "detect", "names": {i: f"class {i}" for i in range(600)}}).encode()
    return struct.pack("<I", len(text)) + text + tail


#: What is wrong → path, bytes, words of the finding.
UNSCANNABLE: dict[str, tuple[str, bytes, str]] = {
    "an index without its footer": ("m/x.index", BUNDLE[:-1] + b"\x00", "no footer"),
    "a compressed block": (
        "m/x.index",
        put(BUNDLE, BUNDLE.index(struct.pack("<II", 0, 1)) + 8, b"\x01"),
        "compressed",
    ),
    "a shared prefix longer than the key": ("m/x.index", put(BUNDLE, 9, b"\x09"), "entry"),
    "a tensor of no type": ("m/x.pdiparams", PARAMS + put(PARAMS, 21, b"\x63"), "type"),
    "a second tensor's version": ("m/x.pdiparams", PARAMS + b"\x01" + bytes(30), "header"),
    "an array of another storage": ("m/x.params", put(ARRAYS, 28, b"\x01"), "storage"),
    "an array of no type": ("m/x.params", put(ARRAYS, 28 + 8 + 16 + 8, b"\x63"), "type"),
    "an engine's reserved bytes": (
        "m/x.engine",
        long_engine(b"none of the magics" + bytes(40)),
        "header",
    ),
    "an engine that ends": ("m/x.engine", enc.tensorrt()[:20], "ends"),
    "a marker nobody knows": ("m/x.ubj", LEARNER + b"U\x01a?", "marker"),
    "a negative length": ("m/x.ubj", LEARNER + b"i\xff", "length"),
    "an array of texts": ("m/x.ubj", LEARNER + b"U\x01a[$S#U\x01", "array"),
    "a member's size": ("d/x.tar", put(SAMPLES, 7 * 512 * 3 - 512 * 3 + 124, b"9"), "header"),
    "a member's header": ("d/x.tar", put(SAMPLES, 512 * 3 * 6 + 257, b"xxxxx"), "header"),
    "a footer with a text too long": (
        "d/x.parquet",
        b"PAR1" + b"\x18\x7f" + struct.pack("<I", 2) + b"PAR1",
        "too early",
    ),
    "a footer without rows": (
        "d/x.parquet",
        b"PAR1" + b"\x15\x02\x00" + struct.pack("<I", 3) + b"PAR1",
        "number of rows",
    ),
    "a schema of numbers": (
        "d/x.parquet",
        b"PAR1" + b"\x29\x15\x02\x00" + struct.pack("<I", 4) + b"PAR1",
        "structures",
    ),
    "a parquet file cut at its end": ("d/x.parquet", made("table.parquet")[:-1], "end"),
    "XML that stops": ("m/x.pmml", b'<PMML version="4.4"><Header/>', "root element"),
    "a model of no kind": ("m/x.mlmodel", enc.coreml()[:-3], "0 types"),
    "a schema's version": (
        "m/x.tflite",
        made("plain.tflite").replace(b"\x03\x00\x00\x00", b"\x63\x00\x00\x00", 1),
        "",
    ),
    "trees that never come": ("m/l.txt", b"tree\nversion=v4\n" + b"a=b\n" * 70, "no tree"),
    "a catboost model larger than its file": ("m/x.cbm", b"CBM1\xff\xff\xff\x7fabcd", "declares"),
    "dimensions below nothing": ("m/x.ftz", enc.fasttext(dimensions=-1), "dimensions"),
}


@pytest.mark.parametrize("what", sorted(UNSCANNABLE))
def test_it_is_unscannable(what: str) -> None:
    path, data, words = UNSCANNABLE[what]
    found = seen(path, data)

    assert found.safety.verdict is Verdict.UNSCANNABLE, found
    assert any(words in one.message for one in found.safety.findings), found.safety.findings


def test_an_encrypted_footer_is_told() -> None:
    found = seen("d/x.parquet", b"PAR1" + bytes(20) + b"PARE")

    assert ids_of(found) == {"dataset-encrypted"}
    assert found.safety.verdict is Verdict.SAFE


def test_parquets_magic_in_front_of_something_else_is_none() -> None:
    assert look("srv/x.dat", b"PAR1" + bytes(100)) is None


def test_an_engine_behind_a_long_text() -> None:
    found = seen("m/yolo.engine", long_engine(enc.tensorrt()))

    assert facts_of(found)["task"] == "detect"
    assert facts_of(found)["framework_version"] == "10.3.0.26"
    assert look("m/yolo.dat", long_engine(enc.tensorrt())) is None


def test_values_of_every_kind_of_universal_binary_json() -> None:
    values = b"U\x01aZU\x01bTU\x01cFU\x01dCxU\x01ed\x00\x00\x00\x00NU\x01f[i\x01]"
    name = b"SU\x06gbtree"
    booster = b"U\x10gradient_booster{U\x04name" + name + b"}"
    found = seen("m/x.ubj", LEARNER + values + booster + b"}}")

    assert facts_of(found)["architecture"] == "gbtree"


def test_a_document_that_only_begins_like_xgboosts_is_none() -> None:
    assert look("m/x.json", b'{"learner": {"name": "Ada"}}') is None


@pytest.mark.parametrize(
    "rows",
    [
        b"one column\n" * 200_000,
        b"a,b\n1,2,3\n" * 200_000,
        b'a,"b\n' + b"x" * 2_000_000,
    ],
)
def test_texts_that_are_no_tables(rows: bytes) -> None:
    assert look("srv/data/x.csv", rows) is None


def test_tables_with_other_separators() -> None:
    semicolons = seen("srv/data/x.csv", b"a;b\n1;2\n" * 200_000)
    tabs = seen("srv/data/x.tsv", b"a\tb\n1\t2\n" * 300_000)

    assert facts_of(semicolons)["columns"] == ["a", "b"]
    assert (tabs.format, facts_of(tabs)["columns"]) == ("tsv", ["a", "b"])


@pytest.mark.parametrize("line", [b"", b"{" * 5000, b"x" * 2_000_000])
def test_lines_that_are_no_objects(line: bytes) -> None:
    assert look("srv/train.jsonl", line + b"\n" + b"[]\n" * 500_000) is None


def test_mlflow_code_of_its_own_is_noted() -> None:
    text = b"flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    code: code\n"
    found = seen("m/MLmodel", text)

    assert ids_of(found) == {"mlflow-code"}
    assert found.safety.verdict is Verdict.SAFE
