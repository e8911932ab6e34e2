"""The XML form is compared like the JSON form; what is no CycloneDX XML is told."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading import bom
from lading.bom.read_xml import load_xml
from lading.errors import InputError, LimitError
from lading.limits import LIMITS
from support import bom_inspections as samples
from support.bom_strategies import inspections

SPACE = b"http://cyclonedx.org/schema/bom/1.6"


def document(inside: bytes, *, space: bytes = SPACE) -> bytes:
    return b'<bom xmlns="%b" version="1">%b</bom>' % (space, inside)


@pytest.mark.parametrize("version", bom.SPEC_VERSIONS)
def test_both_forms_of_a_document_say_the_same(version: str) -> None:
    made = bom.render(samples.full(), spec_version=version, timestamp=samples.MOMENT)
    of_json, of_xml = bom.read(bom.encode(made)), bom.read(bom.encode_xml(made))
    assert of_json == of_xml
    assert len(of_xml.models) == 3
    assert bom.diff(of_json, of_xml).same


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(inspection=inspections)
def test_any_document_says_the_same(inspection: Any) -> None:
    made = bom.render(inspection, timestamp=samples.MOMENT)
    one, other = bom.read(bom.encode(made)), bom.read(bom.encode_xml(made))
    assert [_without_space(x) for x in one.models] == [_without_space(x) for x in other.models]
    assert len(one.packages) == len(other.packages)
    assert len(one.datasets) == len(other.datasets)


def _without_space(one: Any) -> Any:
    """Line ends and runs of blanks are white space to XML's readers."""
    return dataclasses.replace(one, name=" ".join(one.name.split()), licenses=())


def test_what_another_tool_wrote() -> None:
    found = bom.read(
        document(
            b"<metadata><component type='container'><name>svc</name></component></metadata>"
            b"<components><component type='library'><name>A_b</name><version>1</version>"
            b"<purl>pkg:pypi/a-b@1</purl><licenses><expression>MIT OR Zlib</expression></licenses>"
            b"<components><component type='application'><name>x</name></component></components>"
            b"</component><component type='machine-learning-model'><name>m</name><hashes>"
            b"<hash alg='SHA-256'>AB</hash></hashes><modelCard><name>no</name></modelCard>"
            b"</component></components><vulnerabilities><name>no</name></vulnerabilities>",
            space=SPACE.replace(b"1.6", b"1.4"),
        )
    )
    assert (found.spec_version, found.subject) == ("1.4", "svc")
    assert {(one.kind, one.name, one.licenses) for one in found.packages} == {
        ("pypi", "a-b", ("MIT OR Zlib",)),
        ("application", "x", ()),
    }
    assert [(one.name, one.weights) for one in found.models] == [("m", ("SHA-256:ab",))]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (document(b"")[:-3], "no XML"),
        (document(b"<components><component>"), "no XML"),
        (document(b"", space=b"http://example.com/"), "not CycloneDX XML"),
        (b"<html></html>", "not CycloneDX XML"),
        (b"<bom/>", "not CycloneDX XML"),
        (b'<!DOCTYPE bom [<!ENTITY a "b">]>' + document(b"&a;"), "document type"),
        (document(b"<components><component type='library'/></components>"), "no name"),
        (b"\xef\xbb\xbf <?xml version='1.0' encoding='ebcdic'?>" + document(b""), "no XML"),
        (b"<?xml version='1.0' encoding='utf-7'?>" + document(b""), "no XML"),
        (b"<?xml version='1.0' encoding='nonsense'?>" + document(b""), "no XML"),
    ],
)
def test_what_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        bom.read(content)


def test_depth_and_size_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = b"<x>" * LIMITS.json_depth
    with pytest.raises(LimitError, match="deeply"):
        bom.read(document(deep))
    monkeypatch.setattr("lading.bom.read_xml.LIMITS", dataclasses.replace(LIMITS, bom_document=9))
    with pytest.raises(LimitError, match="too large"):
        bom.read(document(b""))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(junk: bytes) -> None:
    listed = b"<components>" + junk + b"</components>"
    for content in (b"<" + junk, document(junk), document(listed)):
        with contextlib.suppress(InputError):
            assert load_xml(content)["bomFormat"] == "CycloneDX"


def test_a_key_that_stands_twice_is_found_at_once() -> None:
    keys = ",".join(f'"{number}":0' for number in range(200_000))
    began = time.monotonic()
    with pytest.raises(InputError, match="twice"):
        bom.read(f'{{{keys},"199999":0}}'.encode())
    assert time.monotonic() - began < 5
