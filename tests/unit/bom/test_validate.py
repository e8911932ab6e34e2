"""The strict judgement: what it refuses, and that it says where."""

from __future__ import annotations

import copy
import json
import socket
from typing import Any

import pytest

from lading import bom
from lading.bom import schemas
from lading.errors import InputError, LimitError
from lading.limits import LIMITS
from support import bom_inspections as samples


@pytest.fixture
def document() -> dict[str, Any]:
    return bom.render(samples.full(), timestamp=samples.MOMENT)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("unknown",), 1, "unknown"),
        (("components", 0, "unknown"), 1, "components/0"),
        (("components", 0, "type"), "model", "components/0/type"),
        (
            ("components", 0, "licenses"),
            [{"license": {"id": "No-Such-1.0"}}],
            "components/0/licenses",
        ),
        (("metadata", "timestamp"), "yesterday", "metadata/timestamp"),
        (("serialNumber",), "urn:uuid:1", "serialNumber"),
        (("components", 1, "hashes", 0, "content"), "abc", "components/1/hashes/0/content"),
        (("components", 1, "externalReferences", 0, "url"), "no url", "externalReferences/0/url"),
        (("dependencies", 0, "dependsOn"), ["nobody"], "nobody"),
        (("dependencies", 0, "ref"), "nobody", "nobody"),
        (("annotations", 0, "subjects"), ["nobody"], "nobody"),
        (
            ("components", 1, "modelCard", "modelParameters", "datasets"),
            [{"ref": "nobody"}],
            "nobody",
        ),
        (("components", 0, "bom-ref"), "tool:lading@0.1.0", "twice"),
        (("specVersion",), "2.0", "2.0"),
        (("specVersion",), None, "None"),
        (("dependencies",), "x", "dependencies"),
        (("annotations", 0), 7, "annotations/0"),
    ],
)
def test_violations_are_refused_and_told(
    document: dict[str, Any], place: tuple[Any, ...], value: Any, told: str
) -> None:
    here: Any = document
    for part in place[:-1]:
        here = here[part]
    here[place[-1]] = value
    with pytest.raises(InputError) as refused:
        bom.validate(document)
    assert told in str(refused.value.got)
    with pytest.raises(InputError):
        bom.validate(json.dumps(document).encode())


def test_only_the_first_violations_are_told(document: dict[str, Any]) -> None:
    for component in document["components"]:
        component["wrong"] = "x" * 100_000
    with pytest.raises(InputError) as refused:
        bom.validate(document)
    assert refused.value.got is not None
    assert refused.value.got.count("; ") == LIMITS.bom_violations - 1
    assert len(refused.value.got) < 10_000


def test_nested_bom_refs_count_too(document: dict[str, Any]) -> None:
    nested = document["components"][0]["components"]
    nested[0]["bom-ref"] = nested[1]["bom-ref"]
    with pytest.raises(InputError, match="valid"):
        bom.validate(document)


def test_links_into_other_boms_need_not_resolve(document: dict[str, Any]) -> None:
    other = "urn:cdx:f08a6ccd-4dce-4759-bd84-c626675d60a7/1#part"
    document["annotations"][0]["subjects"] = [other]
    bom.validate(document)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"7",
        b"\xff\xfe",
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":1} {}',
        b'{"a":' * 100_000,
        b"9" * 10_000,
    ],
)
def test_bytes_that_are_no_strict_json_object(data: bytes) -> None:
    with pytest.raises(InputError):
        bom.validate(data)


def test_depth_is_bounded_in_both_forms(document: dict[str, Any]) -> None:
    deep: dict[str, Any] = {"type": "library", "name": "x"}
    for _ in range(LIMITS.json_depth):
        deep = {"type": "library", "name": "x", "components": [deep]}
    document["components"] = [deep]
    with pytest.raises(LimitError):
        bom.validate(document)
    with pytest.raises(LimitError):
        bom.validate(json.dumps(document).encode())


def test_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return LIMITS.bom_document + 1

    with pytest.raises(LimitError):
        bom.validate(Huge(b"{}"))


def test_validation_needs_no_network(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    schemas.validator.cache_clear()
    for version in bom.SPEC_VERSIONS:
        found = copy.deepcopy(document)
        found["specVersion"] = version
        found["components"][0]["cryptoProperties"] = {"assetType": "algorithm"}
        bom.validate(found)


def test_half_surrogate_pairs_are_refused_and_whole_ones_taken(document: dict[str, Any]) -> None:
    document["components"][0]["name"] = "\N{GRINNING FACE}"
    bom.validate(json.dumps(document).encode())
    document["components"][0]["name"] = "\udc80"
    with pytest.raises(InputError, match="strict JSON"):
        bom.validate(json.dumps(document).encode())


def test_what_is_not_json_at_all_is_a_refusal_and_no_traceback(document: dict[str, Any]) -> None:
    document["components"][0]["name"] = {"a set"}
    with pytest.raises(InputError, match="valid CycloneDX"):
        bom.validate(document)
