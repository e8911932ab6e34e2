"""Formats written by hand after their descriptions: facts, dangers, and lies in headers."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from lading.inventory import Role, Verdict
from lading.limits import Limits
from lading.models.formats import thinc
from support import model_encoders as enc
from support.models_fixtures import (
    evil_pickle,
    gguf_bytes,
    torch_legacy_bytes,
    torch_zip_bytes,
    zip_bytes,
)
from support.models_streams import facts_of, ids_of, look, seen


def facts(path: str, data: bytes) -> dict[str, Any]:
    return facts_of(seen(path, data))


class TestSavedModel:
    def test_signatures_and_version(self) -> None:
        found = seen("m/saved_model.pb", enc.saved_model("MatMul"))

        assert found.format == "tensorflow-saved-model"
        assert found.safety.verdict is Verdict.SAFE
        assert facts_of(found)["signatures"] == ["serving_default"]
        assert facts_of(found)["framework_version"] == "2.15.0"

    @pytest.mark.parametrize("operation", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc"])
    def test_operations_that_reach_out_are_dangerous(self, operation: str) -> None:
        for data in (enc.saved_model(operation), enc.saved_model(functions=[operation])):
            found = seen("m/saved_model.pb", data)
            assert found.safety.verdict is Verdict.DANGEROUS
            assert operation in found.safety.findings[0].message

    def test_reading_a_folder_is_suspicious(self) -> None:
        assert seen("m/x.pb", enc.saved_model("MatchingFiles")).safety.verdict is Verdict.SUSPICIOUS

    def test_a_lambda_layer_in_keras_own_metadata(self) -> None:
        text = b'{"class_name": "Lambda", "name": "l", "config": {"function": {}}}'
        found = seen("m/keras_metadata.pb", enc.field(1, enc.field(4, text)))

        assert (found.role, found.format) == (Role.CONFIG, None)
        assert found.safety.verdict is Verdict.DANGEROUS

    def test_a_graph_beside_a_checkpoint(self) -> None:
        meta = enc.field(2, enc.field(1, enc.field(1, "Const")))
        data = enc.field(1, meta) + enc.field(2, enc.graph("WriteFile"))
        found = seen("m/model.ckpt.meta", data)

        assert found.format == "tensorflow-checkpoint"
        assert found.safety.verdict is Verdict.DANGEROUS


class TestFrozenGraph:
    def test_constants_are_parameters(self) -> None:
        found = seen("m/frozen.pb", enc.graph("MatMul"))

        assert found.format == "tensorflow-graph"
        assert facts_of(found)["parameters"] == 12
        assert found.safety.verdict is Verdict.SAFE

    def test_its_operations_are_judged(self) -> None:
        assert seen("m/g", enc.graph("WriteFile")).safety.verdict is Verdict.DANGEROUS

    def test_descriptors_of_protobuf_are_none(self) -> None:
        file = enc.field(1, "google/protobuf/any.proto") + enc.field(2, "google.protobuf")
        assert look("lib/descriptors.pb", enc.field(1, file)) is None
        file = enc.field(1, "a.proto") + enc.field(2, "Package") + enc.field(3, "b.proto")
        assert look("lib/descriptors.pb", enc.field(1, file)) is None

    def test_its_functions_are_judged(self) -> None:
        function = enc.field(1, enc.field(3, enc.node("n", "PyFunc")))
        found = seen("m/g.pb", enc.graph() + enc.field(2, function))

        assert found.safety.verdict is Verdict.DANGEROUS


VARIABLES: dict[str, tuple[int, tuple[int, ...]]] = {
    "layer/kernel": (1, (4, 3)),
    "layer/bias": (1, (3,)),
    "layer/kernel/.OPTIMIZER_SLOT/m": (1, (4, 3)),
    "save_counter": (9, ()),
}


class TestCheckpoint:
    def test_only_the_models_variables_count(self) -> None:
        found = facts("m/model.ckpt.index", enc.bundle(VARIABLES))

        assert found["parameters"] == 15
        assert found["tensor_count"] == 2
        assert found["external_data"] == ["model.ckpt.data-00000-of-00001"]

    def test_a_block_outside_the_file_is_unscannable(self) -> None:
        data = enc.bundle(VARIABLES)
        at = len(data) - 48
        lie = data[:at] + enc.varint(0) + enc.varint(0) + enc.varint(1 << 40) + enc.varint(9)
        found = seen("m/model.index", lie.ljust(len(data) - 8, b"\x00") + data[-8:])

        assert found.safety.verdict is Verdict.UNSCANNABLE


class TestCoreML:
    def test_metadata(self) -> None:
        found = facts("m/x.mlmodel", enc.coreml())

        assert found["license"] == "MIT"
        assert found["author"] == "acme"
        assert found["architecture"] == "neuralNetwork"

    def test_a_custom_model_loads_a_class(self) -> None:
        found = seen("m/x.mlmodel", enc.coreml(555))

        assert found.safety.verdict is Verdict.SUSPICIOUS
        assert ids_of(found) == {"coreml-custom"}


class TestPaddle:
    def test_program(self) -> None:
        found = seen("m/inference.pdmodel", enc.paddle_program())

        assert found.format == "paddle"
        assert facts_of(found)["framework_version"] == "2.4.1"

    def test_parameters(self) -> None:
        assert facts("m/inference.pdiparams", enc.paddle_params((4, 3), (3,)))["parameters"] == 15

    def test_missing_elements_are_unscannable(self) -> None:
        data = enc.paddle_params((4, 3))[:-1]
        assert seen("m/x.pdiparams", data).safety.verdict is Verdict.UNSCANNABLE

    def test_program_of_the_newer_representation(self) -> None:
        text = b'{"base_code":{"magic":"pir","version":1},"program":{}}'
        assert seen("m/inference.json", text).format == "paddle"


class TestMXNet:
    def test_parameters(self) -> None:
        found = facts("m/net-0000.params", enc.mxnet_params((4, 3), (3,)))

        assert (found["parameters"], found["tensor_count"], found["dtype"]) == (15, 2, "F32")

    def test_symbol(self) -> None:
        text = b'{"nodes": [{"op": "null", "name": "data"}], "arg_nodes": [0], "heads": [[0,0,0]],'
        found = facts("m/net-symbol.json", text + b' "attrs": {"mxnet_version": ["int", 10901]}}')

        assert found["framework_version"] == "1.9.1"

    def test_other_documents_with_nodes_are_none(self) -> None:
        assert look("m/flow.json", b'{"nodes": [{"op": "x"}], "edges": []}') is None

    def test_a_count_that_lies_is_unscannable(self) -> None:
        data = bytearray(enc.mxnet_params((2,)))
        data[16:24] = struct.pack("<Q", 1 << 60)
        assert seen("m/x.params", bytes(data)).safety.verdict is Verdict.UNSCANNABLE


class TestFastText:
    def test_arguments_and_dictionary(self) -> None:
        found = facts("m/lid.bin", enc.fasttext())

        assert found["task"] == "text-classification"
        assert found["vocabulary_size"] == 10
        assert found["parameters"] == (10 + 100 + 2) * 16

    def test_a_dictionary_that_lies_is_unscannable(self) -> None:
        data = enc.fasttext(words=-1)
        assert seen("m/lid.ftz", data).safety.verdict is Verdict.UNSCANNABLE


class TestTensorRT:
    @pytest.mark.parametrize("magic", [b"ftrt", b"ptrt"])
    def test_versions(self, magic: bytes) -> None:
        found = seen("m/net.engine", enc.tensorrt(magic))

        assert found.format == "tensorrt"
        assert facts_of(found)["framework_version"] == "10.3.0.26"
        assert ids_of(found) == {"tensorrt-engine"}

    def test_a_text_before_the_engine(self) -> None:
        text = b'{"description": "YOLO", "license": "AGPL-3.0", "task": "detect"}'
        assert facts("m/yolo.engine", enc.tensorrt(metadata=text))["description"] == "YOLO"

    def test_a_word_is_no_engine(self) -> None:
        assert look("m/words", b"ptrt is a word\n") is None


PMML = b"""<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
 <Header description="Iris &amp; co"><Application name="SkLearn2PMML" version="0.9"/></Header>
 <DataDictionary><DataField name="petal" optype="continuous" dataType="double"/></DataDictionary>
 <TreeModel modelName="iris" functionName="classification"><Node/></TreeModel>
</PMML>"""


class TestXml:
    def test_pmml(self) -> None:
        found = facts("m/iris.pmml", PMML)

        assert found["architecture"] == "TreeModel"
        assert found["task"] == "tabular-classification"
        assert found["description"] == "Iris & co"
        assert found["producer"] == "SkLearn2PMML 0.9"
        assert found["inputs"] == ["petal"]

    def test_entities_are_not_expanded(self) -> None:
        bomb = b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 900 + b'">]>'
        text = PMML.replace(b"?>\n", b"?>\n" + bomb, 1)
        assert look("m/bomb.pmml", text) is None

    def test_other_documents_are_none(self) -> None:
        assert look("etc/net.xml", b'<?xml version="1.0"?><network version="1"/>') is None
        assert look("etc/net.xml", b"<net><data/></net>") is None

    def test_tags_are_found_across_reads(self) -> None:
        layer = b'<data element_type="f16" shape="4, 3" offset="0" size="24"/>'
        padding = b"<!--" + b"x" * 300_000 + b"-->"
        text = b'<net name="n" version="11">' + (padding + layer) * 20 + b"</net>"
        found = facts("m/big.xml", text)

        assert (found["tensor_count"], found["parameters"], found["dtype"]) == (20, 240, "F16")


class TestGgml:
    @pytest.mark.parametrize(
        ("data", "version"),
        [
            (b"lmgg" + bytes(8), "ggml"),
            (b"fmgg" + struct.pack("<I", 1), "ggmf 1"),
            (b"tjgg" + struct.pack("<I", 3), "ggjt 3"),
            (b"algg" + struct.pack("<I", 1), "ggla 1"),
        ],
    )
    def test_container_and_version(self, data: bytes, version: str) -> None:
        found = seen("m/old.bin", data)

        assert found.format == "ggml"
        assert facts_of(found)["format_version"] == version

    def test_a_version_that_never_was_is_unscannable(self) -> None:
        data = b"tjgg" + struct.pack("<I", 1 << 20)
        assert seen("m/old.bin", data).safety.verdict is Verdict.UNSCANNABLE


class TestLlamafile:
    def test_the_model_inside_is_told(self) -> None:
        program = b"MZqFpD='\n" + bytes(2000)
        found = seen("opt/llava.llamafile", program + zip_bytes({"llava.gguf": gguf_bytes()}))

        assert found.format == "llamafile"
        assert facts_of(found)["architecture_family"] == "llama"
        assert "llamafile-program" in ids_of(found)

    def test_another_portable_program_is_none(self) -> None:
        program = b"MZqFpD='\n" + bytes(2000)
        assert look("usr/bin/make.com", program + zip_bytes({"zoneinfo/UTC": b"TZif"})) is None


def binary(content: bytes) -> bytes:
    return b"\xc6" + len(content).to_bytes(4, "big") + content


def component(keys: str = "nodes attrs params shims", **values: bytes) -> bytes:
    """Return a component of a pipeline: a map of lists, of which each has at most these values."""
    parts = [b"\x84"]
    for key in keys.split():
        content = values.get(key, b"")
        many = {b"": b"\x90"}.get(content, b"\x91" if key == "shims" else b"\x94")
        parts += [bytes([0xA0 + len(key)]), key.encode(), many, content]
    return b"".join(parts)


class TestSpacyAndThinc:
    def test_weights_of_a_component(self) -> None:
        file = seen("m/ner/model", component())
        assert (file.format, file.safety.verdict) == ("spacy", Verdict.SAFE)
        other = b"\xc7\x02\x05ab" + b"\xd4\x01x" + b"\xcb" + bytes(8)
        arrays = component(params=binary(bytes(range(256)) * 300) + other)
        assert seen("m/ner/model", arrays).safety.verdict is Verdict.SAFE

    @pytest.mark.parametrize("keys", ["nodes attrs params shims", "shims params attrs nodes"])
    @pytest.mark.parametrize("depth", range(3))
    def test_what_other_frameworks_keep_in_it_is_looked_at(self, keys: str, depth: int) -> None:
        """``PyTorchShim.from_bytes`` gives its ``state`` to ``torch.load``."""
        keras = b"\x89HDF\r\n\x1a\n" + bytes(99) + b'{"class_name": "Lambda", "config": {}}'
        for state, verdict in (
            (torch_zip_bytes(extra=evil_pickle()[2:-1] + b"0"), Verdict.DANGEROUS),
            (torch_zip_bytes(), Verdict.SAFE),
            (torch_legacy_bytes(), Verdict.SAFE),
            (torch_legacy_bytes()[:15] + evil_pickle(), Verdict.DANGEROUS),
            (evil_pickle(), Verdict.DANGEROUS),
            (b"N0cos\nsystem\n(S'id'\ntR.", Verdict.DANGEROUS),
            (keras, Verdict.DANGEROUS),
        ):
            shim = b"\x82\xa6config\x80\xa5state" + binary(state)
            for _ in range(depth):
                shim = b"\x81\xa1a" + binary(shim)
            file = seen("m/ner/model", component(keys, shims=binary(shim)))
            assert (file.format, file.safety.verdict) == ("spacy", verdict)

    @pytest.mark.parametrize("cut", range(8, 30, 4))
    def test_a_component_that_ends_too_early_is_unscannable(self, cut: int) -> None:
        assert seen("m/ner/model", component()[:cut]).safety.verdict is Verdict.UNSCANNABLE
        assert seen("m/ner/model", component() + b"x").safety.verdict is Verdict.UNSCANNABLE

    def test_more_binaries_than_anybody_looks_at_are_told(self) -> None:
        many = b"\x84\xa5nodes\xdd" + struct.pack(">I", 70_000) + b"\xc4\x01a" * 70_000
        rest = b"\xa5attrs\x90\xa6params\x90\xa5shims\x90"
        assert seen("m/ner/model", many + rest).safety.verdict is Verdict.UNSCANNABLE
        nested = component(shims=b"\x93" + binary(many + rest) + binary(b"a") * 2)
        assert seen("m/ner/model", nested).safety.verdict is Verdict.UNSCANNABLE

    def test_endless_values_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(thinc, "LIMITS", Limits(json_members=10))
        file = seen("m/ner/model", b"\x84\xa5nodes\x9f" + b"\x01" * 99)
        assert file.safety.verdict is Verdict.UNSCANNABLE
        assert seen("m/model", b"\x84\xa5nodes\xc1").safety.verdict is Verdict.UNSCANNABLE

    def test_other_message_packs_are_none(self) -> None:
        assert look("m/state", b"\x84\xa4node\x90") is None


class TestLfsPointer:
    @pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.onnx"])
    def test_weights_that_were_never_fetched(self, name: str) -> None:
        found = seen(f"m/{name}", enc.lfs_pointer(size=99))

        assert found.role is Role.WEIGHTS
        assert found.safety.verdict is Verdict.UNSCANNABLE
        assert ids_of(found) == {"lfs-pointer"}
        assert "99 bytes that were never fetched" in found.safety.findings[0].message
        assert facts_of(found)["lfs_oid"] == "ab" * 32

    def test_a_tokenizer_and_a_table(self) -> None:
        assert seen("m/tokenizer.json", enc.lfs_pointer()).role is Role.TOKENIZER
        assert seen("m/train.parquet", enc.lfs_pointer()).role is Role.DATA

    def test_what_no_model_has_is_none_of_ours(self) -> None:
        assert look("m/picture.psd", enc.lfs_pointer()) is None

    def test_more_than_a_pointer_is_unscannable(self) -> None:
        found = seen("m/model.bin", enc.lfs_pointer() + bytes(2000))
        assert "is none" in found.safety.findings[0].message


class TestTfRecord:
    def test_records_are_counted(self) -> None:
        found = seen("d/train.tfrecord", enc.tfrecord(b"one", b"two", b"three"))

        assert (found.format, found.role) == ("tfrecord", Role.DATA)
        assert facts_of(found)["rows"] == 3

    def test_the_checksum_is_castagnolis(self) -> None:
        assert enc.crc32c(b"123456789") == 0xE3069283

    def test_a_wrong_checksum_later_is_unscannable(self) -> None:
        data = bytearray(enc.tfrecord(b"one", b"two"))
        data[19 + 9] ^= 1
        assert seen("d/x.tfrecord", bytes(data)).safety.verdict is Verdict.UNSCANNABLE

    def test_lengths_without_their_checksum_are_none(self) -> None:
        assert look("d/x", struct.pack("<QI", 3, 7) + b"one" + bytes(4)) is None

    def test_logs_for_tensorboard_are_none(self) -> None:
        event = enc.tfrecord(b"\x09\x00\x00\x00\x00\x00\x00\x00\x00\x1a\x0dbrain.Event:2")
        assert look("logs/events.out.tfevents.1", event) is None


SAMPLES = [(f"{number:04}.{part}", bytes(700)) for number in range(3) for part in ("jpg", "cls")]


class TestWebDataset:
    def test_samples_are_counted(self) -> None:
        found = seen("d/shard-0000.tar", enc.tar(SAMPLES))

        assert (found.format, found.role) == ("webdataset", Role.DATA)
        assert (facts_of(found)["rows"], facts_of(found)["columns"]) == (3, ["cls", "jpg"])

    @pytest.mark.parametrize(
        "names",
        [
            ["a.jpg", "b.jpg", "c.jpg"],
            ["a.txt", "b.json", "c.txt"],
            ["a.jpg", "a.cls", "setup.py"],
            ["bin/tool", "lib/x.so"],
            ["a.jpg", "a.cls"],
        ],
    )
    def test_other_archives_are_none(self, names: list[str]) -> None:
        assert look("d/x.tar", enc.tar((name, bytes(10)) for name in names)) is None

    def test_a_shard_cut_short_is_unscannable(self) -> None:
        data = enc.tar(SAMPLES)[: 512 * 14]
        assert seen("d/x.tar", data).safety.verdict is Verdict.UNSCANNABLE


class TestTables:
    ROWS = b'"first",second\n' + b"1,2\n" * 300_000

    def test_a_large_table_in_a_place_of_data(self) -> None:
        found = seen("app/data/houses.csv", self.ROWS)

        assert (found.format, found.role) == ("csv", Role.DATA)
        assert facts_of(found)["columns"] == ["first", "second"]

    def test_a_small_table_or_another_place_is_none(self) -> None:
        assert look("app/data/houses.csv", self.ROWS[:1000]) is None
        assert look("usr/share/misc/houses.csv", self.ROWS) is None

    def test_what_is_no_table_is_none(self) -> None:
        assert look("app/data/notes.csv", b"only words\n" * 200_000) is None
        assert look("app/data/x.csv", b"\n" + bytes(2_000_000)) is None

    def test_lines_of_json(self) -> None:
        found = facts("app/train.jsonl", b'{"text": "a", "label": 1}\n' * 50_000)

        assert (found["columns"], found["rows"]) == (["text", "label"], 50_000)

    def test_lines_of_something_else_are_none(self) -> None:
        assert look("app/train.jsonl", b"[1, 2]\n" * 200_000) is None
