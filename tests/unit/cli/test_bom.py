"""``lading bom``: one document in either form and version, to standard output or a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from lading.cli import main
from lading_oci.digest import digest_of
from support.models_fixtures import write_hf_cache

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_hf_cache(tmp_path / "app" / "hub")
    return f"dir:{tmp_path / 'app'}"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["bom", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_xml_says_what_json_says(
    version: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(said(capsys, target, "--spec-version", version))
    root = ElementTree.fromstring(
        said(capsys, target, "--format", "xml", "--spec-version", version)
    )
    space = f"{{http://cyclonedx.org/schema/bom/{version}}}"
    assert document["specVersion"] == version
    assert root.tag == f"{space}bom"
    assert root.get("serialNumber") == document["serialNumber"]
    listed = root.findall(f"{space}components/{space}component")
    assert [one.get("bom-ref") for one in listed] == [
        one["bom-ref"] for one in document["components"]
    ]
    model = next(one for one in listed if one.get("type") == "machine-learning-model")
    assert model.findtext(f"{space}name") == "acme/tiny-llama"
    assert model.find(f"{space}modelCard") is not None


def test_a_file_is_written_and_named(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bom.xml"
    answer = json.loads(said(capsys, target, "--format", "xml", "-o", str(path), "--json"))
    content = path.read_bytes()
    assert content.startswith(b"<?xml ")
    assert answer == {"path": str(path), "digest": digest_of(content), "size": len(content)}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [(["--format", "yaml"], "json or xml"), (["--spec-version", "1.2"], "1.6 or 1.7")],
)
def test_what_is_not_written_is_a_usage_error(
    words: list[str], wanted: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bom", target, *words]) == 2
    assert wanted in capsys.readouterr().err


def test_a_hyphen_is_standard_output(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said(capsys, target, "-o", "-") == said(capsys, target, "--output=-")
    assert not (tmp_path / "-").exists()
    assert main(["bom", target, "--all-platforms", "--output", "-"]) == 2
