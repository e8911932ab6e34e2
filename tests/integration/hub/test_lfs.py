"""Large files by the real git-lfs: its pointers, its clones, and its server's API on loopback."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import parts
from support.git_repos import git, pointer, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.product import Lading


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment in which git has git-lfs, installed for one user."""
    tool = parts.require("git-lfs")
    home = tmp_path / "user"
    home.mkdir()
    found = {
        "PATH": os.pathsep.join((str(tool.parent), os.environ["PATH"])),
        "HOME": str(home),
    }
    git(tmp_path, "lfs", "install", "--skip-repo", env=found)
    return found


@pytest.fixture
def url(tmp_path: Path, model: Path, env: dict[str, str]) -> Iterator[str]:
    """The example model in a repository that git-lfs filled, and its objects in an LFS store."""
    root = tmp_path / "served"
    bare = root / "ticket-router-tiny.git"
    bare.mkdir(parents=True)
    git(bare, "init", "-q", "--bare", "-b", "main")
    with served(root) as base:
        git(model, "init", "-q", "-b", "main", env=env)
        (model / ".lfsconfig").write_text(f"[lfs]\n\turl = {base}/lfs\n\tlocksverify = false\n")
        git(model, "lfs", "track", "*.safetensors", env=env)
        git(model, "add", "-A", env=env)
        git(model, "commit", "-q", "-m", "model", env=env)
        git(model, "remote", "add", "origin", f"file://{bare}", env=env)
        git(model, "push", "-q", "origin", "main", env=env)  # uploads the objects first
        yield f"{base}/{bare.name}"


def test_what_git_lfs_commits_and_fetches_is_what_is_listed_and_verified(
    lading: Lading, tmp_path: Path, model: Path, url: str, env: dict[str, str]
) -> None:
    weights = (model / "model.safetensors").read_bytes()
    document = lading.ok("attest", f"git:{url}", "--json").json()
    assert document["unread"] == ["model.safetensors"]
    assert document["name"] == "ticket-router-tiny"

    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", url, str(clone), env=env)
    assert (clone / "model.safetensors").read_bytes() == weights
    found = lading.ok("verify", f"git:{clone}", "--as", f"git:{url}", "--json").json()
    assert found["files"].keys() == {
        one.name for one in model.iterdir() if one.is_file() and one.name != ".gitattributes"
    }
    whole = lading.ok("attest", f"git:{clone}", "--json").json()
    assert whole["unread"] == []  # a clone with its objects: every byte was read
    assert whole["digest"] == document["digest"]


def test_a_clone_without_its_objects_is_not_the_model(
    lading: Lading, tmp_path: Path, model: Path, url: str, env: dict[str, str]
) -> None:
    lading.ok("attest", f"git:{url}")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", url, str(clone), env={**env, "GIT_LFS_SKIP_SMUDGE": "1"})
    content = (model / "model.safetensors").read_bytes()
    assert (clone / "model.safetensors").read_bytes() == pointer(content)

    ran = lading("verify", f"git:{clone}", "--as", f"git:{url}", "--json")

    assert ran.status == 10
    assert ran.json()["difference"]["changed"] == ["model.safetensors"]
    git(clone, "lfs", "pull", env=env)
    lading.ok("verify", f"git:{clone}", "--as", f"git:{url}")
