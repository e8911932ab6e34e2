"""syft reads what we write: an independent parser, JSON and XML, both versions."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading import bom
from support import bom_inspections as samples

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop


def _convert(path: Path) -> dict[str, Any]:
    done = subprocess.run(
        [parts.require("syft"), "convert", str(path), "-o", "cyclonedx-json"],
        env={"SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": str(path.parent)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("spec_version", bom.SPEC_VERSIONS)
@pytest.mark.parametrize("form", ["json", "xml"])
def test_syft_finds_every_package_with_its_licences(
    spec_version: str, form: str, tmp_path: Path
) -> None:
    document = bom.render(samples.full(), spec_version=spec_version, timestamp=samples.MOMENT)
    path = tmp_path / f"bom.{form}"
    path.write_bytes(bom.encode(document) if form == "json" else bom.encode_xml(document))
    found = {one["purl"]: one for one in _convert(path)["components"] if "purl" in one}
    expected = {one["purl"]: one for one in document["components"] if one["type"] == "library"}
    assert expected.keys() <= found.keys()
    for purl, one in expected.items():
        assert found[purl]["version"] == one["version"]
        assert bool(found[purl].get("licenses")) == bool(one.get("licenses"))
