"""``lading diff`` as a user runs it: on BOM files and on directories."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import numpy as np
import pytest
from safetensors.numpy import save_file

import parts
from lading import bom
from lading.cli import main
from lading.inventory import Inspection, Model, Package
from support import bom_inspections as samples
from support.image_stores import docker_archive

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads((parts.ROOT / "docs" / "schemas" / "diff.schema.json").read_text())


def write(path: Path, *, models: tuple[Model, ...] = (), packages: tuple[Package, ...] = ()) -> str:
    inspection = Inspection("x", samples.image(), models=models, packages=packages)
    path.write_bytes(bom.encode(bom.render(inspection, timestamp=samples.MOMENT)))
    return str(path)


def poisoned(model: Model) -> Model:
    first, *rest = model.files
    return dataclasses.replace(
        model, files=(dataclasses.replace(first, sha256=samples.digest("evil")), *rest)
    )


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = main(["diff", *words])
    return status, capsys.readouterr().out


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status, out = run(capsys, *words, "--json")
    document = json.loads(out)
    jsonschema_rs.validator_for(SCHEMA).validate(document)
    return status, document


def test_the_same_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = samples.full()
    one = write(tmp_path / "a.json", models=full.models, packages=full.packages)
    assert run(capsys, one, one) == (0, "no difference\n")
    status, document = run_json(capsys, one, one)
    assert (status, document["same"]) == (0, True)


def test_silently_changed_weights_come_first_and_decide_the_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full = samples.full()
    model = full.models[0]
    before = write(tmp_path / "a.json", models=(model,), packages=full.packages)
    after = write(tmp_path / "b.json", models=(poisoned(model),))
    status, out = run(capsys, before, after)
    assert status == 10
    lines = out.splitlines()
    assert lines[0].startswith("WEIGHTS CHANGED, and name and version did not: benjamin/wtp")
    assert samples.digest("evil") in lines[2]
    assert sum(line.startswith("- ") for line in lines) >= len(full.packages) - 1
    status, document = run_json(capsys, before, after)
    assert status == 10
    assert document["models"]["weights_changed"][0]["unannounced"] is True


def test_everything_else_that_changes_is_told_and_is_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def package(version: str, licence: str) -> Package:
        purl = f"pkg:pypi/requests@{version}"
        return Package(purl, "requests", version, "pypi", licenses=(licence,))

    other = samples.model("other")
    before = write(tmp_path / "a.json", packages=(package("2.0", "MIT"),))
    after = write(tmp_path / "b.json", models=(other,), packages=(package("1.9", "ISC"),))
    status, out = run(capsys, before, after)
    assert status == 0
    assert out.splitlines() == [
        f"+ model {other.name}",
        "~ pypi requests 2.0 → 1.9 (downgrade)",
        "~ pypi requests: licence MIT → ISC",
    ]
    assert run_json(capsys, after, before)[1]["models"]["removed"][0]["name"] == other.name


def test_targets_are_looked_into(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name, value in (("a", 1.0), ("b", 2.0)):
        (tmp_path / name / "srv").mkdir(parents=True)
        save_file({"w": np.full(8, value)}, tmp_path / name / "srv" / "model.safetensors")
    status, out = run(capsys, f"dir:{tmp_path / 'a'}", f"dir:{tmp_path / 'b'}")
    assert status == 10
    assert out.startswith("WEIGHTS CHANGED")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"bomFormat": "SPDX"}', b"\xff\xfe"])
def test_a_file_that_is_no_bom_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_bytes(content)
    assert main(["diff", str(bad), str(bad)]) == 22
    assert "bad.json" in capsys.readouterr().err


def test_names_from_a_document_do_not_reach_the_terminal_raw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = dataclasses.replace(samples.model("x"), name="\x1b[2Jgone\nWEIGHTS CHANGED")
    before, after = write(tmp_path / "a.json"), write(tmp_path / "b.json", models=(evil,))
    out = run(capsys, before, after)[1]
    assert "\x1b" not in out
    assert len(out.splitlines()) == 1


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "a.json", models=samples.full().models)
    assert main(["diff", one, str(tmp_path / "b.json")]) == 22
    assert "no such file" in capsys.readouterr().err


def test_a_model_that_was_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def at(place: str) -> tuple[Model, ...]:
        return (samples.model("m", files=(samples.weights(f"{place}/m.onnx", "same"),)),)

    one = write(tmp_path / "a.json", models=at("srv"))
    other = write(tmp_path / "b.json", models=at("opt"))
    assert run(capsys, one, other) == (0, "~ model m: moved /srv/m.onnx → /opt/m.onnx\n")
    status, document = run_json(capsys, one, other)
    assert (status, document["same"]) == (0, False)


def test_a_pipe_is_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in ``lading diff <(lading bom A) <(lading bom B)``."""
    full = samples.full()
    one = write(tmp_path / "a.json", models=full.models)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = (tmp_path / "a.json").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    assert run(capsys, one, str(pipe)) == (0, "no difference\n")
    writer.join()


def test_a_document_that_is_not_there_is_asked_of_no_registry(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["diff", "gone.cdx.json", "gone.cdx.json"]) == 22
    assert "There is no such file (gone.cdx.json)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"x", mtime=0), "an archive, not a BOM"),
        (docker_archive([b""]), "an archive, not a BOM"),
        (b'{"spdxVersion": "SPDX-2.3"}', "not CycloneDX (FILE). Got: spdxVersion SPDX-2.3"),
        (b'{"a": 1}', "Got: JSON of another kind"),
        (b"<html/>", "not CycloneDX XML"),
    ],
)
def test_what_is_no_bom_is_told(
    content: bytes, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    assert main(["diff", str(path), str(path)]) == 22
    told = " ".join(capsys.readouterr().err.split()).replace(str(path), "FILE")
    assert said in told
    assert ("needs its prefix" in told) == ("archive" in said)
