"""What the room offers, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lading import bom


def test_exported_names() -> None:
    assert all(getattr(bom, name) is not None for name in bom.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bom.nothing  # noqa: B018 - the look-up is the test


def test_reading_a_document_imports_no_detector_and_no_schema() -> None:
    """``lading diff`` and policies read documents; only writing one needs the rest."""
    heavy = ("lading.models", "jsonschema_rs", "cyclonedx", "packaging", "http.client")
    code = (
        "import sys, lading.bom\n"
        'lading.bom.read(b\'{"bomFormat":"CycloneDX"}\')\n'
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
