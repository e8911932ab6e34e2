"""More than is kept, and less than is needed: lists are cut, halves are refused, nothing raises."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from lading.inventory import Verdict
from lading.limits import LIMITS
from lading.models.formats import paddle, safetensors
from lading.models.grouping.place import cached
from support import model_encoders as enc
from support.models_fixtures import gguf_bytes, raw_safetensors, write_files, zip_bytes
from support.models_streams import facts_of, group_tree, ids_of, look, seen

HDF5 = gzip.decompress((Path(__file__).parent / "made" / "plain.weights.h5.gz").read_bytes())


def test_an_onnx_model_of_very_many_parts() -> None:
    many = LIMITS.fact_items + 2
    value = enc.field(1, "x")
    outside = [
        enc.field(5, enc.field(13, enc.field(1, "location") + enc.field(2, f"w{number}.bin")))
        for number in range(many)
    ]
    nodes = [enc.field(1, enc.field(4, f"O{n}") + enc.field(7, "acme")) for n in range(many)]
    graph = b"".join([enc.field(11, value) * 300, *outside, *nodes])
    opsets = [enc.field(8, enc.field(1, f"d{n}") + enc.field(2, 1)) for n in range(70)]
    facts: dict[str, Any] = facts_of(
        seen("m/model.onnx", enc.field(1, 8) + enc.field(7, graph) + b"".join(opsets))
    )
    assert len(facts["inputs"]) == 256
    assert len(facts["opset"]) == 64
    assert len(facts["external_data"]) == len(facts["custom_operators"]) == LIMITS.fact_items


@pytest.mark.parametrize(
    ("config", "metadata", "findings"),
    [
        (b"[]", b"[]", set()),
        (b'{"class_name": "Model"}', b'{"keras_version": 3}', set()),
        (b" " * (LIMITS.companion_json + 1), b"{}", {"unscannable"}),
        (b'{"class_name": "Model"', b"{}", {"unscannable"}),
    ],
)
def test_configurations_of_keras_that_say_nothing(
    config: bytes, metadata: bytes, findings: set[str]
) -> None:
    members = {"config.json": config, "metadata.json": metadata, "model.weights.h5": HDF5}
    found = seen("m/model.keras", zip_bytes(members, deflate=True))
    assert ids_of(found) == findings
    assert "framework_version" not in facts_of(found)


def test_an_archive_of_very_many_members() -> None:
    members = {f"arrays/{number}.txt": b"" for number in range(LIMITS.fact_items + 2)}
    late = zip_bytes({**members, "data.pkl": b"\x80\x04cos\nsystem\n."})
    assert seen("m/model.zip", late).safety.verdict is Verdict.DANGEROUS


def test_metadata_too_large_to_keep_is_no_obstacle() -> None:
    header = {"__metadata__": {"format": "pt", "x": "y" * 4 * LIMITS.json_value}}
    found = seen("m/model.safetensors", raw_safetensors(header))
    assert found.safety.verdict is Verdict.SAFE
    assert not safetensors.looks_like(b"short")
    assert not safetensors.looks_like(bytes(16))


def test_tars_that_are_no_samples() -> None:
    samples = [("0.jpg", b"x"), ("0.cls", b"1"), ("1.jpg", b"x"), ("1.cls", b"2")]
    assert look("d/x.tar", b"junk" * 300) is None
    assert look("d/x.tar", enc.tar([("README", b"x")])) is None
    assert seen("d/x.tar", enc.tar(samples)).safety.verdict is Verdict.SAFE
    good = enc.tar(samples)[: 8 * 512]
    assert seen("d/x.tar", good).safety.verdict is Verdict.UNSCANNABLE
    broken = seen("d/x.tar", good + b"junk" * 300)
    assert broken.safety.verdict is Verdict.UNSCANNABLE
    no_size = bytearray(good)
    no_size[6 * 512 + 124 : 6 * 512 + 136] = b"9" * 12
    assert seen("d/x.tar", bytes(no_size)).safety.verdict is Verdict.UNSCANNABLE


def test_what_only_looks_like_paddle() -> None:
    block = enc.field(1, 0) + enc.field(2, -1) + enc.field(3, enc.field(1, "feed"))
    assert paddle.program_like(enc.field(1, block))
    for odd in (b"", enc.field(2, 1), enc.field(1, enc.field(1, 1)), enc.field(1, b"\xff")):
        assert not paddle.program_like(odd)
    assert paddle.params_like(enc.paddle_params((2, 3)))
    whole = enc.paddle_params((2, 3))
    for odd in (b"", bytes(20), whole[:20] + b"\x08\x63" + whole[22:], whole[:21]):
        assert not paddle.params_like(odd)
    later = enc.paddle_program() + enc.field(9, 1)
    assert facts_of(seen("m/x.pdmodel", later))["framework_version"] == "2.4.1"
    strange = enc.field(1, block) + enc.field(4, enc.field(1, 1 << 40) + enc.field(2, 1))
    assert "framework_version" not in facts_of(seen("m/x.pdmodel", strange))


def test_two_dashes_alone_are_no_cache(tmp_path: Path) -> None:
    assert cached("srv/a--b/model.safetensors") is None
    write_files(tmp_path, {"srv/models--a--b/model.gguf": gguf_bytes()})
    (model,) = group_tree(tmp_path).models
    assert model.purl is None
