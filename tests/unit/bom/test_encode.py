"""Bytes and texts: canonical, valid Unicode, nothing lost, nothing that collides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading import bom
from lading.bom.text import as_text, iri, label, location, prose, purl
from lading.errors import InputError

anything = st.text(st.characters())


def test_keys_are_sorted_and_nothing_is_spaced() -> None:
    assert bom.encode({"b": [2, 1], "a": "é"}) == '{"a":"é","b":[2,1]}'.encode()


@pytest.mark.parametrize("odd", [{"a": float("nan")}, {"a": {1}}, {"a": 1, 2: "b"}])
def test_what_json_cannot_carry_is_refused(odd: dict[str, object]) -> None:
    with pytest.raises(InputError):
        bom.encode(odd)


def test_endless_nesting_is_refused() -> None:
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(InputError):
        bom.encode(deep)


@pytest.mark.parametrize(
    ("text", "written"),
    [("\udc80\udcff", r"\x80\xff"), ("\ud800", r"\ud800"), ("a\udc0ab", r"a\udc0ab")],
)
def test_lone_surrogates_become_text(text: str, written: str) -> None:
    assert json.loads(bom.encode({"a": text})) == {"a": written}


@given(st.dictionaries(anything, anything))
def test_any_text_becomes_valid_json(document: dict[str, str]) -> None:
    json.loads(bom.encode(document).decode())


@given(st.lists(anything, unique=True, min_size=2))
def test_no_two_paths_collide(paths: list[str]) -> None:
    assert len({location(path) for path in paths}) == len(paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("opt/model.bin", "/opt/model.bin"),
        ("a\udcffb", r"/a\xffb"),
        ("a\\xffb", r"/a\\xffb"),
        ("a\nb\x00", r"/a\x0ab\x00"),
        ("a\x85", r"/a\u0085"),
        ("名 100%", "/名 100%"),
    ],
)
def test_paths_are_escaped_as_documented(path: str, expected: str) -> None:
    assert location(path) == expected


@given(anything)
def test_prose_and_label_are_valid_unicode_for_xml(text: str) -> None:
    for found in (prose(text), label(text)):
        found.encode()
        assert not any(ord(c) < 32 and c not in "\t\n" for c in found)
    assert label(text) == label(text).strip()
    assert "\n" not in label(text)


@given(anything)
def test_iri_is_an_ascii_url_or_none(text: str) -> None:
    found = iri("https://example.org/" + text)
    assert found is not None
    assert found.isascii()
    assert " " not in found


def test_iri_and_purl_are_bounded() -> None:
    assert iri("https://example.org/" + "x" * 100_000) is None
    assert purl("pkg:pypi/" + "x" * 100_000) is None
    assert purl(None) is None


def test_values_of_facts_as_text() -> None:
    assert [as_text(value) for value in (None, "", [], {})] == [None] * 4
    assert as_text("x") == "x"
    assert as_text(value=False) == "false"
    assert as_text(12) == "12"
    assert as_text([1, "a"]) == '[1,"a"]'
    assert as_text({1: 2, "a": 3}) == "<class 'dict'>", "keys that JSON cannot sort"
