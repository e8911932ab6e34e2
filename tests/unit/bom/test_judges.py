"""What others make of our documents: cyclonedx-python-lib reads them, JSON and XML."""

from __future__ import annotations

import json

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from defusedxml import ElementTree

from lading import bom
from support import bom_inspections as samples


def parsed(form: str) -> Bom:
    document = bom.render(samples.full(), timestamp=samples.MOMENT)
    if form == "json":
        found = Bom.from_json(json.loads(bom.encode(document)))
    else:
        found = Bom.from_xml(ElementTree.fromstring(bom.encode_xml(document)))
    assert isinstance(found, Bom)
    return found


@pytest.mark.parametrize("form", ["json", "xml"])
def test_cyclonedx_python_lib_finds_every_component(form: str) -> None:
    found = parsed(form)
    document = bom.render(samples.full(), timestamp=samples.MOMENT)
    assert str(found.serial_number) in document["serialNumber"]
    by_ref = {component.bom_ref.value: component for component in found.components}
    assert by_ref.keys() == {one["bom-ref"] for one in document["components"]}
    for one in document["components"]:
        other = by_ref[one["bom-ref"]]
        assert isinstance(other, Component)
        assert other.name == one["name"]
        assert str(other.purl or "") == one.get("purl", "")
        assert len(other.hashes) == len(one.get("hashes", []))
        assert len(other.licenses) == len(one.get("licenses", []))
        assert {(p.name, p.value) for p in other.properties} == {
            (p["name"], p["value"]) for p in one.get("properties", [])
        }
        places = other.evidence.occurrences if other.evidence else ()
        assert len(places) == len(one.get("evidence", {}).get("occurrences", []))
        assert len(other.components) == len(one.get("components", []))


@pytest.mark.parametrize("form", ["json", "xml"])
def test_cyclonedx_python_lib_finds_the_graph_whole(form: str) -> None:
    found = parsed(form)
    assert found.metadata.component is not None
    assert found.metadata.component.type is ComponentType.CONTAINER
    known = {component.bom_ref.value for component in found.components}
    known.add(found.metadata.component.bom_ref.value)
    edges = {
        (one.ref.value, other.ref.value) for one in found.dependencies for other in one.dependencies
    }
    document = bom.render(samples.full(), timestamp=samples.MOMENT)
    assert edges == {
        (one["ref"], other)
        for one in document["dependencies"]
        for other in one.get("dependsOn", ())
    }
    assert {ref for edge in edges for ref in edge} <= known
