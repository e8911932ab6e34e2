"""The commit of a build context, by real git repositories."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lading.engine.git import commit_of
from support.git_repos import git

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not on PATH")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM scratch\n")
    (tmp_path / ".gitignore").write_text("*.bin\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "First")
    return tmp_path


def test_a_clean_context(repository: Path) -> None:
    found = commit_of(repository / "app")

    assert found is not None
    assert found.commit == git(repository, "rev-parse", "HEAD")
    assert (found.path, found.remote, found.changed, found.ignored) == ("app", None, 0, 0)


def test_changed_new_and_ignored_files_below_the_context_are_told(repository: Path) -> None:
    (repository / "app" / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    (repository / "app" / "new.txt").write_text("new")
    (repository / "app" / "model.bin").write_text("weights")
    (repository / "elsewhere.txt").write_text("not in the context")

    found = commit_of(repository / "app")

    assert found is not None
    assert (found.changed, found.ignored) == (2, 1)


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://me:hunter2@example.org/a.git", "https://example.org/a.git"),
        ("git@example.org:a/b.git", "ssh://example.org/a/b.git"),
    ],
)
def test_a_remote_is_told_without_credentials(repository: Path, remote: str, shown: str) -> None:
    git(repository, "remote", "add", "origin", remote)

    found = commit_of(repository)

    assert found is not None
    assert found.remote == shown


def test_a_directory_outside_of_git_has_no_commit(tmp_path: Path) -> None:
    assert commit_of(tmp_path) is None


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    assert commit_of(tmp_path) is None


def test_the_repositorys_own_settings_start_no_monitor(repository: Path) -> None:
    monitor = repository / "monitor.sh"
    monitor.write_text(f"#!/bin/sh\ntouch {repository}/started\n")
    monitor.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(monitor))

    assert commit_of(repository) is not None
    assert not (repository / "started").exists()
