"""A Hub on loopback, an example model in it, and ``lading`` with keys and a store of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import parts
from support import hub_server
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.hub_server import Hub

EXAMPLE = parts.ROOT / "examples" / "ml-service" / "models" / "ticket-router-tiny"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server.serve() as running:
        yield running


@pytest.fixture
def files() -> dict[str, bytes]:
    """The example model's files, and one that is about the repository only."""
    found = {one.name: one.read_bytes() for one in EXAMPLE.iterdir()}
    return found | {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}


@pytest.fixture
def lading(tmp_path: Path, hub: Hub) -> Lading:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_ENDPOINT": hub.url,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "LADING_SIGNING_KEY": "lading.key",
        "LADING_KEY": "lading.pub",
    }
    run = Lading(tmp_path, env)
    run.ok("keygen", "--no-password")
    return run


@pytest.fixture
def model(tmp_path: Path, files: dict[str, bytes]) -> Path:
    """The example model in a directory, as a clone leaves it."""
    directory = tmp_path / "ticket-router-tiny"
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    return directory
