"""A model of a hundred gigabytes, sparse on the disk: read once, in little memory."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

import pytest

from support.models_fixtures import raw_safetensors
from support.peak import run_lading

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
MEBIBYTES_OF_MEMORY = 80


def _sparse(path: Path, head: bytes, size: int) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)
    if path.stat().st_blocks * 512 > GIB:
        pytest.skip("the file system has no sparse files")


def _zeros_after(head: bytes, size: int) -> str:
    digest, piece = hashlib.sha256(head), bytes(1 << 24)
    left = size - len(head)
    while left:
        step = min(left, len(piece))
        digest.update(piece[:step])
        left -= step
    return digest.hexdigest()


@pytest.mark.parametrize(
    "gibibytes", [2, pytest.param(100, marks=pytest.mark.interop)], ids=["2 GiB", "100 GiB"]
)
def test_a_sparse_model(gibibytes: int, tmp_path: Path) -> None:
    data = gibibytes * GIB
    entry = {"dtype": "U8", "shape": [data], "data_offsets": [0, data]}
    head = raw_safetensors({"w": entry})
    directory = tmp_path / "models"
    directory.mkdir()
    _sparse(directory / "model.safetensors", head, len(head) + data)
    _sparse(directory / "not-a-model", struct.pack("<Q", 99), data)

    (tmp_path / "tmp").mkdir()
    ran = run_lading("inspect", f"dir:{directory}", "--json", scratch=tmp_path)

    assert ran.status == 0, ran.err
    (model,) = ran.json()["models"]
    assert model["parameters"] == data
    assert model["safety"]["verdict"] == "safe"
    assert model["files"][0]["size"] == len(head) + data
    if gibibytes == 2:
        assert model["files"][0]["sha256"] == _zeros_after(head, len(head) + data)
    assert ran.memory <= MEBIBYTES_OF_MEMORY << 20
