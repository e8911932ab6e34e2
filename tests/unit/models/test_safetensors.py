"""safetensors: facts of real files, and headers that lie."""

from __future__ import annotations

import dataclasses
import json
import struct
import tracemalloc
from typing import Any

import pytest

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models import examine
from lading.models import vocabulary as v
from lading.models.formats import safetensors as module
from support.models_fixtures import raw_safetensors, safetensors_bytes
from support.models_streams import facts_of, ids_of, look, seen


def entry(start: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def problems(header: object, data: bytes = b"") -> set[str]:
    file = seen("m.safetensors", raw_safetensors(header, data))
    assert file.format == "safetensors"
    assert bool(ids_of(file)) == (file.safety.verdict is not Verdict.SAFE)
    return ids_of(file)


def test_what_the_library_writes() -> None:
    metadata = {"format": "pt", "modelspec.title": "Tiny", "license": "mit", "other": "x"}
    file = seen("m.safetensors", safetensors_bytes((4, 8), (8,), metadata=metadata))

    assert (file.format, file.safety.verdict) == ("safetensors", Verdict.SAFE)
    facts = facts_of(file)
    assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (40, 2, "F32")
    assert (facts[v.NAME], facts[v.LICENSE], facts[v.LIBRARY]) == ("Tiny", "MIT", "pytorch")


@pytest.mark.parametrize("name", ["blobs/" + "a" * 64, "weights.bin", "m.pth", "x"])
def test_it_is_known_by_content(name: str) -> None:
    assert seen(name, safetensors_bytes()).format == "safetensors"


def test_the_most_frequent_type_is_named() -> None:
    header = {"a": entry(0, 8, [2]), "b": entry(8, 18, [5], "BF16"), "c": entry(18, 20, [4], "F4")}
    facts = facts_of(seen("m.safetensors", raw_safetensors(header, bytes(20))))

    assert (facts[v.DTYPE], facts[v.PARAMETERS]) == ("BF16", 11)


LIES = {
    "overlap": ({"a": entry(0, 8, [2]), "b": entry(4, 12, [2])}, 12, "safetensors-overlap"),
    "one in another": ({"a": entry(0, 12, [3]), "b": entry(4, 8, [1])}, 12, "safetensors-overlap"),
    "the same bytes": ({"a": entry(0, 8, [2]), "b": entry(0, 8, [2])}, 8, "safetensors-overlap"),
    "out of bounds": ({"a": entry(0, 400, [100])}, 8, "safetensors-out-of-bounds"),
    "far out of bounds": ({"a": entry(2**62, 2**62 + 4, [1])}, 8, "safetensors-out-of-bounds"),
    "backwards": ({"a": entry(8, 0, [2])}, 8, "safetensors-out-of-bounds"),
    "hole": ({"a": entry(0, 4, [1]), "b": entry(8, 12, [1])}, 12, "safetensors-hole"),
    "hole at the start": ({"a": entry(4, 8, [1])}, 8, "safetensors-hole"),
    "bytes after the last": ({"a": entry(0, 4, [1])}, 99, "safetensors-hole"),
    "wrong size": ({"a": entry(0, 8, [3])}, 8, "safetensors-wrong-size"),
    "shape beyond any file": ({"a": entry(0, 8, [2**62, 2**62])}, 8, "safetensors-wrong-size"),
}


@pytest.mark.parametrize(("header", "size", "found"), LIES.values(), ids=LIES)
def test_headers_that_lie(header: dict[str, Any], size: int, found: str) -> None:
    assert found in problems(header, bytes(size))


GOOD = {
    "any order": ({"b": entry(4, 12, [2]), "a": entry(0, 4, [1])}, 12),
    "empty tensors": ({"a": entry(0, 0, [0, 5]), "b": entry(0, 4, [1]), "c": entry(4, 4, [0])}, 4),
    "scalar": ({"a": entry(0, 4, [])}, 4),
    "none": ({}, 0),
    "padded": (json.dumps({"a": entry(0, 4, [1])}).encode() + b"    ", 4),
    "no metadata": ({"__metadata__": {}}, 0),
    "large metadata": ({"__metadata__": {"a": "x" * (LIMITS.json_value + 1)}}, 0),
}


@pytest.mark.parametrize(("header", "size"), GOOD.values(), ids=GOOD)
def test_headers_that_are_right(header: object, size: int) -> None:
    assert problems(header, bytes(size)) == set()


def test_an_unknown_type_is_a_warning() -> None:
    file = seen("m.safetensors", raw_safetensors({"a": entry(0, 4, [1], "F3")}, bytes(4)))

    assert ids_of(file) == {"safetensors-unknown-dtype"}
    assert file.safety.verdict is Verdict.SAFE, "no code runs, whatever the type is"
    assert facts_of(file)[v.DTYPE] == "unknown"


def test_metadata_that_is_no_text_is_a_warning() -> None:
    file = seen("m.safetensors", raw_safetensors({"__metadata__": {"a": 1}}))

    assert ids_of(file) == {"safetensors-metadata"}


def test_a_name_twice() -> None:
    one = json.dumps(entry(0, 4, [1])).encode()

    assert "safetensors-duplicate-key" in problems(b'{"a":' + one + b',"a":' + one + b"}", bytes(4))


MALFORMED = {
    "no JSON": b"{nonsense",
    "truncated JSON": b'{"a": {"dtype": "F32", ',
    "not UTF-8": b'{"\xff": 1}',
    "text after": b"{} x",
    "second object": b"{}{}",
    "number": b'{"a": 1}',
    "no dtype": b'{"a": {"shape": [], "data_offsets": [0, 0]}}',
    "dtype is a number": b'{"a": {"dtype": 1, "shape": [], "data_offsets": [0, 0]}}',
    "negative": b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 0]}}',
    "float": b'{"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}}',
    "boolean": b'{"a": {"dtype": "F32", "shape": [true], "data_offsets": [0, 4]}}',
    "one offset": b'{"a": {"dtype": "F32", "shape": [], "data_offsets": [0]}}',
    "many dimensions": json.dumps({"a": entry(0, 4, [1] * 65)}).encode(),
    "huge number": b'{"a": {"dtype": "F32", "shape": [' + b"9" * 5000 + b'], "data_offsets": []}}',
    "deep": b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "huge tensor entry": b'{"a": {"x": "' + b"x" * (LIMITS.json_value + 1) + b'"}}',
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_malformed_headers_are_unscannable(header: bytes) -> None:
    assert problems(header) == {"unscannable"}


@pytest.mark.parametrize("declared", [2, 100, 10_000_000, 100 * 1024 * 1024, 1 << 40])
def test_a_length_that_lies(declared: int) -> None:
    data = raw_safetensors({"a": entry(0, 4, [1])}, bytes(4), declared=declared)
    file = seen("m.safetensors", data)

    assert file.safety.verdict is Verdict.UNSCANNABLE
    assert (file.format, file.size) == ("safetensors", len(data))


class Endless:
    """A file of many bytes that are made as they are read; the largest read is remembered."""

    path = "m.safetensors"

    def __init__(self, head: bytes, size: int, piece: bytes = b" ") -> None:
        self.size = size
        self._head, self._piece = head, piece * (1 << 20)
        self._at = 0

    def peek(self, size: int) -> bytes:
        return (self._head + self._piece)[:size]

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.size - self._at)
        out = self._head[self._at : self._at + size] or self._piece[:size]
        self._at += len(out)
        return out


def test_a_header_of_a_hundred_megabytes_is_never_held() -> None:
    size = LIMITS.safetensors_header
    file = Endless(struct.pack("<Q", size) + b'{"a":', size + 8)
    tracemalloc.start()
    try:
        found = examine(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found is not None
    assert found.safety.verdict is Verdict.UNSCANNABLE
    assert peak < 12 * 1024 * 1024


def test_too_many_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMITS", dataclasses.replace(LIMITS, safetensors_tensors=10))
    header = {f"t{i}": entry(4 * i, 4 * i + 4, [1]) for i in range(12)}

    assert problems(header, bytes(48)) == {"unscannable"}


def test_truncation_is_never_safe() -> None:
    data = safetensors_bytes((3, 3), (5,))
    for size in range(10, len(data)):
        found = look("m.safetensors", data[:size])
        assert found is not None
        assert found.safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize(
    "data", [b"<!DOCTYPE html>", b"junk" + safetensors_bytes(), b"{}", b"\x00"]
)
def test_what_only_calls_itself_so_is_unscannable(data: bytes) -> None:
    assert seen("m.safetensors", data).safety.verdict is Verdict.UNSCANNABLE
