"""Models as the Hugging Face libraries leave them: caches, shards, pipelines, adapters, copies."""

from __future__ import annotations

import json
from pathlib import Path

from lading.inventory import ModelFile, Origin, Role, Verdict
from lading.models import group
from support.models_fixtures import (
    COMMIT,
    LLAMA_CONFIG,
    MIT,
    gguf_bytes,
    hf_files,
    onnx_bytes,
    safetensors_bytes,
    torch_zip_bytes,
    write_files,
    write_hf_cache,
    write_hf_model,
)
from support.models_streams import examine_tree, group_tree


def weights(files: tuple[ModelFile, ...]) -> list[str]:
    return [file.path for file in files if file.role is Role.WEIGHTS]


class TestCache:
    def test_links_give_names_commit_and_purl(self, tmp_path: Path) -> None:
        write_hf_cache(tmp_path / "hub")
        (model,) = group_tree(tmp_path).models

        snapshot = f"hub/models--acme--tiny-llama/snapshots/{COMMIT}"
        assert model.purl == f"pkg:huggingface/acme/tiny-llama@{COMMIT}"
        assert model.name == "acme/tiny-llama"
        assert weights(model.files) == [f"{snapshot}/model.safetensors"]
        (file,) = (file for file in model.files if file.role is Role.WEIGHTS)
        assert [one.path for one in file.also_at] == [
            f"hub/models--acme--tiny-llama/blobs/{file.sha256}"
        ]
        roles = {Path(one.path).name: one.role for one in model.files}
        assert roles == {
            "LICENSE": Role.LICENSE,
            "README.md": Role.CARD,
            "config.json": Role.CONFIG,
            "model.safetensors": Role.WEIGHTS,
            "tokenizer.json": Role.TOKENIZER,
            "tokenizer_config.json": Role.TOKENIZER,
        }

    def test_every_fact_says_where_it_is_from(self, tmp_path: Path) -> None:
        write_hf_cache(tmp_path / "hub")
        (model,) = group_tree(tmp_path).models
        known = {name: (fact.value, fact.origin) for name, fact in model.facts.items()}

        assert known["license"] == ("Apache-2.0", Origin.DECLARED)
        assert known["parameters"] == (576, Origin.OBSERVED)
        assert known["dtype"] == ("F32", Origin.OBSERVED)
        assert known["architecture"] == ("LlamaForCausalLM", Origin.OBSERVED)
        assert known["context_length"] == (2048, Origin.DECLARED)
        assert known["task"] == ("text-generation", Origin.DECLARED)
        assert known["base_model"] == (["acme/base-llama"], Origin.DECLARED)
        assert known["datasets"] == (["acme/prose"], Origin.DECLARED)
        assert known["languages"] == (["en"], Origin.DECLARED)
        assert known["commit"] == (COMMIT, Origin.OBSERVED)
        assert "It has seen no text" in known["limitations"][0]
        assert "Testing only" in known["intended_use"][0]
        assert model.facts["license"].where.endswith("README.md: license")

    def test_a_snapshot_named_like_a_branch_has_no_purl(self, tmp_path: Path) -> None:
        write_hf_cache(tmp_path / "hub", commit="main")
        (model,) = group_tree(tmp_path).models

        assert model.purl is None
        assert model.fact("repository") == "acme/tiny-llama"

    def test_a_cache_of_copies_instead_of_links(self, tmp_path: Path) -> None:
        place = f"hub/models--acme--tiny-llama/snapshots/{COMMIT}"
        write_files(tmp_path / place, dict(hf_files()))
        (model,) = group_tree(tmp_path).models

        assert model.purl == f"pkg:huggingface/acme/tiny-llama@{COMMIT}"

    def test_two_snapshots_of_the_same_weights_are_one_model(self, tmp_path: Path) -> None:
        other = "f" * 40
        write_hf_cache(tmp_path / "hub", commit=other)
        write_hf_cache(tmp_path / "hub")
        (model,) = group_tree(tmp_path).models

        assert model.purl == f"pkg:huggingface/acme/tiny-llama@{COMMIT}"  # refs/main


class TestShards:
    def test_shards_and_their_index_are_one_model(self, tmp_path: Path) -> None:
        write_hf_model(tmp_path / "m", shards=3)
        (model,) = group_tree(tmp_path).models

        assert len(weights(model.files)) == 3
        assert model.fact("parameters") == 3 * 512
        assert Role.INDEX in {file.role for file in model.files}

    def test_shards_without_a_configuration(self, tmp_path: Path) -> None:
        files = {
            name: data for name, data in hf_files(shards=2).items() if name.startswith("model")
        }
        write_files(tmp_path / "srv/llama", dict(files))
        (model,) = group_tree(tmp_path).models

        assert (model.name, len(model.files)) == ("llama", 3)

    def test_split_gguf_is_one_model(self, tmp_path: Path) -> None:
        files = {
            f"m/tiny-0000{i + 1}-of-00002.gguf": gguf_bytes(name=f"t{i}", split=(i, 2))
            for i in range(2)
        }
        write_files(tmp_path, dict(files))
        (model,) = group_tree(tmp_path).models

        assert len(weights(model.files)) == 2


class TestPipelines:
    def test_a_diffusers_pipeline_is_one_model(self, tmp_path: Path) -> None:
        index = {"_class_name": "StableDiffusionPipeline", "_diffusers_version": "0.30.0"}
        part = {"_class_name": "UNet2DConditionModel", "_diffusers_version": "0.30.0"}
        text = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model"}
        files = {
            "model_index.json": json.dumps(index),
            "unet/config.json": json.dumps(part),
            "unet/diffusion_pytorch_model.safetensors": safetensors_bytes((8, 8), seed=1),
            "unet/diffusion_pytorch_model.fp16.safetensors": safetensors_bytes((8, 8), seed=2),
            "text_encoder/config.json": json.dumps(text),
            "text_encoder/model.safetensors": safetensors_bytes((4, 4), seed=3),
            "scheduler/scheduler_config.json": "{}",
            "tokenizer/vocab.json": "{}",
        }
        write_files(tmp_path / "srv/sd", dict(files))
        (model,) = group_tree(tmp_path).models

        assert (model.name, model.format) == ("sd", "safetensors")
        assert model.fact("architecture") == "StableDiffusionPipeline"
        assert model.fact("library") == "diffusers"
        assert model.fact("parameters") == 64 + 16  # one variant of each part
        assert len(model.files) == 8

    def test_sentence_transformers_are_one_model(self, tmp_path: Path) -> None:
        modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models"}]
        files = {
            **hf_files(),
            "modules.json": json.dumps(modules).encode(),
            "1_Pooling/config.json": b'{"word_embedding_dimension": 8}',
            "2_Dense/config.json": b'{"in_features": 8}',
            "2_Dense/model.safetensors": safetensors_bytes((8, 4), seed=5),
            "onnx/model.onnx": onnx_bytes(),
        }
        write_files(tmp_path / "m", dict(files))
        (model,) = group_tree(tmp_path).models

        assert model.fact("parameters") == 576 + 32
        assert len(weights(model.files)) == 3


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": "acme/base-llama",
        "task_type": "CAUSAL_LM",
    }
    files = {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": safetensors_bytes((2, 8)),
    }
    write_files(tmp_path / "srv/my-lora", dict(files))
    (model,) = group_tree(tmp_path).models

    assert model.name == "my-lora"
    assert model.fact("library") == "peft"
    assert model.fact("base_model") == ["acme/base-llama"]
    assert model.fact("base_model_relation") == "adapter"


class TestCopies:
    def test_the_same_bytes_at_two_paths_are_one_model(self, tmp_path: Path) -> None:
        data = safetensors_bytes()
        write_files(tmp_path, {"a/net.safetensors": data, "opt/b/net.safetensors": data})
        (model,) = group_tree(tmp_path).models
        (file,) = model.files

        assert [file.path, *(one.path for one in file.also_at)] == [
            "a/net.safetensors",
            "opt/b/net.safetensors",
        ]

    def test_the_copy_that_knows_its_commit_speaks(self, tmp_path: Path) -> None:
        write_hf_cache(tmp_path / "root/hub")
        write_hf_model(tmp_path / "app/model")
        (model,) = group_tree(tmp_path).models

        assert model.purl == f"pkg:huggingface/acme/tiny-llama@{COMMIT}"
        (file,) = (file for file in model.files if file.role is Role.WEIGHTS)
        assert "app/model/model.safetensors" in [one.path for one in file.also_at]

    def test_a_link_is_an_occurrence(self, tmp_path: Path) -> None:
        write_files(tmp_path, {"data/net.onnx": onnx_bytes()})
        (tmp_path / "app").mkdir()
        (tmp_path / "app/current.onnx").symlink_to("../data/net.onnx")
        (model,) = group_tree(tmp_path).models

        assert [one.path for one in model.files[0].also_at] == ["app/current.onnx"]

    def test_links_in_a_circle_end(self, tmp_path: Path) -> None:
        write_hf_model(tmp_path / "m")
        files, links = examine_tree(tmp_path)
        links.update({"a": "b", "b": "a", "m/self": "../m/self", "up": "../../../../m"})

        assert len(group(files, links).models) == 1


class TestLicences:
    def test_what_card_and_file_say_differently_is_told(self, tmp_path: Path) -> None:
        write_files(tmp_path / "m", {**hf_files(), "LICENSE": MIT.encode()})
        (model,) = group_tree(tmp_path).models

        assert model.fact("license") == "Apache-2.0"
        assert [one.id for one in model.safety.findings] == ["license-conflict"]

    def test_the_file_speaks_where_the_card_is_silent(self, tmp_path: Path) -> None:
        files = {**hf_files(), "README.md": b"# Hello\n", "LICENSE": MIT.encode()}
        write_files(tmp_path / "m", dict(files))
        (model,) = group_tree(tmp_path).models

        assert model.fact("license") == "MIT"
        assert model.fact("license_file") == "m/LICENSE"


def test_the_worst_file_decides_about_the_model(tmp_path: Path) -> None:
    evil = torch_zip_bytes(extra=b"cos\nsystem\nX\x02\x00\x00\x00id\x85R0")
    write_files(tmp_path / "m", {**hf_files(), "pytorch_model.bin": evil})
    (model,) = group_tree(tmp_path).models

    assert model.safety.verdict is Verdict.DANGEROUS
    assert model.format == "safetensors"


def test_different_models_of_one_name_stay_apart(tmp_path: Path) -> None:
    files = {
        "a/model.safetensors": safetensors_bytes(seed=1),
        "a/config.json": json.dumps(LLAMA_CONFIG).encode(),
        "b/model.safetensors": safetensors_bytes(seed=2),
        "b/config.json": json.dumps(LLAMA_CONFIG).encode(),
    }
    write_files(tmp_path, dict(files))

    assert len(group_tree(tmp_path).models) == 2


def test_a_fine_tuned_model_does_not_have_its_bases_name(tmp_path: Path) -> None:
    """``_name_or_path`` is what was loaded before training went on."""
    config = {"model_type": "bert", "_name_or_path": "google-bert/bert-base-uncased"}
    files = {
        "sentiment/config.json": json.dumps(config).encode(),
        "sentiment/model.safetensors": safetensors_bytes(),
    }
    write_files(tmp_path, files)
    (alone,) = group_tree(tmp_path).models
    assert (alone.name, alone.fact("name")) == ("google-bert/bert-base-uncased",) * 2

    card = b"---\nbase_model: google-bert/bert-base-uncased\n---\n"
    write_files(tmp_path, {"sentiment/README.md": card})
    (model,) = group_tree(tmp_path).models
    assert (model.name, model.fact("name")) == ("sentiment", None)
    assert model.fact("base_model") == ["google-bert/bert-base-uncased"]
