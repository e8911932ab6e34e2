"""Stores and checkouts that lack parts: what is there is told, and nothing is made up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lading.inventory import Origin
from support.models_fixtures import gguf_bytes, hf_files, write_files
from support.models_stores import digest, write_ollama
from support.models_streams import examine_tree, facts_of, group_tree, seen

if TYPE_CHECKING:
    from pathlib import Path

NAME = "library/llama3/8b"


def test_a_manifest_whose_weights_are_gone_is_no_model(tmp_path: Path) -> None:
    data = gguf_bytes()
    write_ollama(tmp_path, {NAME: {"model": data}}, missing=(data,))
    assert group_tree(tmp_path).models == ()


def test_a_store_in_another_place_has_the_weights(tmp_path: Path) -> None:
    """Blobs of one store are not those of another: the model stands alone there."""
    data = gguf_bytes()
    write_ollama(tmp_path, {NAME: {"model": data}}, missing=(data,))
    write_files(tmp_path / "srv", {f"blobs/sha256-{digest(data)}": data})
    (model,) = group_tree(tmp_path).models
    assert [file.path for file in model.files] == [f"srv/blobs/sha256-{digest(data)}"]


GIT = "srv/m/.git"
COMMIT = "89" * 20


def test_a_packed_reference_yields_to_a_loose_one(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"{GIT}/HEAD": "ref: refs/heads/main\n",
        f"{GIT}/config": '[remote "origin"]\n\turl = https://huggingface.co/acme/tiny-llama\n',
        f"{GIT}/packed-refs": f"# pack-refs\n{'1' * 40} refs/heads/main\n",
        f"{GIT}/refs/heads/main": f"{COMMIT}\n",
        **{f"srv/m/{name}": data for name, data in hf_files().items()},
    }
    write_files(tmp_path, files)
    (model,) = group_tree(tmp_path).models
    assert model.purl == f"pkg:huggingface/acme/tiny-llama@{COMMIT}"


def test_a_branch_without_a_commit_identifies_nothing(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        f"{GIT}/HEAD": "ref: refs/heads/main\n",
        f"{GIT}/config": '[remote "origin"]\n\turl = https://huggingface.co/acme/tiny-llama\n',
        **{f"srv/m/{name}": data for name, data in hf_files().items()},
    }
    write_files(tmp_path, files)
    (model,) = group_tree(tmp_path).models
    assert (model.name, model.purl) == ("acme/tiny-llama", None)


def test_a_commit_that_a_configuration_claims_is_no_identity(tmp_path: Path) -> None:
    config = {"model_type": "bert", "_name_or_path": "acme/tiny", "_commit_hash": COMMIT}
    write_files(
        tmp_path, {"m/config.json": json.dumps(config).encode(), "m/model.gguf": gguf_bytes()}
    )
    (model,) = group_tree(tmp_path).models
    assert model.facts["commit"].origin is Origin.DECLARED
    assert model.purl is None
    assert "vocabulary_size" not in facts_of(seen("m/config.json", b'{"model_type": "b"}'))


def test_code_and_licences_behind_links_are_named_by_them(tmp_path: Path) -> None:
    repository = "hub/models--acme--tiny"
    snapshot = f"{repository}/snapshots/{COMMIT}"
    blobs = {
        "a" * 40: (b"import torch\n", "modeling_tiny.py"),
        "b" * 40: (b'{"model_type": "tiny"}', "config.json"),
        "c" * 64: (gguf_bytes(), "model.gguf"),
    }
    (tmp_path / snapshot).mkdir(parents=True)
    for blob, (data, name) in blobs.items():
        write_files(tmp_path, {f"{repository}/blobs/{blob}": data})
        (tmp_path / snapshot / name).symlink_to(f"../../blobs/{blob}")
    files, links = examine_tree(tmp_path)
    assert len(links) == len(files) == 3
    (model,) = group_tree(tmp_path).models
    roles = {file.path.rpartition("/")[2]: file.role.value for file in model.files}
    assert roles == {"modeling_tiny.py": "code", "config.json": "config", "model.gguf": "weights"}
