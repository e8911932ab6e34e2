"""Base images as a Dockerfile's text names them, by the rules of the Dockerfile reference."""

from __future__ import annotations

import pytest

from lading.engine.dockerfile import BaseImage, base_images


def _names(text: str, *, target: str | None = None, **build_args: str) -> list[str | None]:
    return [one.name for one in base_images(text, build_args=build_args, target=target)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM debian:12\n", ["debian:12"]),
        ("from debian:12 as base\nFROM base\n", ["debian:12"]),
        ("FROM scratch\n", []),
        ("", []),
        ("FROM --platform=$BUILDPLATFORM golang:1.24\n", ["golang:1.24"]),
        ("ARG TAG=12\nFROM debian:$TAG\n", ["debian:12"]),
        ('ARG TAG="12"\nFROM debian:${TAG}\n', ["debian:12"]),
        ("ARG A=1 B=2\nFROM x:$A$B\n", ["x:12"]),
        ("ARG A=1\nARG B=${A}-slim\nFROM x:$B\n", ["x:1-slim"]),
        ("FROM debian:${TAG:-13}\n", ["debian:13"]),
        ("ARG TAG=1\nFROM debian${TAG:+:12}\n", ["debian:12"]),
        ("ARG TARGETARCH\nFROM debian-$TARGETARCH\n", [None]),
        ("FROM debian:${TAG#v}\n", [None]),
        ("FROM debian:${TAG:-${OTHER}}\n", [None]),
        ("ARG BASE\nFROM $BASE\n", [None]),
        ("# a comment\n\n# escape=`\nFROM debian:12\n", ["debian:12"]),
        ("# escape=`\nFROM debian`\n:12\n", ["debian:12"]),
        ("FROM \\\n# a comment in between\n\n  debian:12\n", ["debian:12"]),
        ("FROM debian:12\nRUN <<EOF\nFROM evil:1\nEOF\n", ["debian:12"]),
        ("FROM debian:12\nCOPY <<-'EOF' /x\nFROM evil:1\n\tEOF\n", ["debian:12"]),
        ("FROM debian:12\nRUN echo $((1<<EOF)\nFROM debian:13\n", ["debian:13"]),
        ("FROM a:1\nCOPY --from=b:2 /x /y\n", ["a:1", "b:2"]),
        ("FROM a:1 AS one\nFROM b:2\nCOPY --chown=1 --from=one /x /y\n", ["b:2", "a:1"]),
        ("FROM a:1\nFROM b:2\nCOPY --from=0 /x /y\n", ["b:2", "a:1"]),
        ("FROM a:1\nRUN --mount=type=bind,from=c:3,target=/c make\n", ["a:1", "c:3"]),
        ("FROM a:1 AS unused\nFROM b:2\n", ["b:2"]),
    ],
)
def test_the_images_that_the_last_stage_draws_on(text: str, names: list[str | None]) -> None:
    assert _names(text) == names


def test_a_build_argument_counts_more_than_its_default() -> None:
    assert _names("ARG BASE=debian:12\nFROM $BASE\n", BASE="debian:13") == ["debian:13"]


def test_a_build_argument_that_the_dockerfile_does_not_declare_means_nothing() -> None:
    assert _names("FROM debian:${TAG:-12}\n", TAG="13") == ["debian:12"]


@pytest.mark.parametrize("target", ["tools", "TOOLS", "0"])
def test_a_target_leaves_later_stages_out(target: str) -> None:
    assert _names("FROM a:1 AS tools\nFROM b:2\nCOPY --from=tools / /\n", target=target) == ["a:1"]


def test_only_the_base_of_the_built_stage_is_final() -> None:
    text = "FROM a:1 AS base\nFROM c:3 AS other\nFROM base\nCOPY --from=other / /\n"

    assert base_images(text, build_args={}) == [
        BaseImage("c:3", "c:3"),
        BaseImage("a:1", "a:1", final=True),
    ]


def test_named_contexts_stand_for_names() -> None:
    text = "FROM base\nCOPY --from=lib / /\n"
    contexts = {"base": "docker-image://debian:12", "lib": "../lib"}

    assert base_images(text, build_args={}, contexts=contexts) == [
        BaseImage("base", "debian:12", final=True)
    ]


def test_thousands_of_stages_are_no_trouble() -> None:
    text = "FROM a:1 AS s0\n" + "".join(
        f"FROM s{number} AS s{number + 1}\n" for number in range(2000)
    )

    assert _names(text) == ["a:1"]
