"""Many packages: the work grows with their number, not with its square."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

from lading import bom
from support import bom_inspections as samples

if TYPE_CHECKING:
    import pytest


def _seconds(packages: int) -> float:
    """Return the least of three runs; the collector would count what other tests left behind."""
    inspection = samples.big(packages)
    taken = []
    gc.disable()
    try:
        for _ in range(3):
            started = time.process_time()
            document = bom.render(inspection, timestamp=samples.MOMENT)
            bom.validate(bom.encode(document))
            taken.append(time.process_time() - started)
    finally:
        gc.enable()
    return min(taken)


def test_five_thousand_packages(record_property: pytest.RecordProperty) -> None:
    """Five times the packages may cost five times the work, with slack for a busy machine."""
    _seconds(10)  # schemas, licences
    small, big = _seconds(1000), _seconds(5000)
    record_property("seconds", big)
    assert big < 5 * small * 4
