"""Archives of TorchServe, ``torch.export``, H2O and MediaPipe: what they are, and what they run."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from lading.inventory import Verdict
from support.models_fixtures import evil_pickle, torch_zip_bytes, zip_bytes
from support.models_streams import facts_of, ids_of, look, seen

TFLITE = gzip.decompress((Path(__file__).parent / "made" / "plain.tflite.gz").read_bytes())
FLEX = gzip.decompress((Path(__file__).parent / "made" / "flex.tflite.gz").read_bytes())
INI = b"""[info]
h2o_version = 3.46.0.1
mojo_version = 1.40
algo = gbm
algorithm = Gradient Boosting Machine
category = Binomial
n_features = 4

[columns]
a
[domains]
"""


def mar(handler: str | None = "handler.py", **members: bytes) -> bytes:
    """Return an archive as ``torch-model-archiver`` writes it."""
    model = {"modelName": "zh", "modelVersion": "1.0", "handler": handler}
    manifest = {"runtime": "python", "model": model, "archiverVersion": "0.12.0"}
    files = {"MAR-INF/MANIFEST.json": json.dumps(manifest).encode(), **members}
    return zip_bytes(files, deflate=True)


def exported(**more: bytes) -> bytes:
    """Return an archive as ``torch.export.save`` writes it."""
    tensor = {"dtype": 7, "sizes": [{"as_int": 10}, {"as_int": 5}]}
    weights = {
        "config": {
            "fc.weight": {"path_name": "weight_0", "use_pickle": False, "tensor_meta": tensor},
            "odd": {"tensor_meta": {"dtype": "?", "sizes": [{"as_int": 2}]}},
            "symbolic": {"tensor_meta": {"dtype": 7, "sizes": [{"as_expr": "s0"}]}},
            "none": {"tensor_meta": None},
        }
    }
    files = {
        "net/archive_format": b"pt2",
        "net/models/model.json": b'{"graph_module": {"graph": {}}, "schema_version": {}}',
        "net/data/weights/weight_0": b"\x80\x02" + bytes(198),
        "net/data/weights/model_weights_config.json": json.dumps(weights).encode(),
        **more,
    }
    return zip_bytes(files)


def test_a_handler_of_torchserve_is_code() -> None:
    found = seen("m/zh.mar", mar(**{"handler.py": b"import os", "model.pt": torch_zip_bytes()}))
    assert (found.format, found.safety.verdict) == ("torchserve", Verdict.SUSPICIOUS)
    assert ids_of(found) == {"torchserve-handler"}
    facts = facts_of(found)
    assert (facts["name"], facts["version"], facts["parameters"]) == ("zh", "1.0", 36)


@pytest.mark.parametrize(
    ("handler", "members", "verdict"),
    [
        ("image_classifier", {}, Verdict.SAFE),
        ("image_classifier", {"model.py": b"x"}, Verdict.SUSPICIOUS),
        (None, {}, Verdict.SUSPICIOUS),
        (None, {"code.py": b"x"}, Verdict.SUSPICIOUS),
        ("pkg.handler:run", {}, Verdict.SUSPICIOUS),
        ("image_classifier", {"model.pkl": evil_pickle()}, Verdict.DANGEROUS),
    ],
)
def test_only_handlers_of_the_server_itself_are_safe(
    handler: str | None, members: dict[str, bytes], verdict: Verdict
) -> None:
    assert seen("m/x.mar", mar(handler, **members)).safety.verdict is verdict


def test_an_exported_program_is_counted_by_its_list_of_weights() -> None:
    found = seen("m/net.pt2", exported())
    assert (found.format, found.safety.verdict) == ("torch-export", Verdict.SAFE)
    facts = facts_of(found)
    assert (facts["parameters"], facts["dtype"], facts["tensor_count"]) == (52, "F32", 2)


def test_an_older_exported_program_is_one_too() -> None:
    members = {
        "version": b"8.0",
        "serialized_exported_program.json": b'{"graph_module": {"graph": {}}}',
        "serialized_state_dict.pt": torch_zip_bytes(),
    }
    found = seen("m/net.pt2", zip_bytes(members))
    assert (found.format, found.safety.verdict) == ("torch-export", Verdict.SAFE)
    assert facts_of(found)["parameters"] == 36
    members["serialized_constants.pt"] = zip_bytes({"x/data.pkl": evil_pickle()})
    assert seen("m/net.pt2", zip_bytes(members)).safety.verdict is Verdict.DANGEROUS


def test_what_was_compiled_ahead_of_time_is_code() -> None:
    members: dict[str, Any] = {"net/data/aotinductor/model/c1.so": b"\x7fELF" + bytes(64)}
    found = seen("m/net.pt2", exported(**members))
    assert (found.safety.verdict, ids_of(found)) == (Verdict.SUSPICIOUS, {"export-native-code"})


def test_a_mojo_says_what_it_is() -> None:
    members = {"model.ini": INI, "trees/t00_000.bin": bytes(64), "domains/d000.txt": b"yes\nno\n"}
    found = seen("m/gbm.zip", zip_bytes(members, deflate=True))
    assert (found.format, found.safety.verdict) == ("h2o-mojo", Verdict.SAFE)
    assert facts_of(found).items() >= {
        "architecture": "Gradient Boosting Machine",
        "task": "tabular-classification",
        "format_version": "1.40",
        "producer": "h2o 3.46.0.1",
    }.items()  # fmt: skip


def test_a_task_of_mediapipe_is_the_sum_of_its_models() -> None:
    inner = zip_bytes({"hand_detector.tflite": TFLITE, "hand_landmarks_detector.tflite": TFLITE})
    found = seen("m/hand_landmarker.task", inner)
    assert (found.format, found.safety.verdict) == ("mediapipe", Verdict.SAFE)
    assert (facts_of(found)["parameters"], facts_of(found)["tensor_count"]) == (24, 2)
    outer = zip_bytes({"hand_landmarker.task": inner, "face.tflite": TFLITE})
    assert seen("m/holistic.task", outer).format == "mediapipe"
    llm = zip_bytes({"TF_LITE_PREFILL_DECODE": TFLITE, "METADATA": b"x"})
    assert seen("m/gemma.task", llm).format == "mediapipe"
    assert seen("m/models.zip", inner).format == "model-archive"


def test_operations_of_a_model_in_a_task_are_judged() -> None:
    found = seen("m/x.task", zip_bytes({"a.tflite": FLEX}))
    assert (found.safety.verdict, ids_of(found)) == (Verdict.DANGEROUS, {"tensorflow-operation"})


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("m/x.mar", {"MAR-INF/MANIFEST.json": b"{"}),
        ("m/x.mar", {"MAR-INF/MANIFEST.json": b"[]", "model.pkl": b"\x80\x04N."}),
        ("m/x.task", {"a.tflite": TFLITE[:40]}),
        ("m/x.pt2", {"net/archive_format": b"pt3"}),
        ("m/x.pt2", {"a/archive_format": b"pt2", "a/data/weights/model_weights_config.json": b"{"}),
    ],
)
def test_what_cannot_be_read_is_unscannable(path: str, members: dict[str, bytes]) -> None:
    assert seen(path, zip_bytes(members)).safety.verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize(
    "members",
    [
        {"models/user.json": b'{"schema_version": 3}'},
        {"models/user.json": b'["graph_module"]'},
        {"model.ini": b"[section]\nh2o_version = 3\n"},
        {"model.ini": b"[info]\nname = none\n"},
        {"data/weights/weights_config.json": b'{"config": {}}'},
        {"handler.py": b"x = 1"},
        {"archive_format": b"zip"},
    ],
)
def test_other_archives_are_none(members: dict[str, bytes]) -> None:
    assert look("m/files.zip", zip_bytes(members)) is None


def test_half_an_archive_is_never_safe() -> None:
    for path, data in (("m/a.mar", mar("image_classifier")), ("m/a.pt2", exported())):
        for size in range(60, len(data), 37):
            found = look(path, data[:size])
            assert found is None or found.safety.verdict >= Verdict.UNSCANNABLE
