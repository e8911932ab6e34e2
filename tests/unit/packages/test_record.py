from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.packages.record import parse_record, resolve
from support.packages_fixtures import record_row


def test_rows_have_path_digest_and_size() -> None:
    record = parse_record(record_row("pkg/a.py", b"hello").encode(), "lib/site-packages")
    (row,) = record.rows
    assert row.path == "lib/site-packages/pkg/a.py"
    assert row.sha256 == hashlib.sha256(b"hello").hexdigest()
    assert row.size == 5


def test_quoted_paths_and_rows_without_digest() -> None:
    record = parse_record(b'"a, b.py",,\npkg/__pycache__/x.pyc,,\n\n', "s")
    assert [(row.path, row.sha256, row.size) for row in record.rows] == [
        ("s/a, b.py", None, None),
        ("s/pkg/__pycache__/x.pyc", None, None),
    ]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("../../../bin/tool", "usr/bin/tool"),
        ("/etc/thing.conf", "etc/thing.conf"),
        ("./a//b.py", "usr/lib/python3/dist-packages/a/b.py"),
        ("../../../../../etc/passwd", None),
        ("/../x", None),
        ("..hidden/x", "usr/lib/python3/dist-packages/..hidden/x"),
    ],
)
def test_paths_stay_in_the_image(written: str, found: str | None) -> None:
    assert resolve("usr/lib/python3/dist-packages", written) == found


def test_a_site_at_the_root_has_no_leading_slash() -> None:
    assert resolve("", "a.py") == "a.py"


def test_climbing_paths_are_reported_as_written() -> None:
    record = parse_record(b"../../../../../../etc/passwd,,\nok.py,,\n", "a/b")
    assert record.escaping == ("../../../../../../etc/passwd",)
    assert [row.path for row in record.rows] == ["a/b/ok.py"]


def test_other_algorithms_and_nonsense_are_no_digest() -> None:
    rows = parse_record(
        b"a,md5=abc,1\nb,sha256=short,1\nc,sha256=" + b"!" * 43 + b",x\nd,sha512=x,-4\n", "s"
    ).rows
    assert [row.sha256 for row in rows] == [None] * 4
    assert [row.size for row in rows] == [1, 1, None, None]


def test_binary_content_is_said_to_be_broken() -> None:
    record = parse_record(b"\x7fELF\0\0\0", "s")
    assert record.rows == ()
    assert record.broken


def test_a_field_too_long_for_csv_is_said_to_be_broken() -> None:
    record = parse_record(b"ok.py,,\n" + b"x" * 200_000 + b",,\n", "s")
    assert [row.path for row in record.rows] == ["s/ok.py"]
    assert record.broken is not None
    assert "CSV" in record.broken


def test_rows_are_bounded() -> None:
    record = parse_record(b"a,,\n" * 100, "s", limit=10)
    assert len(record.rows) == 10
    assert record.broken is not None


@settings(deadline=None)  # busy machines are no defect
@given(st.binary(max_size=500), st.sampled_from(["", "a", "a/b.c", "usr/lib"]))
def test_any_bytes_are_read_and_no_path_leaves_the_image(content: bytes, site: str) -> None:
    for row in parse_record(content, site).rows:
        assert not row.path.startswith("/")
        assert ".." not in row.path.split("/")
