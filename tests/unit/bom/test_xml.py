"""The XML form: the same content, nothing left out in silence."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from lading import bom
from lading.errors import InputError, UsageError
from lading.inventory import Inspection
from support import bom_inspections as samples


def document(**changes: Any) -> dict[str, Any]:
    return {**bom.render(samples.full(), timestamp=samples.MOMENT), **changes}


def texts(value: Any) -> list[str]:
    """Return every string of a JSON document that is a value."""
    if isinstance(value, dict):
        return [text for child in value.values() for text in texts(child)]
    if isinstance(value, list):
        return [text for child in value for text in texts(child)]
    return [str(value)]


@pytest.mark.parametrize("spec_version", bom.SPEC_VERSIONS)
def test_every_value_of_the_json_form_is_there(spec_version: str) -> None:
    found = bom.render(samples.full(), spec_version=spec_version, timestamp=samples.MOMENT)
    root = ElementTree.fromstring(bom.encode_xml(found))
    assert root.tag == f"{{http://cyclonedx.org/schema/bom/{spec_version}}}bom"
    written = [one.text for one in root.iter() if one.text]
    written += [value for one in root.iter() for value in one.attrib.values()]
    body = {k: v for k, v in found.items() if k not in ("$schema", "bomFormat", "specVersion")}
    assert sorted(written) == sorted(texts(body))


def test_markup_in_values_is_escaped() -> None:
    odd = samples.package('<a> & "b" ]]>', version="'1'\t2")
    inspection = Inspection("x", samples.image(), packages=(odd,))
    root = ElementTree.fromstring(bom.encode_xml(bom.render(inspection, timestamp=samples.MOMENT)))
    space = "{http://cyclonedx.org/schema/bom/1.6}"
    component = root.find(f"{space}components/{space}component")
    assert component is not None
    assert component.findtext(f"{space}name") == '<a> & "b" ]]>'
    assert component.get("bom-ref") == odd.purl or component.get("bom-ref", "").startswith(
        "package:"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"vulnerabilities": []},
        {"components": [{"type": "library", "name": "x", "swid": {}}]},
        {"components": [{"type": "library", "name": "x", "licenses": [{"odd": 1}]}]},
        {"components": ["x"]},
        {"components": [{"type": "library", "name": {"a": 1}}]},
        {"components": [{"type": "library", "name": "\x01"}]},
        {"components": [{"type": "library", "name": "\udc80"}]},
    ],
)
def test_what_cannot_be_written_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        bom.encode_xml(document(**changes))


def test_version_without_a_name_space_is_refused() -> None:
    with pytest.raises(UsageError):
        bom.encode_xml(document(specVersion="1.4"))


def test_booleans_are_xml_booleans() -> None:
    found = bom.encode_xml(document(components=[{"type": "library", "name": "x", "version": True}]))
    assert b"<version>true</version>" in found
