"""Any bytes, and any change to a good file: a verdict, never an exception, in little memory."""

from __future__ import annotations

import bz2
import contextlib
import dataclasses
import gzip
import hashlib
import io
import json
import lzma
import pickle
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import support
from lading.errors import InputError
from lading.inventory import ModelFile, Verdict
from lading.limits import LIMITS
from lading.models import examine, group
from lading.models.pickles import steps
from support import lz4_frames as lz4
from support import model_encoders as enc
from support.models_fixtures import (
    evil_pickle,
    gguf_bytes,
    hf_files,
    npy_bytes,
    npz_bytes,
    onnx_bytes,
    raw_safetensors,
    safetensors_bytes,
    torch_legacy_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import Stream, look, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS = np.array([{"a": [1, 2]}, "b"], dtype=object)
SAFE = {
    "m.safetensors": safetensors_bytes(),
    "m.gguf": gguf_bytes(template="{{ messages }}"),
    "m.onnx": onnx_bytes(),
    "m.pt": torch_zip_bytes(),
    "legacy.pt": torch_legacy_bytes(),
    "m.npy": npy_bytes(OBJECTS),
    "m.npz": npz_bytes(a=np.zeros(3), b=OBJECTS),
    "deflated.npz": zip_bytes({"a.npy": npy_bytes(np.zeros(99))}, deflate=True),
    "m.pkl": pickle.dumps({"a": [1.5, "x", b"y"], "b": (1, {2})}, 4),
    "old.pkl": pickle.dumps({"a": [1, "x"]}, 0),
    "m.joblib": gzip.compress(pickle.dumps([1.5] * 9), mtime=0),
}
MADE = {
    path.stem: gzip.decompress(path.read_bytes())
    for path in sorted((Path(__file__).parent / "formats" / "made").glob("*.gz"))
}
TARS = {
    "m.nemo": gzip.compress(
        enc.tar([("model_config.yaml", b"target: nemo.A\n"), ("w.ckpt", torch_zip_bytes())])
    ),
    "model.tar": enc.tar([("model.safetensors", safetensors_bytes()), ("w.pkl", SAFE["m.pkl"])]),
    "m.onnx.xz": lzma.compress(SAFE["m.onnx"]),
}
PACKED = {
    "m.safetensors.zst": zstandard.compress(SAFE["m.safetensors"]),
    "m.safetensors.bz2": bz2.compress(SAFE["m.safetensors"]),
    "m.pt.lz4": lz4.stored_blocks(SAFE["m.pt"]),
    "m.gguf.gz": gzip.compress(SAFE["m.gguf"], mtime=0),
    "catboost.cbm.lz4": lz4.stored_blocks(MADE["catboost.cbm"]),
    "plain.tflite.lz4": lz4.SKIPPABLE + lz4.stored_blocks(MADE["plain.tflite"]),
}
COMPANIONS = {name: data for name, data in hf_files().items() if "safetensors" not in name}
PICKLES = {
    path.name: path.read_bytes()
    for path in sorted((Path(support.__path__[0]) / "models_pickles").iterdir())
    if path.suffix in (".pkl", ".joblib", ".dill")
}
ALL = {**SAFE, **MADE, **TARS, **PACKED, **COMPANIONS, **PICKLES}
#: A suffix of each kind that readers are chosen by.
NAMES = st.sampled_from(
    [*ALL, "x", "x.bin", "x.pb", "x.h5", "x.tflite", "x.json", "x.xml", "x.model"]
)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))


def check(file: ModelFile | None, data: bytes) -> None:
    """Hold what is true of every record: it can be written down, and is bounded."""
    if file is None:
        return
    assert file.size == len(data)
    json.dumps({name: fact.value for name, fact in file.facts.items()}, allow_nan=False)
    findings = file.safety.findings
    assert len(findings) <= LIMITS.findings_per_file + 1
    assert all(len(one.message) <= LIMITS.finding_text for one in findings)
    assert all(one.message.isprintable() for one in findings)
    if file.safety.verdict is not Verdict.SAFE:
        assert findings, "a verdict has its reasons"
    group([file], {})


@pytest.mark.parametrize("name", ALL)
def test_the_files_are_good(name: str) -> None:
    check(look(name, ALL[name]), ALL[name])
    if name in SAFE:
        assert seen(name, SAFE[name]).safety.verdict is Verdict.SAFE


@MANY
@given(NAMES, st.binary(max_size=400))
def test_any_bytes(name: str, data: bytes) -> None:
    check(look(f"opt/{name}", data), data)


@MANY
@given(NAMES, st.sampled_from(sorted(ALL)), st.binary(max_size=200))
def test_any_bytes_behind_any_start(name: str, start: str, data: bytes) -> None:
    mixed = ALL[start][:48] + data
    check(look(f"opt/{name}", mixed), mixed)


@st.composite
def _changed(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a good file with a few bytes changed, added or taken away."""
    name = draw(st.sampled_from(sorted(ALL)))
    data = bytearray(ALL[name])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                data[at:at] = draw(st.binary(min_size=1, max_size=9))
            case 2:
                del data[at : at + draw(st.integers(1, 40))]
            case _:
                data[at : at + 8] = draw(
                    st.sampled_from([b"\xff" * 8, bytes(8), b"\xff" * 7 + b"\x7f"])
                )
    return name, bytes(data)


@settings(MANY, max_examples=600)
@given(_changed())
def test_any_change_of_a_good_file(changed: tuple[str, bytes]) -> None:
    name, data = changed
    check(look(name, data), data)


@pytest.mark.parametrize("name", TARS)
def test_no_truncated_archive_is_safe(name: str) -> None:
    """Once the first member can be had; what is left of a tar's end are zeros."""
    data = TARS[name].rstrip(b"\x00")
    for size in range(len(data) - 1, len(data) // 3, -1 - len(data) // 150):
        found = look(name, data[:size])
        assert found is None or found.safety.verdict is not Verdict.SAFE, size


@pytest.mark.parametrize("name", SAFE)
def test_no_truncated_file_is_safe(name: str) -> None:
    data = SAFE[name]
    for size in {*range(9, len(data), 1 + len(data) // 150), len(data) - 1}:
        found = look(name, data[:size])
        if name == "m.onnx" and found is not None and found.safety.verdict is Verdict.SAFE:
            continue  # test_onnx.py: such a prefix is a whole model
        assert found is not None, size
        assert found.safety.verdict is not Verdict.SAFE, size


@pytest.mark.parametrize("name", SAFE)
@pytest.mark.parametrize("junk", [b"\x00", b"junk", b"\n\n", b"\x1f\x8b", bytes(5000)])
def test_no_junk_prefixed_file_is_safe(name: str, junk: bytes) -> None:
    found = look(name, junk + SAFE[name])

    assert found is None or found.safety.verdict is not Verdict.SAFE


@settings(MANY, max_examples=300)
@given(st.sampled_from(sorted(SAFE)), st.binary(max_size=60))
def test_a_payload_is_never_lost_in_front_of_anything(name: str, data: bytes) -> None:
    """What a plain ``pickle.load`` would run before it stumbles is dangerous."""
    changed = evil_pickle()[:-1] + data + SAFE[name]
    found = look("m.pkl", changed)

    assert found is not None
    assert found.safety.verdict is Verdict.DANGEROUS


class Many:
    """A large file that is made while it is read: a head, then one byte again and again."""

    def __init__(self, path: str, size: int, head: bytes = b"", byte: bytes = b"\x00") -> None:
        self.path, self.size = path, size
        self._head = head
        self._piece = byte * (1 << 20)
        self.given = 0

    def peek(self, size: int) -> bytes:
        return (self._head + self._piece)[: min(size, self.size)]

    def read(self, size: int = -1) -> bytes:
        out = self._head[self.given : self.given + size] or self._piece
        out = out[: min(size, self.size - self.given)]
        self.given += len(out)
        return out


GIB = 1 << 30
HEADS = {
    "m.safetensors": raw_safetensors(
        {"a": {"dtype": "U8", "shape": [GIB], "data_offsets": [0, GIB]}}
    ),
    "m.gguf": gguf_bytes(),
    "m.onnx": onnx_bytes(),
    "m.pt": torch_zip_bytes(),
    "legacy.pt": torch_legacy_bytes(),
    "m.npy": npy_bytes(np.zeros(1)),
    "m.npz": npz_bytes(a=np.zeros(3)),
    "m.pkl": pickle.dumps([1]),
    "x.tflite": b"\x1c\x00\x00\x00TFL3",
}


@contextlib.contextmanager
def little_memory(mebibytes: int = 40) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", HEADS)
def test_memory_does_not_grow_with_the_file(name: str) -> None:
    file = Many(name, GIB // 4, HEADS[name])
    with little_memory():
        found = examine(file)

    assert found is not None
    assert (found.size, file.given) == (GIB // 4, GIB // 4), "all of it is hashed"
    check(dataclasses.replace(found, size=0), b"")


def test_a_hundred_gigabytes_of_nothing_are_not_read() -> None:
    for name in ("var/disk.img", "swapfile", "x.bin2", "core"):
        file = Many(name, 100 * GIB)
        assert examine(file) is None
        assert file.given <= 1 << 21


BOMBS = {
    "m.npz": lambda data: zip_bytes({"a.npy": data}, deflate=True),
    "m.pt": lambda data: zip_bytes({"archive/data.pkl": data}, deflate=True),
    "m.joblib": lambda data: gzip.compress(data, mtime=0),
    "nested.zip": lambda data: zip_bytes(
        {"a.zip": zip_bytes({"a.pkl": data}, deflate=True)}, deflate=True
    ),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("byte", [b"\x00", b"("])
def test_bombs(name: str, byte: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """48 MiB out of 48 KiB: walking stops at a bound, and nothing is held."""
    monkeypatch.setattr(steps, "LIMITS", dataclasses.replace(LIMITS, pickle_stack=20_000))
    data = BOMBS[name](b"\x80\x04" + byte * (48 << 20))
    start = time.monotonic()
    with little_memory():
        found = seen(name, data)

    assert found.safety.verdict is not Verdict.SAFE
    assert time.monotonic() - start < 20


def test_a_stream_that_ends_early_is_told() -> None:
    file = Stream("m.safetensors", safetensors_bytes())
    file.size += 1

    with pytest.raises(InputError, match="ended before its size"):
        examine(file)
    large = Many("m.safetensors", 1 << 25, safetensors_bytes())
    large.size += 1 << 25
    large.read = lambda size=-1: b""  # type: ignore[method-assign]
    with pytest.raises(InputError, match="ended before its size"):
        examine(large)


def test_bytes_are_read_once_and_hashed() -> None:
    data = torch_zip_bytes({"a": (1024, 2048)})
    file = Stream("m.pt", data)
    found = examine(file)

    assert len(data) > 8 << 20, "large enough for the thread that hashes"
    assert found is not None
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert file.at == len(data)


def test_zipfile_and_we_see_the_same_members() -> None:
    """Whatever Python's own reader gives out of a good archive was walked."""
    for name in ("m.pt", "m.npz", "deflated.npz"):
        with zipfile.ZipFile(io.BytesIO(SAFE[name])) as archive:
            names = archive.namelist()
        assert seen(name, SAFE[name]).facts["members"].value == names
