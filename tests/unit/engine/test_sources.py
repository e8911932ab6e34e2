"""What a build is made from, as far as it can be read beforehand."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from lading.engine.argv import parse_build
from lading.engine.dockerfile import BaseImage
from lading.engine.sources import BuildSources, describe_sources, read_sources
from lading.limits import LIMITS

if TYPE_CHECKING:
    from pathlib import Path


def _look(*words: str, **environ: str) -> BuildSources:
    command = parse_build(words)
    return describe_sources(read_sources(command), command, environ)


def test_the_dockerfile_of_the_context(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM debian:12\n")

    found = _look("-t", "x", str(tmp_path))

    assert (found.context, found.dockerfile, found.unread) == ("directory", "Dockerfile", None)
    assert found.dockerfile_sha256 == hashlib.sha256(b"FROM debian:12\n").hexdigest()
    assert found.bases == (BaseImage("debian:12", "debian:12", final=True),)


def test_another_dockerfile_target_and_arguments(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("ARG TAG\nARG HOST\nFROM $HOST/debian:$TAG AS a\nFROM scratch\n")

    found = _look(
        *("-f", str(other), "--target=a", "--build-arg", "TAG=12", "--build-arg", "HOST"),
        str(tmp_path),
        HOST="example.org",
    )

    assert [one.name for one in found.bases] == ["example.org/debian:12"]


@pytest.mark.parametrize(
    ("words", "context"),
    [(("-",), "stdin"), (("https://example.org/a.git",), "url"), ((), "url")],
)
def test_contexts_that_cannot_be_read_say_why(words: tuple[str, ...], context: str) -> None:
    found = _look(*words)

    assert found.context == context
    assert found.unread
    assert found.dockerfile_sha256 is None


def test_dockerfiles_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"#" * (LIMITS.dockerfile + 1))

    for words, told in (
        (("-f", "-"), "standard input"),
        ((), "cannot be read"),
        (("-f", str(big)), "bytes"),
        (("-f", str(tmp_path)), "regular file"),
    ):
        found = _look(*words, str(tmp_path))
        assert told in (found.unread or "")
        assert found.dockerfile_sha256 is None


def test_a_pipe_is_left_to_docker(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    try:
        os.write(writing, b"FROM debian:12\n")

        found = _look("-f", f"/dev/fd/{reading}", str(tmp_path))

        assert "regular file" in (found.unread or "")
        assert os.read(reading, 100) == b"FROM debian:12\n"
    finally:
        os.close(reading)
        os.close(writing)
