"""Models whose name and commit stand elsewhere: stores of Ollama's and Docker's, Git checkouts."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from lading.inventory import Role, Verdict
from support.model_encoders import lfs_pointer
from support.models_fixtures import APACHE, gguf_bytes, hf_files, write_files
from support.models_stores import OLLAMA, digest, manifest, write_ollama
from support.models_streams import group_tree, look

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "89" * 20


class TestOllama:
    def test_a_manifest_makes_one_model_of_nameless_blobs(self, tmp_path: Path) -> None:
        layers = {
            "model": gguf_bytes(license_id=None),
            "license": APACHE.encode(),
            "template": b"{{ .Prompt }}",
            "params": b'{"stop": ["</s>"]}',
        }
        write_ollama(tmp_path, {"library/llama3/8b": layers})
        (model,) = group_tree(tmp_path).models

        assert (model.name, model.format) == ("llama3:8b", "gguf")
        roles = {file.sha256: file.role for file in model.files}
        assert roles[digest(layers["model"])] is Role.WEIGHTS
        assert roles[digest(layers["license"])] is Role.LICENSE
        assert roles[digest(layers["template"])] is Role.TOKENIZER
        assert roles[digest(layers["params"])] is Role.CONFIG
        assert model.fact("license") == "Apache-2.0"
        assert len(model.files) == 6

    def test_two_tags_of_the_same_weights_are_one_model(self, tmp_path: Path) -> None:
        layers = {"model": gguf_bytes()}
        write_ollama(tmp_path, {"library/llama3/8b": layers, "acme/mine/latest": layers})

        assert len(group_tree(tmp_path).models) == 1

    def test_weights_without_a_manifest_are_a_model_still(self, tmp_path: Path) -> None:
        data = gguf_bytes()
        write_files(tmp_path / OLLAMA, {f"blobs/sha256-{digest(data)}": data})
        (model,) = group_tree(tmp_path).models

        assert model.format == "gguf"

    def test_blobs_of_an_image_layout_are_none(self, tmp_path: Path) -> None:
        config = b'{"architecture":"amd64","os":"linux","rootfs":{}}'
        document = manifest(config, {"rootfs": b"x"}, "oci.image")
        blobs = {f"blobs/sha256/{digest(data)}": data for data in (config, document)}
        write_files(tmp_path / "layout", {**blobs, "manifests/a/b/c/d": document})
        found = group_tree(tmp_path)

        assert (found.models, found.datasets, found.findings) == ((), (), ())


def docker(directory: Path, template: bytes) -> None:
    weights, config = gguf_bytes(name="Smol", license_id=None), b'{"config":{"format":"gguf"}}'
    layers = {"gguf.v3": weights, "license": APACHE.encode(), "chat.template.jinja": template}
    document = manifest(config, layers, "docker.ai")
    blobs = {f"blobs/sha256/{digest(data)}": data for data in (config, *layers.values())}
    files = {**blobs, f"manifests/sha256/{digest(document)}": document}
    entry = {"id": f"sha256:{digest(document)}", "tags": ["ai/smol:latest"], "files": []}
    files["models.json"] = json.dumps({"models": [entry, {"tags": 3}]}).encode()
    write_files(directory / "models", dict(files))


class TestDocker:
    def test_the_index_names_the_model(self, tmp_path: Path) -> None:
        docker(tmp_path, b"{% for message in messages %}{{ message }}{% endfor %}")
        (model,) = group_tree(tmp_path).models

        assert (model.name, model.format, len(model.files)) == ("ai/smol:latest", "gguf", 5)
        assert model.safety.verdict is Verdict.SAFE

    def test_its_template_is_judged(self, tmp_path: Path) -> None:
        docker(tmp_path, b"{{ x.__class__.__mro__ }}")
        (model,) = group_tree(tmp_path).models

        assert model.safety.verdict is Verdict.DANGEROUS
        assert [one.id for one in model.safety.findings] == ["template-dangerous"]

    def test_another_models_json_is_none(self, tmp_path: Path) -> None:
        write_files(tmp_path, {"app/models.json": b'{"models": ["a", {"id": "b"}]}'})

        assert group_tree(tmp_path).models == ()


def checkout(directory: Path, url: str, files: dict[str, bytes]) -> str:
    """Make a real checkout; return its commit."""
    write_files(directory, dict(files))

    def git(*words: str) -> str:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
        done = subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    git("remote", "add", "origin", url)
    return git("rev-parse", "HEAD")


class TestCheckout:
    def test_repository_and_commit_make_a_purl(self, tmp_path: Path) -> None:
        url = "https://user:hf_secret@huggingface.co/acme/tiny-llama.git"
        commit = checkout(tmp_path / "srv/m", url, hf_files())
        found = group_tree(tmp_path)
        (model,) = found.models

        assert model.purl == f"pkg:huggingface/acme/tiny-llama@{commit}"
        assert model.name == "acme/tiny-llama"
        assert model.facts["commit"].where == "srv/m/.git/HEAD"
        assert "hf_secret" not in repr(found)
        assert all("/.git/" not in file.path for file in model.files)

    def test_packed_references_count_too(self, tmp_path: Path) -> None:
        commit = checkout(tmp_path, "git@hf.co:acme/tiny-llama", hf_files())
        done = subprocess.run(["git", "pack-refs", "--all"], cwd=tmp_path, check=True)
        (model,) = group_tree(tmp_path).models

        assert done.returncode == 0
        assert not list((tmp_path / ".git/refs/heads").iterdir())
        assert model.purl == f"pkg:huggingface/acme/tiny-llama@{commit}"

    @pytest.mark.parametrize(
        "url",
        [
            "https://github.com/acme/tiny-llama.git",
            "https://huggingface.co/datasets/acme/prose",
            "https://huggingface.co.evil.example/acme/tiny-llama",
        ],
    )
    def test_other_origins_are_no_models_of_the_hub(self, tmp_path: Path, url: str) -> None:
        checkout(tmp_path / "m", url, hf_files())
        (model,) = group_tree(tmp_path).models

        assert model.purl is None
        assert model.fact("repository") is None

    def test_pointers_that_were_never_fetched(self, tmp_path: Path) -> None:
        files = {**hf_files(), "model.safetensors": lfs_pointer()}
        checkout(tmp_path / "m", "https://huggingface.co/acme/tiny-llama", files)
        (model,) = group_tree(tmp_path).models

        assert (model.name, model.format) == ("acme/tiny-llama", "lfs-pointer")
        assert model.safety.verdict is Verdict.UNSCANNABLE
        assert [finding.id for finding in model.safety.findings] == ["lfs-pointer"]

    def test_broken_files_say_nothing(self) -> None:
        assert look("m/.git/HEAD", b"\xff\x00") is None
        assert look("m/.git/config", b'[remote "origin"]\n\turl = ../x\n') is None
        assert look("m/.git/packed-refs", b"# pack-refs with: peeled\n") is None


class TestDownload:
    NOTES = ".cache/huggingface/download"

    def test_the_commit_of_a_downloaded_folder(self, tmp_path: Path) -> None:
        files = hf_files()
        notes = {f"{self.NOTES}/{name}.metadata": f"{COMMIT}\n{'c' * 40}\n1.5\n" for name in files}
        write_files(tmp_path / "srv/m", {**files, **notes, f"{self.NOTES}/x.lock": b""})
        (model,) = group_tree(tmp_path).models

        assert model.fact("commit") == COMMIT
        assert model.facts["commit"].where.startswith(f"srv/m/{self.NOTES}/")
        assert model.purl is None  # nothing says of which repository
        assert len(model.files) == len(files)

    def test_files_of_two_commits_are_of_none(self, tmp_path: Path) -> None:
        notes = {
            f"{self.NOTES}/a.metadata": f"{COMMIT}\netag\n1.5\n",
            f"{self.NOTES}/b.metadata": f"{'d' * 40}\netag\n1.5\n",
        }
        write_files(tmp_path, {**hf_files(), **notes})
        (model,) = group_tree(tmp_path).models

        assert model.fact("commit") is None

    def test_other_files_there_are_none(self) -> None:
        assert look(f"m/{self.NOTES}/x.metadata", b"hello") is None
        assert look(f"m/{self.NOTES}/README", b"hello") is None
