"""An engine that is not there."""

from __future__ import annotations

import gc
import socket
import warnings
from typing import TYPE_CHECKING

from lading.engine.client import Engine
from lading.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path


def attempt(host: str) -> str:
    """Return the error's text; the error itself, and what it holds, is gone then."""
    try:
        Engine.connect({"DOCKER_HOST": host})
    except EngineError as error:
        return str(error)
    return "connected"


def test_no_engine_is_said_so_and_leaves_no_socket_open(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always")
        said = attempt(f"unix://{tmp_path}/absent.sock")
        gc.collect()

    assert said.startswith("no Docker engine is running")
    assert not [one for one in noticed if one.category is ResourceWarning]


def test_a_socket_that_nobody_listens_on_is_no_engine(tmp_path: Path) -> None:
    path = f"{tmp_path}/stale.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(path)

    assert attempt(f"unix://{path}").startswith("no Docker engine is running")
