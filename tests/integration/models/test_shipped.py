"""A model has the licence of the package that brought it, whichever kind of package that is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from support import model_rare_encoders as rare
from support.models_fixtures import onnx_bytes, write_files
from support.product import Lading

if TYPE_CHECKING:
    from pathlib import Path

MODULE = {"name": "@acme/vad", "version": "1.2.3", "license": "MIT"}
STATUS = """Package: dlib-data
Status: install ok installed
Maintainer: A <a@example.org>
Architecture: all
Version: 19.1
Description: landmarks

"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: A
License: BSL-1.0
"""
CONDA = {
    "name": "tea-models", "version": "2.0", "build": "0", "license": "CC0-1.0",
    "channel": "conda-forge", "subdir": "noarch", "fn": "tea-models-2.0-0.conda",
}  # fmt: skip


def test_models_of_npm_and_debian_have_owners_and_conda_is_listed(tmp_path: Path) -> None:
    landmarks = rare.dlib_landmarks()
    files: dict[str, bytes | str] = {
        "app/node_modules/@acme/vad/package.json": json.dumps(MODULE),
        "app/node_modules/@acme/vad/dist/silero.onnx": onnx_bytes(),
        "usr/share/dlib/face.dat": landmarks,
        "var/lib/dpkg/status": STATUS,
        "var/lib/dpkg/info/dlib-data.md5sums": f"{'0' * 32}  usr/share/dlib/face.dat\n",
        "usr/share/doc/dlib-data/copyright": COPYRIGHT,
        "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
        "opt/own.tflite.mnn": rare.mnn(),
        "opt/conda/conda-meta/tea-models-2.0-0.json": json.dumps(CONDA),
    }
    root = write_files(tmp_path / "root", files)
    lading = Lading(tmp_path, {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")})
    document = lading.ok("inspect", f"dir:{root}", "--json").json()

    shipped = {
        model["name"]: (model["distribution"], model["license"]) for model in document["models"]
    }
    assert shipped["silero"] == ("pkg:npm/%40acme/vad@1.2.3", "MIT")
    owner, licence = shipped["face"]
    assert owner.startswith("pkg:deb/debian/dlib-data@19.1?")
    assert licence == "BSL-1.0"
    assert [pair for name, pair in shipped.items() if name.startswith("own")] == [(None, None)]
    assert [one["purl"] for one in document["packages"] if one["type"] == "conda"] == [
        "pkg:conda/tea-models@2.0?build=0&channel=conda-forge&subdir=noarch&type=conda"
    ]
