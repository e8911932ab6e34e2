"""The signed list of files: what is written reads back, and nothing else is read as one."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import VerificationError
from lading.hub.lfs import Pointer, parse_pointer
from lading.hub.oms import Origin, build_predicate, parse_predicate
from lading.root_digest import root_digest

A, B, C = (hashlib.sha256(one).hexdigest() for one in (b"a", b"b", b"c"))
FILES = {"a-b/c": A, "a/b": B, "é": C}


def _read(predicate: dict[str, Any], files: dict[str, str] = FILES) -> Any:
    root = root_digest(files.items()) or ""
    return parse_predicate([("m", root.removeprefix("sha256:"))], predicate)


def test_the_order_is_by_path_component() -> None:
    """``a/b`` stands before ``a-b/c``, though the text does not."""
    wanted = hashlib.sha256(b"".join(map(bytes.fromhex, (B, A, C)))).hexdigest()

    assert root_digest(FILES.items()) == f"sha256:{wanted}"
    names = [one["name"] for one in build_predicate(FILES, Origin(), links=False)["resources"]]
    assert names == ["a/b", "a-b/c", "é"]


def test_what_is_written_reads_back() -> None:
    origin = Origin("hf:a/b@c", "model", "a/b", "c", "t", "MIT", "pkg:x/y", "2026", ("a/b",))

    manifest = _read(build_predicate(FILES, origin, links=True))

    assert dict(manifest.files) == FILES
    assert manifest.origin == origin
    assert manifest.root == root_digest(FILES.items())


def _changed(path: list[Any], value: Any) -> dict[str, Any]:
    predicate = copy.deepcopy(build_predicate(FILES, Origin(), links=False))
    inner: Any = predicate
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return predicate


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["serialization"], None),
        (["serialization", "method"], "shards"),
        (["serialization", "hash_type"], "blake3"),
        (["serialization", "ignore_paths"], "x"),
        (["serialization", "ignore_paths"], [1]),
        (["resources"], []),
        (["resources"], None),
        (["resources", 0], "x"),
        (["resources", 0, "algorithm"], "md5"),
        (["resources", 0, "digest"], A.upper()),
        (["resources", 0, "digest"], C),
        (["resources", 0, "digest"], None),
        (["resources", 0, "name"], "../b"),
        (["resources", 0, "name"], "/a/b"),
        (["resources", 0, "name"], "a//b"),
        (["resources", 0, "name"], ""),
        (["resources", 0, "name"], 7),
        (["resources", 1, "name"], "a/b"),
        (["resources", 0, "name"], "a/" * 5000),
    ],
)
def test_what_is_no_list_is_refused(path: list[Any], value: Any) -> None:
    with pytest.raises(VerificationError) as refused:
        _read(_changed(path, value))

    assert refused.value.code == "oms"


@pytest.mark.parametrize("subjects", [[], [("m", None)], [("m", A), ("n", B)], [("m", A)]])
def test_the_subject_is_one_and_the_files_give_it(subjects: list[tuple[str, str | None]]) -> None:
    with pytest.raises(VerificationError):
        parse_predicate(subjects, build_predicate(FILES, Origin(), links=False))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_a_strange_source_is_unknown_and_no_error(value: Any) -> None:
    for source in (value, {"uri": value, "unread": value, "commit": value}):
        predicate = build_predicate(FILES, Origin(), links=False) | {"source": source}
        origin = _read(predicate).origin
        assert origin.uri is None or isinstance(origin.uri, str)
        assert all(isinstance(one, str) for one in origin.unread)


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12\n", Pointer(A, 12)),
        (
            b"version https://git-lfs.github.com/spec/v1\next-0-a sha256:x\noid sha256:%s\nsize 0",
            Pointer(A, 0),
        ),
        (b"version https://git-lfs.github.com/spec/v2\noid sha256:%s\nsize 12\n", None),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize -1\n", None),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12\nmore\n", None),
        (b" version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12\n", None),
        (b"version https://git-lfs.github.com/spec/v1\r\noid sha256:%s\r\nsize 12\r\n", None),
        (b"\n" * 900 + b"%s" * 1, None),
    ],
)
def test_lfs_pointers(content: bytes, pointer: Pointer | None) -> None:
    assert parse_pointer(content % A.encode()) == pointer
