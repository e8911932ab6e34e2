"""What we list besides Python's packages is what syft lists when it reads the image itself."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading.packages import find_syft
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from support.engines import DockerEngine

_Listed = dict[str, frozenset[str]]  # purl → licences


@pytest.fixture(params=["embedded", "newest"])
def syft(request: pytest.FixtureRequest) -> Path:
    """The syft of the wheel, and the pinned newer one where it is on this machine."""
    if request.param == "newest":
        return parts.require("syft")
    return find_syft({"PATH": ""}).path


@pytest.fixture(scope="module")
def saved(
    docker_engine: DockerEngine, example_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The example's image as an archive, which both read."""
    path = tmp_path_factory.mktemp("saved") / "image.tar"
    docker_engine.docker("save", "--output", str(path), example_image)
    return path


def _licenses(component: Mapping[str, Any]) -> frozenset[str]:
    found = set()
    for choice in component.get("licenses", ()):
        licence = choice.get("license", {})
        text = choice.get("expression") or licence.get("id") or licence.get("name") or ""
        if "sha256:" not in text:
            found.add(text)
    return frozenset(found)


def _alone(syft: Path, archive: Path, scratch: Path) -> _Listed:
    """Return what syft lists of the archive, with its own settings for images."""
    answer = scratch / "syft.json"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
    }
    command = [
        str(syft),
        "scan",
        f"docker-archive:{archive}",
        "-q",
        "-o",
        f"cyclonedx-json={answer}",
    ]
    subprocess.run(command, env=environment, check=True, timeout=600)
    components = json.loads(answer.read_bytes())["components"]
    found: _Listed = {}
    for one in components:
        # files are no packages, models are ours to list, and the operating system has no purl
        if one["type"] in {"file", "operating-system", "machine-learning-model"}:
            continue
        purl = one.get("purl", "")
        assert purl, one
        found[purl] = found.get(purl, frozenset()) | _licenses(one)
    return found


def _without_python(found: Mapping[str, frozenset[str]]) -> _Listed:
    return {purl: names for purl, names in found.items() if not purl.startswith("pkg:pypi/")}


def _ours(syft: Path, archive: Path, scratch: Path) -> _Listed:
    environment = {**os.environ, "LADING_SYFT": str(syft), "XDG_CACHE_HOME": str(scratch / "cache")}
    ran = Lading(scratch, environment).ok("inspect", f"docker-archive:{archive}", "--json")
    found: _Listed = {}
    for one in ran.json()["packages"]:
        found[one["purl"]] = found.get(one["purl"], frozenset()) | frozenset(one["licenses"])
    return found


def test_the_example_image(syft: Path, saved: Path, tmp_path: Path) -> None:
    alone, ours = _alone(syft, saved, tmp_path), _ours(syft, saved, tmp_path)

    assert len(_without_python(alone)) > 50
    assert _without_python(ours) == _without_python(alone)


def test_its_python_distributions_are_all_listed(syft: Path, saved: Path, tmp_path: Path) -> None:
    """Ours is another reader: no distribution that syft finds may be missing."""
    alone, ours = _alone(syft, saved, tmp_path), _ours(syft, saved, tmp_path)
    python = {purl for purl in alone if purl.startswith("pkg:pypi/")}

    assert python
    assert python <= ours.keys()
