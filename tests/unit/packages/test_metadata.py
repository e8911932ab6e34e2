from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.packages.metadata import (
    first,
    normalise,
    parse_headers,
    valid_name,
    valid_version,
)


def test_headers_are_read_up_to_the_first_empty_line() -> None:
    headers = parse_headers(
        b"Metadata-Version: 2.1\nName: Foo\nVersion: 1.0\nClassifier: A\nClassifier: B\n\n"
        b"Name: not-this\nVersion: 2\n"
    )
    assert headers["name"] == ["Foo"]
    assert headers["version"] == ["1.0"]
    assert headers["classifier"] == ["A", "B"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_understood(end: str) -> None:
    text = end.join(["Name: Foo", "Version: 1.0", "", "Name: other"])
    assert parse_headers(text.encode())["version"] == ["1.0"]


def test_continuation_lines_belong_to_the_header_above() -> None:
    headers = parse_headers(b"License: First\n        second\n\tthird\nName: x\n\n")
    assert headers["license"] == ["First\nsecond\nthird"]


def test_a_line_of_blanks_belongs_to_the_header_above() -> None:
    """A licence that is pasted in has paragraphs; dependencies follow it."""
    pasted = b"License: MIT License\n        \n        Permission is\n\t\n        granted.\n"
    headers = parse_headers(b"Name: x\n" + pasted + b"Requires-Dist: numpy\n\nRequires-Dist: no\n")
    assert headers["requires-dist"] == ["numpy"]
    assert headers["license"] == ["MIT License\n\nPermission is\n\ngranted."]


def test_first_of_a_repeated_single_header_counts() -> None:
    assert parse_headers(b"Name: good\nName: evil\n\n")["name"] == ["good"]


def test_unknown_headers_and_their_continuations_are_passed_over() -> None:
    assert parse_headers(b"X-Thing: a\n  Name: no\nName: yes\n\n") == {"name": ["yes"]}


def test_undecodable_bytes_do_not_hide_the_rest() -> None:
    headers = parse_headers(b"Summary: \xff\xfe\nName: ok\n\n")
    assert headers["name"] == ["ok"]
    assert "\ufffd" in headers["summary"][0]


def test_unknown_and_empty_values_say_nothing() -> None:
    headers = parse_headers(b"License: UNKNOWN\nHome-Page: \nAuthor: me\n\n")
    assert first(headers, "license") is None
    assert first(headers, "home-page") is None
    assert first(headers, "author") == "me"


def test_values_and_their_number_are_bounded() -> None:
    many = b"".join(b"Requires-Dist: p%d\n" % number for number in range(20_000))
    long = b"Summary: " + b"x" * 1_000_000 + b"\n" + b" y\n" * 100_000
    headers = parse_headers(b"Name: n\n" + many + long + b"\n")
    assert len(headers["requires-dist"]) == 10_000
    assert len(headers["summary"][0]) <= 32 * 1024 + 100


def test_a_header_block_without_end_is_read_to_a_bound() -> None:
    headers = parse_headers(b"Name: n\n" + b"Classifier: x\n" * 1_000_000)
    assert headers["name"] == ["n"]
    assert len(headers["classifier"]) == 10_000


@settings(deadline=None)  # busy machines are no defect
@given(st.binary(max_size=2000))
def test_any_bytes_are_read(content: bytes) -> None:
    headers = parse_headers(content)
    assert all(isinstance(value, str) for values in headers.values() for value in values)


@pytest.mark.parametrize(
    ("written", "comparable"),
    [("Foo.Bar_baz", "foo-bar-baz"), ("A--b", "a-b"), ("jaraco.text", "jaraco-text")],
)
def test_names_are_normalised(written: str, comparable: str) -> None:
    assert normalise(written) == comparable


@pytest.mark.parametrize("name", ["", "-a", "a/b", "..", "a b", "é", "a\n", "x" * 300])
def test_names_that_are_none(name: str) -> None:
    assert not valid_name(name)


def test_versions() -> None:
    assert valid_version("1.0+cu118")
    assert valid_version("2004d")
    assert not valid_version("")
    assert not valid_version("1 0")
    assert not valid_version("../1")
