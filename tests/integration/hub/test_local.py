"""Directories and files: what is signed, what verifies, and what is named when it does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

import lading as package
import parts
from lading.errors import NoAttestation, VerificationError

if TYPE_CHECKING:
    from pathlib import Path

    from support.product import Lading


def _differs(lading: Lading, model: Path, *words: str) -> dict[str, list[str]]:
    ran = lading("verify", f"dir:{model}", "--json", *words)
    assert ran.status == 10
    return dict(ran.json()["difference"])


def test_changed_missing_and_extra_files_are_named(lading: Lading, model: Path) -> None:
    lading.ok("attest", f"dir:{model}")
    lading.ok("verify", f"dir:{model}")
    (model / "config.json").write_text("{}")
    (model / "README.md").unlink()
    (model / "modeling.py").write_text("import os\n")
    (model / "code").symlink_to("/etc")

    assert _differs(lading, model) == {
        "changed": ["config.json"],
        "missing": ["README.md"],
        "extra": ["code", "modeling.py"],
    }


def test_files_that_traded_names_are_changed(lading: Lading, model: Path) -> None:
    """The root digest has no names in it; the list has."""
    (model / "a.bin").write_bytes(b"one")
    (model / "b.bin").write_bytes(b"two")
    lading.ok("attest", f"dir:{model}")
    (model / "b.bin").rename(model / "c.bin")  # the same digests in the same order

    assert _differs(lading, model) == {"changed": [], "missing": ["b.bin"], "extra": ["c.bin"]}


def test_single_files(lading: Lading, model: Path) -> None:
    lading.ok("attest", f"dir:{model}")
    (model / "extra.txt").write_text("x")

    part = lading.ok("verify", f"dir:{model}", "--file", "model.safetensors", "--json").json()
    alone = lading.ok("verify", f"file:{model / 'model.safetensors'}", "--json").json()

    assert part["whole"] is alone["whole"] is False
    assert list(part["files"]) == list(alone["files"]) == ["model.safetensors"]
    assert _differs(lading, model, "--file", "extra.txt")["extra"] == ["extra.txt"]
    assert _differs(lading, model, "--file", "nothing.txt")["missing"] == ["nothing.txt"]
    (model / "model.safetensors").write_bytes(b"x")
    assert _differs(lading, model, "--file", "model.safetensors")["changed"]
    ran = lading("verify", f"file:{model / 'model.safetensors'}", "--as", "ticket-router-tiny")
    assert ran.status == 10


def test_one_file_is_a_source_of_its_own(lading: Lading, model: Path) -> None:
    weights = model / "model.safetensors"
    document = lading.ok("attest", f"file:{weights}", "--json").json()

    assert document["source"] == "file:model.safetensors"
    lading.ok("verify", f"file:{weights}")


def test_globs_choose_what_is_signed_and_what_is_verified(lading: Lading, model: Path) -> None:
    document = lading.ok("attest", f"dir:{model}", "--include", "*.safetensors", "--json").json()
    assert document["files"] == 1

    assert "config.json" in _differs(lading, model)["extra"]
    lading.ok("verify", f"dir:{model}", "--include", "*.safetensors")


def test_it_must_be_what_was_asked_for(lading: Lading, model: Path) -> None:
    lading.ok("attest", f"dir:{model}")

    lading.ok("verify", f"dir:{model}", "--as", "ticket-router-tiny")
    ran = lading("verify", f"dir:{model}", "--as", "hf:acme/other", "--json")

    assert ran.status == 10
    assert ran.json()["error"]["code"] == "source"


def test_nothing_attested_is_no_attestation(lading: Lading, model: Path) -> None:
    ran = lading("verify", f"dir:{model}", "--json")

    assert ran.status == 11
    assert ran.json()["difference"] is None


def test_a_renamed_directory_is_still_what_it_is(lading: Lading, model: Path) -> None:
    lading.ok("attest", f"dir:{model}")
    model.rename(model.with_name("v2"))

    lading.ok("verify", f"dir:{model.with_name('v2')}")
    (model.with_name("v2") / "config.json").write_text("{}")
    assert _differs(lading, model.with_name("v2"))["changed"] == ["config.json"]


def test_the_newest_of_several_versions_is_told_from_the_others(
    lading: Lading, model: Path
) -> None:
    lading.ok("attest", f"dir:{model}")
    (model / "config.json").write_text('{"model_type": "second"}')
    second = lading.ok("attest", f"dir:{model}", "--json").json()

    assert lading.ok("verify", f"dir:{model}", "--json").json()["digest"] == second["digest"]


def test_evidence_in_a_registry(lading: Lading, model: Path, registry) -> None:
    place = f"{registry.host}/models/approved"
    lading.ok("attest", f"dir:{model}", "--evidence", place)

    lading.ok("verify", f"dir:{model}", "--evidence", place)
    lading.ok("verify", f"dir:{model}", "--evidence", place, "--file", "config.json")
    (model / "config.json").write_text("{}")
    assert _differs(lading, model, "--evidence", place)["changed"] == ["config.json"]


@pytest.mark.parametrize("kind", ["out", "nowhere", "directory", "fifo"])
def test_what_is_no_plain_file_is_never_signed_over(lading: Lading, model: Path, kind: str) -> None:
    odd = model / "odd"
    if kind == "fifo":
        os.mkfifo(odd)
    else:
        (model / "sub").mkdir()
        odd.symlink_to({"out": "../lading.pub", "nowhere": "gone", "directory": "sub"}[kind])

    ran = lading("attest", f"dir:{model}")

    assert ran.status == 22
    assert "odd" in ran.err
    lading.ok("attest", f"dir:{model}", "--exclude", "odd")


def test_a_name_that_is_no_text_is_refused(lading: Lading, model: Path) -> None:
    (model / os.fsdecode(b"\xff.bin")).touch()

    ran = lading("attest", f"dir:{model}")

    assert ran.status == 22
    assert "UTF-8" in ran.err


def test_the_bom_is_signed_beside_the_list(lading: Lading, model: Path) -> None:
    bom = lading.cwd / "bom.json"
    lading.ok("attest", f"dir:{model}", "--bom-output", str(bom))
    document = json.loads(bom.read_text())

    (found,) = (one for one in document["components"] if one["type"] == "machine-learning-model")
    assert found["licenses"][0]["license"]["id"] == "MIT"
    assert {one["name"] for one in found["components"]} >= {"/model.safetensors", "/README.md"}


def test_python_refuses_before_it_loads(
    lading: Lading, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", lading.env["XDG_DATA_HOME"])
    key = lading.cwd / "lading.pub"
    with pytest.raises(NoAttestation):
        package.verify_path(model, key=key)
    lading.ok("attest", f"dir:{model}")

    verified = package.verify_path(model, key=key.read_bytes(), files=["model.safetensors"])

    weights = (model / "model.safetensors").read_bytes()
    assert verified.read("model.safetensors") == weights
    with pytest.raises(VerificationError, match="not verified"):
        verified.read("config.json")
    (model / "model.safetensors").write_bytes(weights[::-1])
    with pytest.raises(VerificationError, match="changed after"):
        verified.read("model.safetensors")
    with pytest.raises(VerificationError) as refused:
        package.verify_path(model, key=key)
    assert refused.value.code == "content"


def test_the_api_costs_nothing_until_it_is_used() -> None:
    code = "import lading, sys; print([one for one in sys.modules if one.startswith('lading')])"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.strip() == "['lading']"


def test_the_example_loader_refuses_what_nobody_approved(lading: Lading, model: Path) -> None:
    loader = parts.ROOT / "examples" / "verified-loader" / "load.py"

    def load() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(loader), str(model), "lading.pub"],
            cwd=lading.cwd,
            env=dict(lading.env),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert load().returncode == 11
    lading.ok("attest", f"dir:{model}")
    assert "4195 parameters" in load().stdout
    weights = bytearray((model / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (model / "model.safetensors").write_bytes(weights)
    refused = load()
    assert refused.returncode == 10
    assert "changed: model.safetensors" in refused.stderr


def test_the_documents_are_those_of_the_schemas(lading: Lading, model: Path) -> None:
    def conforms(name: str, document: object) -> None:
        schema = json.loads((parts.ROOT / "docs/schemas" / f"{name}.schema.json").read_text())
        jsonschema_rs.validator_for(schema).validate(document)

    conforms("verify-source", lading("verify", f"dir:{model}", "--json").json())
    conforms("attest-source", lading.ok("attest", f"dir:{model}", "--json").json())
    conforms("verify-source", lading.ok("verify", f"dir:{model}", "--json").json())
    (model / "config.json").write_text("{}")
    conforms("verify-source", lading("verify", f"dir:{model}", "--json").json())


def test_a_registry_without_evidence_is_no_attestation(
    lading: Lading, model: Path, registry
) -> None:
    ran = lading("verify", f"dir:{model}", "--evidence", f"{registry.host}/models/none")

    assert ran.status == 11


def test_an_empty_expectation_is_no_expectation_but_a_mistake(lading: Lading, model: Path) -> None:
    """``--as "$MODEL"`` with a variable that is not set."""
    lading.ok("attest", f"dir:{model}")

    assert lading("verify", f"dir:{model}", "--as", "").status == 2


def test_a_scope_that_takes_nothing_verifies_nothing(lading: Lading, model: Path) -> None:
    lading.ok("attest", f"dir:{model}")

    for words in (("--include", "*.gguf"), ("--include", "*.gguf", "--as", "ticket-router-tiny")):
        assert lading("verify", f"dir:{model}", *words).status == 22
    for file in model.iterdir():
        file.unlink()
    assert len(_differs(lading, model, "--as", "ticket-router-tiny")["missing"]) == 6


def test_the_nearest_list_says_what_changed_whatever_its_name(lading: Lading, model: Path) -> None:
    """Another model has the directory's name by now; the files tell which list is meant."""
    lading.ok("attest", f"dir:{model}")
    renamed = model.with_name("v2")
    model.rename(renamed)
    other = model.with_name("elsewhere") / "v2"
    other.mkdir(parents=True)
    (other / "config.json").write_bytes((renamed / "config.json").read_bytes())
    (other / "other.bin").write_bytes(b"other")
    lading.ok("attest", f"dir:{other}")
    (renamed / "tokenizer.json").write_text("{}")

    assert _differs(lading, renamed) == {"changed": ["tokenizer.json"], "missing": [], "extra": []}
    lading.ok("verify", f"dir:{renamed}", "--file", "model.safetensors")
