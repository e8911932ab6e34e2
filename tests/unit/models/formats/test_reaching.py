"""Configurations that name what loading imports, and what nobody is asked about before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.inventory import Role, Verdict
from support.models_fixtures import torch_zip_bytes, write_files
from support.models_streams import group_tree, ids_of, look, seen

if TYPE_CHECKING:
    from pathlib import Path

    from lading.inventory import ModelFile

SAFE, SUSPICIOUS, DANGEROUS = Verdict.SAFE, Verdict.SUSPICIOUS, Verdict.DANGEROUS
LAMBDA = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {"layers": [{"class_name": "Lambda", "config": {}}]},
}


def document(name: str, value: Any) -> ModelFile:
    return seen(f"m/{name}", json.dumps(value).encode())


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ({"_target_": "os.system", "command": "id"}, DANGEROUS),
        ({"model_type": "x", "head": {"deep": [{"_target_": "subprocess.run"}]}}, DANGEROUS),
        ({"_target_": "somebodys.package.Class"}, SUSPICIOUS),
        ({"model_type": "x", "head": {"_target_": "torch.nn.Linear"}}, SAFE),
        ({"model_type": "x", "head": {"_target_": "torch.hub.load"}}, DANGEROUS),
        ({"model_type": "x", "_target_": 5}, SAFE),
    ],
)
def test_targets_of_hydra_in_a_configuration(value: dict[str, Any], verdict: Verdict) -> None:
    assert document("config.json", value).safety.verdict is verdict


def test_targets_elsewhere_are_none_of_a_models() -> None:
    assert look("app/config.json", b'{"site": {"_target_": "os.system"}}') is None


@pytest.mark.parametrize("key", ["chat_template", "auto_map", "auto_mapping", "anything"])
def test_a_value_that_nobody_looks_at_hides_nothing(key: str) -> None:
    value = {"model_type": "x", key: {"pad": ["a"] * 600_000, "_target_": "os.system"}}
    file = document("config.json", value)
    assert (ids_of(file), file.safety.verdict) == ({"config-unreadable"}, Verdict.UNSCANNABLE)
    long = {"model_type": "x", "id2label": {str(at): "a" * 999 for at in range(3000)}}
    assert document("config.json", long).safety.verdict is SAFE


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("sentence_transformers.models.Transformer", SAFE),
        ("joblib.numpy_pickle", SUSPICIOUS),
        ("custom_st.Transformer", SUSPICIOUS),
        ("pickle.Unpickler", DANGEROUS),
        ("os.system", DANGEROUS),
    ],
)
def test_modules_of_sentence_transformers(kind: str, verdict: Verdict) -> None:
    file = document("modules.json", [{"idx": 0, "name": "0", "path": "", "type": kind}])
    assert (file.role, file.safety.verdict) == (Role.CONFIG, verdict)


def test_modules_that_cannot_be_read_are_told() -> None:
    assert ids_of(seen("m/modules.json", b"[{")) == {"config-unreadable"}
    assert not ids_of(seen("m/modules.json", b"[5, {}]"))


@pytest.mark.parametrize(
    ("component", "verdict"),
    [
        (["diffusers", "UNet2DConditionModel"], SAFE),
        (["stable_diffusion", "StableDiffusionSafetyChecker"], SAFE),
        ([None, None], SAFE),
        (["antigravity", "X"], DANGEROUS),
        (["subprocess", "Popen"], DANGEROUS),
    ],
)
def test_components_of_a_pipeline(component: list[Any], verdict: Verdict) -> None:
    value = {"_class_name": "StableDiffusionPipeline", "unet": component}
    assert document("model_index.json", value).safety.verdict is verdict


@pytest.mark.parametrize(
    ("library", "verdict"),
    [
        ("transformers.models.llama.modeling_llama", SAFE),
        ("mine", SUSPICIOUS),
        ("os", DANGEROUS),
    ],
)
def test_the_library_of_an_adapter(library: str, verdict: Verdict) -> None:
    mapping = {"base_model_class": "LlamaForCausalLM", "parent_library": library}
    value = {"peft_type": "LORA", "auto_mapping": mapping}
    assert document("adapter_config.json", value).safety.verdict is verdict


@pytest.mark.parametrize(
    "name", ["config.json", "model.json", "task.json", "preprocessor.json", "model_config.json"]
)
def test_a_keras_model_without_an_archive(name: str) -> None:
    assert document(name, LAMBDA).safety.verdict is DANGEROUS
    assert document(name, {**LAMBDA, "config": {"layers": []}}).safety.verdict is SAFE
    assert document(name, {**LAMBDA, "config": ["a"] * 600_000}).safety.verdict > SAFE


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("x: !apply:os.system [id]", DANGEROUS),
        ("%TAG !e! !apply:os.\n---\nx: !e!system [id]", DANGEROUS),
        ("x: !<!apply:os%2Esystem> [id]", DANGEROUS),
        ("x: !apply:speechbrain.utils.superpowers.run_shell [id]", DANGEROUS),
        ("x: !name:subprocess.run", DANGEROUS),
        ("x: !module:os", DANGEROUS),
        ("x: !new:mine.Model", SUSPICIOUS),
        ("x: !include:other.txt", SUSPICIOUS),
        ("x: !apply:os.system [", DANGEROUS),
        ("y: !new:torch.nn.X\nx: {", Verdict.UNSCANNABLE),
        ("x: !new:speechbrain.lobes.models.X\ny: !ref <x>\nz: !new:torch.nn.Linear", SAFE),
        ("x: !apply:random.seed [1]\ny: !new:sentencepiece.SentencePieceProcessor", SAFE),
        ("x: !new:collections.OrderedDict", SAFE),
    ],
)
def test_tags_of_hyperpyyaml(text: str, verdict: Verdict) -> None:
    assert seen("m/hyperparams.yaml", text.encode()).safety.verdict is verdict


@pytest.mark.parametrize("name", ["hparams.yaml", "config.yaml", "config.yml", "args.yaml"])
@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("x: !!python/object/apply:os.system [id]", DANGEROUS),
        ("x: !!python/object/new:os.system [id]", DANGEROUS),
        ("x: !!python/name:os.system", DANGEROUS),
        ("x: !!python/module:os", DANGEROUS),
        ("x: !<tag:yaml.org,2002:python/object/apply:os.system> [id]", DANGEROUS),
        ("x: !!python/object:mine.Class {}", SUSPICIOUS),
        ("x:\n  _target_: os.system\n  _args_: [id]", DANGEROUS),
        ("x: !!python/object/apply:os.system\n- {", Verdict.UNSCANNABLE),
        ("x: [!!python/name:a.b, " + "1, " * 200_000 + "]", Verdict.UNSCANNABLE),
    ],
    ids=range(9),
)
def test_tags_that_make_python_objects(name: str, text: str, verdict: Verdict) -> None:
    file = seen(f"m/{name}", text.encode())
    assert file.role is Role.CONFIG
    assert file.safety.verdict >= verdict > SAFE


@pytest.mark.parametrize(
    "text",
    [
        "x: 1",
        "x: !!python/tuple [1, 2]\ny: !!python/unicode 'a'",
        "x: !!python/object:argparse.Namespace {}",
        "x: !Ref a\ny: !Sub 'a!b'",
        "x:\n  _target_: my.package.Model",
        "x: [",
        "a: !b\nc: [",
    ],
)
def test_settings_of_programs_are_no_models(text: str) -> None:
    assert look("app/config.yaml", text.encode()) is None


def test_what_lies_beside_weights_counts_for_the_model(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "srv/asr/hyperparams.yaml": b"x: !apply:os.system [id]\n",
            "srv/asr/asr.ckpt": torch_zip_bytes(),
            "srv/hydra/config.yaml": b"_target_: os.system\n",
            "srv/hydra/model.safetensors": (2).to_bytes(8, "little") + b"{}",
            "srv/keras/config.json": json.dumps(LAMBDA).encode(),
            "srv/keras/model.weights.h5": b"\x89HDF\r\n\x1a\n" + bytes(99) + b"layers\0vars\0",
        },
    )
    models = group_tree(tmp_path).models
    assert {one.files[0].path.split("/")[1] for one in models} == {"asr", "hydra", "keras"}
    assert {one.safety.verdict for one in models} == {DANGEROUS}


def test_a_saved_model_as_text_is_listed() -> None:
    text = b'saved_model_schema_version: 1\nmeta_graphs { graph_def { node { op: "ReadFile" } } }'
    file = seen("m/saved_model.pbtxt", text)
    assert (file.format, file.safety.verdict) == ("tensorflow-saved-model", Verdict.UNSCANNABLE)
    assert look("m/saved_model.pbtxt", b"anything else") is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pytorch_model-00001-of-00002.bin", False),
        ("sub/model.ckpt", False),
        ("notes.py", True),
        ("a/b.CFG", True),
        ("/opt/model.bin", True),
        ("../model.bin", True),
        ("..model.bin", False),
    ],
)
def test_weights_of_which_the_name_is_not_looked_at(name: str, told: bool) -> None:
    """``transformers`` loads whatever an index names."""
    index = document("pytorch_model.bin.index.json", {"metadata": {}, "weight_map": {"a": name}})
    mlflow = seen("m/MLmodel", f"flavors:\n  sklearn:\n    pickled_model: {name}\n".encode())
    for file in (index, mlflow):
        assert ("weights-unseen" in ids_of(file)) is told
        assert (file.safety.verdict is Verdict.UNSCANNABLE) is told


def test_flavors_that_are_no_maps() -> None:
    assert not ids_of(seen("m/MLmodel", b"flavors:\n  sklearn: 5\n  other:\n    data: [1]\n"))


def test_a_configuration_that_breaks_is_not_passed_over() -> None:
    deep = b'{"model_type": "x", "a": ' + b"[" * 5000 + b"]" * 5000 + b', "_target_": "os.system"}'
    for text in (deep, b'{"_target_": "os.system", }', b'{"class_name": "X"'):
        file = seen("m/config.json", text)
        assert (ids_of(file), file.safety.verdict) == ({"config-unreadable"}, Verdict.UNSCANNABLE)
    assert look("app/config.json", b'{"port": 80, } // of a program') is None
