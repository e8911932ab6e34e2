"""NumPy's arrays: what the header says, and pickles behind headers that say it in other words."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.inventory import Verdict
from lading.models import vocabulary as v
from support.models_fixtures import evil_pickle, npy_bytes, npz_bytes
from support.models_streams import facts_of, ids_of, look, seen


def raw(descr: str, data: bytes, shape: str = "(1,)", version: int = 1, header: str = "") -> bytes:
    """Return a file with any header."""
    text = header or f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"
    form = "<H" if version == 1 else "<I"
    encoded = text.encode("utf-8" if version == 3 else "latin-1")
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(form, len(encoded)) + encoded + data


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.zeros((2, 3), np.float32), "F32"),
        (np.zeros((2, 3), ">f8"), "F64"),
        (np.zeros((6,), np.int8), "I8"),
        (np.zeros((6,), np.bool_), "BOOL"),
        (np.zeros((6,), np.complex64), "C64"),
        (np.zeros((6,), "U5"), "U"),
        (np.zeros((6,), "S5"), "S"),
        (np.zeros((6,), "V5"), "V"),
        (np.zeros((6,), "M8[ns]"), "M"),
        (np.zeros((6,), "m8[25s]"), "m"),
        (np.zeros((6,), [("a", "f4"), ("b", "U2", (2, 2)), ("c", [("d", "i8")])]), "STRUCT"),
        (np.asfortranarray(np.zeros((2, 3))), "F64"),
    ],
)
def test_arrays(array: np.ndarray, dtype: str) -> None:
    file = seen("w.npy", npy_bytes(array))

    assert (file.format, file.safety.verdict) == ("numpy", Verdict.SAFE), file.safety
    assert facts_of(file)[v.DTYPE] == dtype
    assert facts_of(file)[v.PARAMETERS] == 6


@pytest.mark.parametrize("array", [np.array(3.0), np.zeros((0, 4))])
def test_scalars_and_empty_arrays(array: np.ndarray) -> None:
    assert seen("w.npy", npy_bytes(array)).safety.verdict is Verdict.SAFE


def test_a_long_header_has_another_version() -> None:
    array = np.zeros(2, [(f"column{i}", "f4") for i in range(3000)])
    with pytest.warns(UserWarning, match="2.0"):
        data = npy_bytes(array)

    assert seen("w.npy", data).safety.verdict is Verdict.UNSCANNABLE, "64 KiB are the bound"
    assert seen("w.npy", raw("'<f4'", bytes(4), version=2)).safety.verdict is Verdict.SAFE
    assert seen("w.npy", raw("[('é', '<f4')]", bytes(4), version=3)).safety.verdict is Verdict.SAFE


def test_objects_are_a_pickle() -> None:
    plain = seen("w.npy", npy_bytes(np.array([{"a": 1}, None], dtype=object)))
    assert plain.safety.verdict is Verdict.SAFE
    assert facts_of(plain)[v.DTYPE] == "OBJECT"

    structure = np.array([(1, "x")], dtype=[("a", "i4"), ("b", object)])
    assert seen("w.npy", npy_bytes(structure)).safety.verdict is Verdict.SAFE


#: What NumPy reads as a type with objects in it.
OBJECTS = [
    "'|O'", "'O'", "'O8'", "'object'", "'f8,O'", "'(2,)O'", "'=O'", "[('a', 'O8')]",
    "[('a', '<f4'), ('b', '|O')]", "[('a', [('b', '|O')])]", "[(('title', 'a'), '|O')]",
    "[('a', '|O', (2,))]", "('|O', (2,))", "[('a', ('|O', (2,)))]",
    "{'names': ['a'], 'formats': ['O']}",
]  # fmt: skip


@pytest.mark.parametrize("descr", OBJECTS)
def test_a_pickle_behind_any_word_for_objects(descr: str) -> None:
    file = seen("w.npy", raw(descr, evil_pickle()))

    assert file.safety.verdict >= Verdict.UNSCANNABLE
    array = eval(descr, {"__builtins__": {}})
    if not isinstance(array, dict):
        assert np.dtype(np.lib.format.descr_to_dtype(array)).hasobject, "NumPy would unpickle it"


MALFORMED = {
    "truncated": npy_bytes(np.zeros(9))[:-1],
    "too long": npy_bytes(np.zeros(9)) + b"x",
    "magic only": b"\x93NUMPY",
    "version": raw("'<f4'", bytes(4)).replace(b"Y\x01", b"Y\x07"),
    "no literal": raw("", b"", header="__import__('os')"),
    "no dictionary": raw("", b"", header="[1]"),
    "no shape": raw("", b"", header="{'descr': '<f4', 'fortran_order': False}"),
    "negative": raw("'<f4'", b"", "(-1,)"),
    "no tuple": raw("'<f4'", bytes(4), "[1]"),
    "boolean extent": raw("'<f4'", bytes(4), "(True,)"),
    "many dimensions": raw("'<f4'", bytes(4), "(" + "1," * 65 + ")"),
    "unknown type": raw("'<q8'", bytes(8)),
    "no size": raw("'<f'", bytes(4)),
    "field of one": raw("[('a',)]", bytes(4)),
    "field of text": raw("['a']", bytes(4)),
    "field with a lie": raw("[('a', '<f4', 'x')]", bytes(4)),
    "number": raw("1", bytes(4)),
    "deep": raw("", b"", header="[" * 20_000),
    "operators": raw("", b"", header="-" * 30_000 + "1"),
    "sum": raw("", b"", header="1" + "+1j" * 10_000),
    "header too long": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f{",
    "not UTF-8": raw("", b"", header="{'descr': 'é'}"),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_arrays_are_unscannable(data: bytes) -> None:
    assert seen("w.npy", data).safety.verdict is Verdict.UNSCANNABLE


def test_a_shape_that_lies_is_cut() -> None:
    file = seen("w.npy", raw("'<f4'", b"", "(9223372036854775807," + "2," * 20 + ")"))

    assert facts_of(file)[v.PARAMETERS] == 1 << 63
    assert "numpy-wrong-size" in ids_of(file)


class TestNpz:
    def test_arrays_of_an_archive(self) -> None:
        file = seen("w.npz", npz_bytes(a=np.zeros((2, 2), np.float16), b=np.zeros(3, np.float16)))

        assert (file.format, file.safety.verdict) == ("npz", Verdict.SAFE)
        facts = facts_of(file)
        assert (facts[v.PARAMETERS], facts[v.TENSOR_COUNT], facts[v.DTYPE]) == (7, 2, "F16")

    def test_a_pickle_among_them(self) -> None:
        from support.models_fixtures import zip_bytes

        good = npy_bytes(np.zeros(3))
        data = zip_bytes({"a.npy": good, "b.npy": raw("'|O'", evil_pickle()), "c.npy": good})

        assert seen("w.npz", data).safety.verdict is Verdict.DANGEROUS

    def test_a_broken_array_is_told(self) -> None:
        from support.models_fixtures import zip_bytes

        file = seen("w.npz", zip_bytes({"a.npy": b"\x93NUMPY"}))

        assert (file.format, file.safety.verdict) == ("npz", Verdict.UNSCANNABLE)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=40), st.binary(max_size=20))
def test_any_header(text: str, data: bytes) -> None:
    found = look("w.npy", raw("", data, version=3, header=text))

    assert found is not None
    assert found.safety.verdict is Verdict.UNSCANNABLE
