"""JSON objects read member by member: what ``json`` reads, in pieces, without holding it."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.limits import LIMITS
from lading.models import jsonstream
from lading.models.jsonstream import SKIPPED, JsonObject, parse_json
from lading.models.stream import BytesSource, Malformed, Source, Truncated


class Drip(Source):
    """Gives a few bytes at a time, so that every token is cut somewhere."""

    def __init__(self, data: bytes, size: int = 1) -> None:
        super().__init__()
        self._pieces = (data[at : at + size] for at in range(0, len(data), size))

    def _fill(self) -> bytes:
        return next(self._pieces, b"")


def members(text: str | bytes, size: int = 0, **options: Any) -> list[tuple[str, Any]]:
    data = text.encode() if isinstance(text, str) else text
    source = Drip(data, size) if size else BytesSource(data)
    return [(".".join(path), value) for path, value in JsonObject(source, **options)]


SAMPLES = [
    "{}",
    ' \n{ "a" : 1 , "b":\t[1, {"c": "}]"}, "\\"["], "d": {"e": null} } ',
    '{"é": "\\u00e9\\n", "\\u0061": -1.5e3, "c": true, "d": false, "e": [], "f": {}, "g": ""}',
    '{"a": "\\\\", "b": "\\\\\\"", "c": [["x"], "]"]}',
    '{"a": 12345678901234567890, "b": 0}',
]


@pytest.mark.parametrize("text", SAMPLES)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 7])
def test_members_are_what_json_reads(text: str, size: int) -> None:
    assert dict(members(text, size)) == json.loads(text)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text(max_size=4), _json, max_size=4), st.integers(1, 9), st.booleans())
def test_any_object_in_any_pieces(value: dict[str, Any], size: int, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    found = [(path[-1], one) for path, one in JsonObject(Drip(text, size))]

    assert dict(found) == value


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 9))
def test_any_bytes_are_members_or_malformed(data: bytes, size: int) -> None:
    try:
        found = members(b"{" + data, size)
    except Malformed:
        return
    assert isinstance(found, list)


@pytest.mark.parametrize("size", [0, 1, 5])
def test_objects_that_are_entered(size: int) -> None:
    text = '{"weight_map": {"a": "x", "b": {"c": 1}}, "other": {"a": 1}, "weight_map2": 3}'
    source = Drip(text.encode(), size) if size else BytesSource(text.encode())
    found = list(JsonObject(source).enter(("weight_map",)))

    assert found == [
        (("weight_map", "a"), "x"),
        (("weight_map", "b"), {"c": 1}),
        (("other",), {"a": 1}),
        (("weight_map2",), 3),
    ]


def test_an_empty_object_that_is_entered() -> None:
    found = JsonObject(BytesSource(b'{"a": {}, "b": 1}')).enter(("a",))

    assert list(found) == [(("b",), 1)]


@pytest.mark.parametrize("size", [0, 3])
def test_values_beyond_the_bound_are_skipped(size: int) -> None:
    nested = '{"x": ["' + '\\"]' * 300 + '", {"y": "}"}]}'
    text = f'{{"small": 1, "large": {nested}, "string": "{"s" * 2000}", "last": [2]}}'
    found = dict(members(text, size, value_limit=500))

    assert found["small"] == 1
    assert found["last"] == [2]
    if size:
        assert found["large"] is SKIPPED


def test_a_value_of_many_megabytes_is_not_held() -> None:
    source = Drip(b'{"a": [' + b'"x", ' * 1_000_000 + b'1], "b": 2}', 1 << 16)
    tracemalloc.start()
    try:
        found = list(JsonObject(source))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == [(("a",), SKIPPED), (("b",), 2)]
    assert peak < 4 << 20


MALFORMED = {
    "nothing": "",
    "array": "[1]",
    "text": '"a"',
    "unclosed": '{"a": 1',
    "unclosed value": '{"a": [1, {"b": 2}',
    "unclosed string": '{"a": "b',
    "unclosed name": '{"a',
    "no colon": '{"a" 1}',
    "no comma": '{"a": 1 "b": 2}',
    "leading comma": '{, "a": 1}',
    "trailing comma": '{"a": 1,}',
    "name without quotes": "{a: 1}",
    "name that is a number": "{1: 2}",
    "no value": '{"a": }',
    "no literal": '{"a": nonsense}',
    "brackets that do not match": '{"a": [1}, "b": 2]}',
    "bad escape": '{"a": "\\x"}',
    "bad escape in a name": '{"\\x": 1}',
    "control character": '{"a\n": 1}',
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("size", [0, 1, 4])
def test_malformed_text(text: str, size: int) -> None:
    with pytest.raises(Malformed):
        members(text, size)


def test_text_that_is_not_utf_8() -> None:
    for size in (0, 1):
        with pytest.raises(Malformed, match="UTF-8"):
            members(b'{"a": "\xff"}', size)
        with pytest.raises(Malformed, match="UTF-8"):
            members(b'{"a": "\xc3', size)


def test_names_and_numbers_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Malformed, match="name is too long"):
        members(b'{"' + b"a" * 5000, 100, value_limit=1000)
    with pytest.raises(Malformed, match="number is too long"):
        members(b'{"a": ' + b"1" * 5000, 100, value_limit=1000)
    monkeypatch.setattr(jsonstream, "LIMITS", dataclasses.replace(LIMITS, companion_json=2000))
    with pytest.raises(Malformed, match="string is too long"):
        members(b'{"a": "' + b"1" * 5000, 100, value_limit=1000)


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "LIMITS", dataclasses.replace(LIMITS, json_members=4))
    with pytest.raises(Malformed, match="more than 4 members"):
        members('{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}')


def test_nesting_needs_no_stack() -> None:
    deep = b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b', "b": 1}'

    with pytest.raises(Malformed, match="not JSON"):
        members(deep)
    assert dict(members(deep, 1 << 12, value_limit=1000)) == {"a": SKIPPED, "b": 1}


def test_what_follows_the_object() -> None:
    found = JsonObject(BytesSource(b'{"a": 1} trailing'))
    list(found)

    assert found.rest == " trailing"


def test_a_cut_inside_an_object_is_a_truncation() -> None:
    whole = b'{"a": [1, "b"], "c": {"d": "e"}, "f": 12 }'
    for size in range(1, len(whole)):
        with pytest.raises(Truncated):
            members(whole[:size], 3)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ud800"])
def test_documents_that_are_none(text: str) -> None:
    with pytest.raises(Malformed):
        parse_json(text)
