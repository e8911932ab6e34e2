"""Files as few writers make them: parts left out, parts of later versions, parts of other types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lading.inventory import Verdict
from lading.limits import LIMITS
from support import model_encoders as enc
from support.models_streams import facts_of, ids_of, look, seen


@pytest.mark.parametrize(
    ("model", "task", "outputs"), [(1, None, 10), (2, None, 10), (3, "text-classification", 2)]
)
def test_word_vectors_have_no_task_and_an_output_a_word(
    model: int, task: str | None, outputs: int
) -> None:
    facts = facts_of(seen("m/vectors.bin", enc.fasttext(model=model)))
    assert facts.get("task") == task
    assert facts["parameters"] == (10 + 100 + outputs) * 16


def test_a_quantised_fasttext_model_is_not_counted() -> None:
    facts = facts_of(seen("m/lid.ftz", enc.fasttext()))
    assert "parameters" not in facts
    assert facts["vocabulary_size"] == 10


OPENVINO = b"""<?xml version="1.0"?>
<net name="n" version="11"><layers>
<layer id="0" name="w" type="Const" version="opset1">
<data element_type="f16" shape="2, 3" offset="0" size="12"/></layer>
<layer id="1" name="v" type="Const"><data element_type="q3" shape="4" offset="12"/></layer>
<layer id="2" name="p" type="Parameter"><data shape="?,3" element_type="f32"/></layer>
</layers><rt_info><Runtime_version value="2024.1.0-x"/>
<conversion_parameters><framework value="onnx"/></conversion_parameters></rt_info></net>"""


def test_what_openvino_says_of_its_making() -> None:
    facts = facts_of(seen("m/net.xml", OPENVINO))
    assert facts["framework_version"] == "2024.1.0-x"
    assert facts["producer"] == "onnx"
    assert (facts["parameters"], facts["tensor_count"], facts["dtype"]) == (10, 2, "F16")


def test_pmml_of_several_models_is_the_first() -> None:
    fields = b"".join(
        b'<DataField name="f%d"/>' % number for number in range(LIMITS.fact_items + 9)
    )
    text = b"""<PMML version="4.4"><Header description="d"><Application name="a"/></Header>
<DataDictionary>%s</DataDictionary><MiningModel functionName="regression" modelName="m"/>
<TreeModel functionName="classification"/></PMML>"""
    facts = facts_of(seen("m/x.pmml", text % fields))
    assert (facts["architecture"], facts["task"]) == ("MiningModel", "tabular-regression")
    assert facts["producer"] == "a"
    assert facts["inputs"] == [f"f{number}" for number in range(LIMITS.fact_items)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ({"features": {"a": 1}}, {"columns": ["a"]}),
        ({"splits": {"train": {"num_examples": 3}}}, {"splits": ["train"], "rows": 3}),
        ({"splits": {"train": {"num_examples": -3}}, "features": []}, {"splits": ["train"]}),
        ({"splits": {"train": 7}, "version": {"version_str": ""}}, {"splits": ["train"]}),
    ],
)
def test_data_sets_that_say_little(text: dict[str, Any], wanted: dict[str, Any]) -> None:
    facts = facts_of(seen("d/dataset_info.json", json.dumps(text).encode()))
    assert facts == {"kind": "dataset", **wanted}


def test_entries_of_a_store_that_are_none() -> None:
    digest = "sha256:" + "a" * 64
    entries = ["a", {"tags": ["x"]}, {"tags": ["y"], "id": "latest"}, {"tags": "z", "id": digest}]
    whole = {"version": 2, "models": [*entries, {"tags": [7, "ai/tiny:1"], "id": digest}]}
    facts = facts_of(seen("models/models.json", json.dumps(whole).encode()))
    assert facts["refs"] == [["ai/tiny:1", digest]]


def test_an_engine_behind_other_text() -> None:
    facts = facts_of(seen("m/x.engine", enc.tensorrt(metadata=b'{ "imgsz": 640, "task": 7}')))
    assert not facts.keys() & {"task", "description"}
    long = b'{"description": "%s"}' % (b"x" * 5000)
    assert seen("m/x.engine", enc.tensorrt(metadata=long)).format == "tensorrt"
    assert look("m/x.dat", enc.tensorrt(metadata=long)) is None
    later = enc.tensorrt()[:24] + bytes(4) + enc.tensorrt()[28:]
    found = seen("m/x.engine", later)
    assert "framework_version" not in facts_of(found)
    assert ids_of(found) == {"tensorrt-engine"}


def test_tensors_of_paddle_that_lie() -> None:
    good = enc.paddle_params((2, 3))
    assert facts_of(seen("m/x.pdiparams", good))["parameters"] == 6
    for changed in (good + b"\x00" * 19, good + b"\x01" + bytes(40), good[:-1]):
        assert seen("m/x.pdiparams", changed).safety.verdict is Verdict.UNSCANNABLE


def test_a_webdataset_without_a_second_sample_is_none() -> None:
    sample = [("0.jpg", b"x"), ("0.cls", b"1")]
    assert look("d/x.tar", enc.tar(sample)) is None
    assert seen("d/x.tar", enc.tar([*sample, ("1.jpg", b"x"), ("1.cls", b"2")])).format == (
        "webdataset"
    )
    for odd in ([*sample, ("README", b"x")], [*sample, ("1.jpg", b"x"), ("2.exe", b"x")]):
        assert look("d/x.tar", enc.tar(odd)) is None
    broken = enc.tar([*sample, ("1.jpg", b"x"), ("1.cls", b"2")])
    cut = broken[:-10240] if len(broken) > 12000 else broken[: 4 * 1024 - 512]
    assert look("d/x.tar", cut[:1500] + b"\xff" * 600) is None
