"""Sources in git: commits, LFS pointers, working trees, and repositories that are hostile."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING

import pytest

from support.git_repos import commit, git, pointer, served

if TYPE_CHECKING:
    from pathlib import Path

    from support.product import Lading


@pytest.fixture
def weights(model: Path) -> bytes:
    return (model / "model.safetensors").read_bytes()


@pytest.fixture
def repository(model: Path, weights: bytes) -> Path:
    """The example as a repository whose weights are an LFS pointer, as a clone without LFS is."""
    (model / "model.safetensors").write_bytes(pointer(weights))
    git(model, "init", "-q", "-b", "main")
    commit(model)
    return model


@pytest.fixture
def clone(repository: Path, weights: bytes, tmp_path: Path) -> Path:
    """A clone of it with the weights fetched, as git-lfs leaves it."""
    made = tmp_path / "clone" / "ticket-router-tiny"
    git(tmp_path, "clone", "-q", f"file://{repository}", str(made))
    (made / "model.safetensors").write_bytes(weights)
    sha256 = hashlib.sha256(weights).hexdigest()
    kept = made / ".git" / "lfs" / "objects" / sha256[:2] / sha256[2:4] / sha256
    kept.parent.mkdir(parents=True)
    kept.write_bytes(weights)
    return made


def test_a_commit_is_attested_with_lfs_files_as_what_they_stand_for(
    lading: Lading, repository: Path, weights: bytes
) -> None:
    document = lading.ok("attest", f"git:{repository}@HEAD", "--json").json()

    assert document["commit"] == git(repository, "rev-parse", "HEAD")
    assert document["unread"] == ["model.safetensors"]
    assert document["license"] == "MIT"
    assert document["files"] == 6
    assert document["size"] > len(weights)


def test_a_url_a_path_a_directory_and_a_clone_are_the_same(
    lading: Lading, repository: Path, clone: Path
) -> None:
    with served(repository.parent) as url:
        place = f"{url}/{repository.name}"
        head = git(repository, "rev-parse", "HEAD")
        documents = [
            lading.ok("attest", target, "--json").json()
            for target in (
                f"git:{place}",
                f"git:{place}@main",
                f"git:{place}@{head}",
                f"git:file://{repository}",
                f"git:{clone}",
                f"dir:{clone}",
            )
        ]

    assert len({one["digest"] for one in documents}) == 1
    assert {one["commit"] for one in documents[:-1]} == {head}
    assert documents[0]["source"] == f"git:{place}@{head}"
    assert documents[0]["unread"] == ["model.safetensors"]
    assert documents[4]["unread"] == []  # its LFS object is there, and was read
    found = lading.ok("verify", f"git:{clone}", "--as", f"git:{place}", "--json").json()
    assert found["commit"] == head
    lading.ok("verify", f"git:{clone}@HEAD")


def test_a_clone_whose_weights_were_not_fetched_is_not_the_model(
    lading: Lading, repository: Path, clone: Path
) -> None:
    lading.ok("attest", f"git:{clone}")

    ran = lading("verify", f"git:{repository}", "--json")

    assert ran.status == 10
    assert ran.json()["difference"]["changed"] == ["model.safetensors"]


def test_a_working_tree_that_differs_is_not_attested_as_its_commit(
    lading: Lading, clone: Path
) -> None:
    lading.ok("attest", f"git:{clone}")
    (clone / "config.json").write_text("{}")
    (clone / "new.py").write_text("x")

    ran = lading("attest", f"git:{clone}")

    assert ran.status == 22
    assert "config.json, new.py" in " ".join(ran.err.split())
    lading.ok("attest", f"git:{clone}@HEAD")
    assert lading("verify", f"git:{clone}").status == 10


def test_a_pointer_that_does_not_fit_its_object_is_refused(lading: Lading, clone: Path) -> None:
    (kept,) = (one for one in (clone / ".git" / "lfs").rglob("*") if one.is_file())
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")

    ran = lading("attest", f"git:{clone}@HEAD")

    assert ran.status == 22
    assert "LFS" in ran.err


def test_one_folder_of_a_large_repository(lading: Lading, repository: Path) -> None:
    (repository / "models" / "a").mkdir(parents=True)
    (repository / "models" / "a" / "config.json").write_text('{"model_type": "bert"}')
    (repository / "models" / "a" / "same.json").symlink_to("config.json")
    head = commit(repository)

    document = lading.ok("attest", f"git:{repository}//models/a", "--json").json()

    assert document["files"] == 2
    assert document["source"].endswith(f"@{head}//models/a")
    lading.ok("verify", f"git:{repository}//models/a")
    lading.ok("verify", f"dir:{repository / 'models' / 'a'}")


def test_links_out_and_submodules_are_never_signed_over(
    lading: Lading, repository: Path, tmp_path: Path
) -> None:
    (repository / "out").symlink_to("../lading.key")
    commit(repository)
    assert "out: a link that leads to no file" in _refused(lading, repository)

    (repository / "out").unlink()
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "x").write_text("x")
    commit(inner)
    shutil.copytree(inner, repository / "inner")
    commit(repository)
    assert "inner: another repository" in _refused(lading, repository)


def _refused(lading: Lading, repository: Path) -> str:
    ran = lading("attest", f"git:{repository}@HEAD")
    assert ran.status == 22
    return " ".join(ran.err.split())


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch pwned'", "http://example.org/x", "git://127.0.0.1/x", "-u/x"]
)
def test_other_transports_are_not_used(lading: Lading, url: str) -> None:
    assert lading("attest", f"git:{url}").status == 2
    assert not (lading.cwd / "pwned").exists()


def test_a_hostile_repository_runs_nothing(
    lading: Lading, repository: Path, tmp_path: Path
) -> None:
    """Hooks, filters, monitors, ssh commands and lazy fetches of the repository's own settings."""
    marker = tmp_path / "ran"
    command = tmp_path / "command.sh"
    command.write_text(f"#!/bin/sh\ntouch {marker}\ncat\n")
    command.chmod(0o755)
    (repository / ".gitattributes").write_text("* filter=evil diff=evil\n")
    commit(repository)
    for name in ("post-checkout", "pre-auto-gc", "reference-transaction", "post-index-change"):
        shutil.copy(command, repository / ".git" / "hooks" / name)
    settings = {
        "core.fsmonitor": str(command),
        "core.sshCommand": str(command),
        "core.pager": str(command),
        "core.hooksPath": str(repository / ".git" / "hooks"),
        "filter.evil.clean": str(command),
        "filter.evil.smudge": str(command),
        "diff.evil.textconv": str(command),
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{command}",
    }
    for name, value in settings.items():
        git(repository, "config", name, value)

    good = lading("attest", f"git:{repository}@HEAD")
    assert lading("attest", f"git:{repository}").status == 0
    head = git(repository, "rev-parse", "HEAD:config.json")
    (repository / ".git" / "objects" / head[:2] / head[2:]).unlink()
    torn = lading("attest", f"git:{repository}@HEAD")

    assert good.status == 0, good.err
    assert torn.status == 22  # and was not fetched from the "promisor"
    assert not marker.exists()


def test_the_callers_git_variables_do_not_count(
    lading: Lading, repository: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    (other / "x").write_text("x")
    commit(other)
    evil = {"GIT_DIR": str(other / ".git"), "GIT_OBJECT_DIRECTORY": str(other / ".git/objects")}

    ran = lading("attest", f"git:{repository}@HEAD", "--json", env=evil)

    assert ran.json()["commit"] == git(repository, "rev-parse", "HEAD")


def test_replaced_objects_do_not_count(lading: Lading, repository: Path) -> None:
    before = lading.ok("attest", f"git:{repository}@HEAD", "--json").json()["digest"]
    old = git(repository, "rev-parse", "HEAD:config.json")
    fake = repository / ".git" / "fake"
    fake.write_text("{}")
    new = git(repository, "hash-object", "-w", str(fake))
    git(repository, "replace", old, new)

    assert lading.ok("attest", f"git:{repository}@HEAD", "--json").json()["digest"] == before


def test_a_password_in_a_url_goes_nowhere(lading: Lading, repository: Path) -> None:
    with served(repository.parent) as url:
        secret = url.replace("http://", "http://ada:hunter2@")
        ran = lading.ok("attest", f"git:{secret}/{repository.name}", "--json")
        failed = lading("attest", f"git:{secret}/nothing")

        verified = lading("verify", f"git:{secret}/{repository.name}@main", "--json")

    assert verified.status == 0, verified.err
    for one in (ran, failed, verified):
        assert "hunter2" not in one.out + one.err
    assert failed.status == 20


@pytest.mark.parametrize("name", [b"..", b".", b"sub/x"])
def test_a_tree_that_leads_out_is_refused(lading: Lading, repository: Path, name: bytes) -> None:
    blob = git(repository, "rev-parse", "HEAD:config.json")
    raw = repository / ".git" / "tree"
    raw.write_bytes(b"100644 " + (b"../" if b"/" in name else b"") + name + b"\0")
    raw.write_bytes(raw.read_bytes() + bytes.fromhex(blob))
    tree = git(repository, "hash-object", "-t", "tree", "-w", "--literally", str(raw))
    head = git(repository, "commit-tree", tree, "-m", "evil")

    ran = lading("attest", f"git:{repository}@{head}")

    assert ran.status == 22
    assert "leads out" in ran.err
