"""Sources as people write them, and which files count."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.errors import UsageError
from lading.hub.interface import Scope, is_ignored
from lading.hub.targets import Target, parse_target

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("hf:org/name", Target("hf", "org/name")),
        ("hf:gpt2", Target("hf", "gpt2")),
        (f"hf:org/name@{COMMIT}", Target("hf", "org/name", COMMIT)),
        ("hf:org/name@refs/pr/1", Target("hf", "org/name", "refs/pr/1")),
        ("hf:org/name@v1//onnx/int8/", Target("hf", "org/name", "v1", "onnx/int8")),
        ("hf-dataset:org/name//data", Target("hf-dataset", "org/name", None, "data")),
        ("git:https://h/a/b.git@main", Target("git", "https://h/a/b.git", "main")),
        ("git:https://u:p@h:8443/a/b", Target("git", "https://u:p@h:8443/a/b")),
        ("git:https://u@h/a//sub/x", Target("git", "https://u@h/a", None, "sub/x")),
        ("git:git@hf.co:org/name@v1", Target("git", "git@hf.co:org/name", "v1")),
        ("git:ssh://git@h/a@v1//b", Target("git", "ssh://git@h/a", "v1", "b")),
        ("git:./clone", Target("git", "./clone")),
        ("git:./clone@v1//b", Target("git", "./clone", "v1", "b")),
        ("dir:./a@b//c", Target("dir", "./a@b//c")),
        ("file:model.bin", Target("file", "model.bin")),
    ],
)
def test_what_is_written_is_what_is_meant(text: str, wanted: Target) -> None:
    assert parse_target(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "hf:", "hf:a/b/c", "hf:../a", "hf:a b", "hf:a/b@-x", "hf:a/b@", "hf:a/b//../c",
        "hf:https://example.org", "git:x@--upload-pack=y", "git:x\0y", "s3:x", "image:1", "x",
        "hf-dataset:a/b@v 1",
    ],
)  # fmt: skip
def test_what_is_no_source_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_target(text)


def test_a_directory_may_have_an_at_in_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a@b").mkdir()

    assert parse_target("git:a@b") == Target("git", "a@b")
    assert parse_target("git:a@b@v1") == Target("git", "a@b", "v1")


def test_credentials_are_not_shown() -> None:
    assert str(parse_target("git:https://u:secret@h/a@v1//b")) == "git:https://h/a@v1//b"
    assert str(parse_target("git:git@h:a")) == "git:git@h:a"


@pytest.mark.parametrize(
    ("scope", "taken"),
    [
        (Scope(), {"a.bin", "sub/a.bin", "sub/deep/b.txt", "subway"}),
        (Scope(include=("*.bin",)), {"a.bin", "sub/a.bin"}),
        (Scope(include=("sub/",)), {"sub/a.bin", "sub/deep/b.txt"}),
        (Scope(include=("sub/*",)), {"sub/a.bin", "sub/deep/b.txt"}),
        (Scope(include=("./a.bin",)), set()),
        (Scope(exclude=("sub/", "subway")), {"a.bin"}),
        (Scope(include=("*.bin",), exclude=("sub/*",)), {"a.bin"}),
    ],
)
def test_scopes(scope: Scope, taken: set[str]) -> None:
    paths = {"a.bin", "sub/a.bin", "sub/deep/b.txt", "subway"}

    assert {path for path in paths if scope.takes(path)} == taken


def test_only_the_repositorys_own_files_are_ignored() -> None:
    ignored = [".git/config", ".gitattributes", ".github/x", ".cache/huggingface/x", "model.sig"]
    counted = ["sub/.git/config", ".gitmodules", ".cache/other", "model.sig.bin", "sub/model.sig"]

    assert all(is_ignored(path) for path in ignored)
    assert not any(is_ignored(path) for path in counted)
