"""Raw arrays in a pickle: skipped as joblib would, and walked as a plain unpickler would."""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING

import pytest

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models.pickles import joblib as module
from lading.models.pickles import machine
from support.models_fixtures import Op, evil_pickle
from support.models_streams import ids_of, seen

if TYPE_CHECKING:
    from lading.inventory import ModelFile


def dtype(code: str, flags: int = 0, item: int = -1) -> bytes:
    """Return the opcodes of ``numpy.dtype(code)`` with its state."""
    values = (3, "<", None, None, None, item, -1, flags)
    out = Op.stack_global("numpy", "dtype") + Op.text(code) + b"\x89\x88\x87R("
    for value in values:
        if isinstance(value, str):
            out += Op.text(value)
        else:
            out += b"N" if value is None else b"J" + struct.pack("<i", value)
    return out + b"tb"


def shape(*extents: int) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", one) for one in extents) + b"t"


def wrapper(
    of: bytes, extents: bytes, *, aligned: bool = True, name: str = "NumpyArrayWrapper"
) -> bytes:
    """Return the opcodes of a wrapper, up to the BUILD that the raw bytes follow."""
    state = Op.text("shape") + extents + Op.text("dtype") + of
    if aligned:
        state += Op.text("numpy_array_alignment_bytes") + b"K\x10"
    return Op.stack_global("joblib.numpy_pickle", name) + b")\x81}(" + state + b"ub"


def file(*parts: bytes) -> bytes:
    return b"\x80\x04" + b"".join(parts) + b"."


def look(data: bytes) -> ModelFile:
    return seen("model.joblib", data)


RAW = bytes(range(1, 17))
DOUBLES = wrapper(dtype("f8"), shape(2))
OLD = wrapper(dtype("f8"), shape(2), aligned=False)


@pytest.mark.parametrize("padding", [0, 1, 15])
def test_arrays_are_skipped_by_their_shape(padding: int) -> None:
    data = file(DOUBLES, bytes([padding]), b"\xff" * padding, RAW, b"0", DOUBLES, b"\x00", RAW)

    found = look(data)

    assert found.safety.verdict is Verdict.SAFE
    assert found.format == "joblib"


@pytest.mark.parametrize(
    ("of", "extents", "size"),
    [
        (dtype("?"), shape(3), 3),
        (dtype("i1"), shape(3), 3),
        (dtype("<f4"), shape(2, 3), 24),
        (dtype("c16"), shape(1), 16),
        (dtype("U3"), shape(2), 24),
        (dtype("S3", item=3), shape(2), 6),
        (dtype("V12", item=12), shape(2), 24),
        (dtype("M8", item=8), shape(2), 16),
        (dtype("f8"), shape(), 8),
        (dtype("f8"), shape(0, 5), 0),
    ],
    ids=["bool", "int", "float", "complex", "text", "bytes", "struct", "date", "scalar", "empty"],
)
def test_sizes_of_elements(of: bytes, extents: bytes, size: int) -> None:
    array = wrapper(of, extents) + b"\x00"

    assert look(file(array, b"\x01" * size)).safety.verdict is Verdict.SAFE
    assert look(file(array, b"\x01" * (size + 1))).safety.verdict is Verdict.UNSCANNABLE


def test_what_follows_an_array_is_walked() -> None:
    data = file(DOUBLES, b"\x00", RAW, Op.glob("os", "system"), b"(S'id'\ntR")

    assert look(data).safety.verdict is Verdict.DANGEROUS


def test_an_array_of_objects_is_a_pickle() -> None:
    objects = wrapper(dtype("O", flags=63), shape(2))

    assert look(file(objects, b"\x80\x02]q\x00.", b"0N")).safety.verdict is Verdict.SAFE
    assert look(file(objects, evil_pickle(), b"0N")).safety.verdict is Verdict.DANGEROUS
    assert look(file(objects, b"\x80\x02]q\x00")).safety.verdict is Verdict.UNSCANNABLE


def test_objects_that_mean_something_else_to_a_plain_unpickler() -> None:
    """Inside, index 0 is "collections"; to ``pickle.load`` it is the outer memo's "os"."""
    words = Op.text("os") + b"\x940" + Op.text("system") + b"\x940"
    inner = (
        b"\x80\x04" + Op.text("collections") + b"\x940" + Op.text("OrderedDict") + b"\x940"
        b"h\x00h\x01\x93."
    )
    objects = wrapper(dtype("O", flags=63), shape(1))

    assert look(file(objects, inner)).safety.verdict is Verdict.SAFE
    assert look(file(words, objects, inner)).safety.verdict is Verdict.DANGEROUS


def test_objects_whose_name_a_plain_unpickler_computes() -> None:
    words = Op.text("os") + b"\x940N\x940"
    inner = (
        b"\x80\x04"
        + Op.text("collections")
        + b"\x940"
        + Op.text("Counter")
        + b"\x940h\x00h\x01\x93."
    )
    objects = wrapper(dtype("O", flags=63), shape(1))

    found = look(file(words, objects, inner))

    assert found.safety.verdict is Verdict.DANGEROUS
    assert "pickle-unresolved-global" in ids_of(found)


def test_objects_that_are_too_many_to_be_walked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REPEATED", 1000)
    objects = wrapper(dtype("O", flags=63), shape(1))

    found = look(file(objects, b"\x80\x04(" + b"K\x01" * 1000 + b"l."))

    assert found.safety.verdict is Verdict.UNSCANNABLE


#: Raw bytes without alignment, which ``pickle.load`` takes for opcodes.
HIDDEN = {
    "a program": evil_pickle()[2:],
    "after the wrapper is popped": b"0" * 3 + evil_pickle()[2:],
    "the name from the outer memo": b"h\x00h\x01\x93)R.",
    "the name from the outer stack": b"0\x93)R.",
    "a class patched": Op.glob("torch.nn.modules.linear", "Linear") + b"}S'a'\nK\x01sb.",
    "behind a skip": b"B" + struct.pack("<I", 4000) + bytes(4000) + evil_pickle()[2:],
}


@pytest.mark.parametrize("raw", HIDDEN.values(), ids=HIDDEN)
def test_opcodes_hidden_in_raw_bytes(raw: bytes) -> None:
    raw = raw.ljust(8192, b"\x01")
    words = Op.text("os") + b"\x94" + Op.text("system") + b"\x94"
    old = wrapper(dtype("u1"), shape(len(raw)), aligned=False)

    found = look(file(words, old, raw))

    assert found.safety.verdict is Verdict.DANGEROUS
    assert "pickle-hidden-opcodes" in ids_of(found)
    aligned = wrapper(dtype("u1"), shape(len(raw)))
    assert look(file(words, aligned, b"\x00", raw)).safety.verdict is Verdict.SAFE


def test_raw_bytes_that_go_on_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TRIED", 64)
    raw = (b"B" + struct.pack("<I", 200)).ljust(205, b"\x00") + b"N" * 300
    old = wrapper(dtype("u1"), shape(len(raw)), aligned=False)

    assert look(file(old, raw)).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize(
    "raw",
    [b"\x93" * 16, b"B" + b"\xff" * 15, b"\x82" * 16, RAW, b"c" * 16],
    ids=["STACK_GLOBAL", "BINBYTES", "EXT1", "numbers", "GLOBAL"],
)
def test_ordinary_raw_bytes_are_no_opcodes(raw: bytes) -> None:
    found = look(file(OLD, raw))

    assert found.safety.verdict is Verdict.SAFE, found.safety.findings


def test_raw_bytes_do_not_change_what_comes_after_them() -> None:
    """A dictionary on the stack must not take over a shape that only the raw bytes set."""
    state = b"}" + Op.text("dtype") + dtype("u1") + b"s" + Op.text("shape") + shape(5) + b"s"
    outer = Op.stack_global("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state
    raw = (b"0" + Op.text("shape") + shape(99) + b"s").ljust(40, b"\xff")
    inner = wrapper(dtype("u1"), shape(len(raw)), aligned=False)

    found = look(file(outer, inner, raw, b"0b", b"\xff" * 5, b"N"))

    assert found.safety.verdict is Verdict.SAFE, found.safety.findings


BROKEN = {
    "no state": Op.stack_global("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81Nb",
    "no dtype": wrapper(b"N", shape(1)),
    "dtype that is no call": wrapper(Op.text("f8"), shape(1)),
    "unknown dtype": wrapper(dtype("(2,)f8"), shape(1)),
    "dtype without size": wrapper(dtype("f"), shape(1)),
    "huge dtype": wrapper(dtype("f9999999999"), shape(1)),
    "no shape": wrapper(dtype("f8"), b"N"),
    "negative shape": wrapper(dtype("f8"), shape(-1)),
    "shape of text": wrapper(dtype("f8"), b"(" + Op.text("a") + b"t"),
    "too much padding": wrapper(dtype("f8"), shape(1)) + b"\x21" + bytes(50),
    "truncated": wrapper(dtype("f8"), shape(1 << 20)) + b"\x00",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_wrappers_that_say_nothing_useful(data: bytes) -> None:
    assert look(file(data)).safety.verdict is Verdict.UNSCANNABLE


def test_a_wrapper_of_somebody_else_is_suspicious() -> None:
    data = file(DOUBLES.replace(b"joblib.numpy_pickle", b"joblib.xxxxx_pickle"), b"\x00", RAW)

    assert look(data).safety.verdict is Verdict.SUSPICIOUS


def test_forks_are_paid_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copying a large stack for each of many small arrays would take forever."""
    monkeypatch.setattr(machine, "LIMITS", dataclasses.replace(LIMITS, pickle_opcodes=20_000))
    many = b"N" * 10_000 + (OLD + RAW) * 200

    (finding,) = look(file(many)).safety.findings

    assert "more than 20000 opcodes" in finding.message
    assert look(file((OLD + RAW) * 200)).safety.verdict is Verdict.SAFE
