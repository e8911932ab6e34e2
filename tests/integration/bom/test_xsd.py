"""The XML form against the published XSD, by lxml through cyclonedx-python-lib's validator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.xml import XmlValidator
from hypothesis import HealthCheck, given, settings

from lading import bom
from support import bom_inspections as samples
from support.bom_strategies import inspections

if TYPE_CHECKING:
    from lading.inventory import Inspection


@pytest.fixture(scope="module", params=bom.SPEC_VERSIONS)
def judge(request: pytest.FixtureRequest) -> tuple[str, XmlValidator]:
    return request.param, XmlValidator(SchemaVersion.from_version(request.param))


def test_full_inspection(judge: tuple[str, XmlValidator]) -> None:
    _valid(judge, samples.full())


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(inspection=inspections)
def test_any_inspection(judge: tuple[str, XmlValidator], inspection: Any) -> None:
    _valid(judge, inspection)


def _valid(judge: tuple[str, XmlValidator], inspection: Inspection) -> None:
    version, validator = judge
    document = bom.render(inspection, spec_version=version, timestamp=samples.MOMENT)
    violation = validator.validate_str(bom.encode_xml(document).decode())
    assert violation is None, violation
