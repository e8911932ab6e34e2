"""The document as a whole: valid, the same for the same image, whatever the image holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lading import bom
from support import bom_inspections as samples

VERSIONS = pytest.mark.parametrize("spec_version", bom.SPEC_VERSIONS)


@VERSIONS
def test_full_inspection_is_valid(spec_version: str) -> None:
    document = bom.render(samples.full(), spec_version=spec_version, timestamp=samples.MOMENT)
    bom.validate(document)
    bom.validate(bom.encode(document))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    inspection=samples.inspections,
    spec_version=st.sampled_from(bom.SPEC_VERSIONS),
    seed=st.integers(),
)
def test_any_inspection_is_valid_and_order_means_nothing(inspection, spec_version, seed) -> None:
    document = bom.render(inspection, spec_version=spec_version, timestamp=samples.MOMENT)
    written = bom.encode(document)
    bom.validate(document)
    bom.validate(written)
    assert json.loads(written) == document, "encoding escapes nothing that was not escaped before"
    again = bom.render(
        samples.shuffled(inspection, seed), spec_version=spec_version, timestamp=samples.MOMENT
    )
    assert bom.encode(again) == written
