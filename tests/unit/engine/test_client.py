"""An engine that is not there."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from lading.engine import context
from lading.engine.client import Engine
from lading.engine.context import find_endpoint
from lading.engine.failures import Refused, answered, api_failure, is_failure
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


def test_what_an_engine_says_of_a_missing_image_is_told() -> None:
    body = b'{"message": "No such image: svc:1"}'
    with pytest.raises(Refused) as refused:
        answered(404, body)
    error = api_failure(refused.value, "the engine does not have the image", "svc:1")

    assert error.got == "No such image: svc:1"
    assert error.hint is not None
    assert "pull it first" in error.hint


def test_an_answer_that_is_no_json_is_a_failure() -> None:
    with pytest.raises(Refused):
        answered(200, b"<html>")
    assert is_failure(Refused(200, b"<html>"))


@pytest.mark.parametrize("extra", [{}, {"DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": ""}])
def test_a_socket_in_docker_host_is_taken_as_docker_takes_it(extra: dict[str, str]) -> None:
    environ = {"DOCKER_HOST": "unix:///run/x.sock", **extra}
    quick = find_endpoint(environ)

    assert quick == context._from_environment(environ)
    assert quick.local_socket == "/run/x.sock"


NOTHING_CHOSEN = [None, "{}", '{"auths": {}, "currentContext": ""}']


@pytest.mark.parametrize("config", NOTHING_CHOSEN)
def test_the_default_engine_is_found_without_the_client_library(
    tmp_path: Path, config: str | None
) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    code = (
        "import os, sys; from lading.engine.context import find_endpoint;"
        "print(find_endpoint(os.environ).host, 'docker' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.split() == ["unix:///var/run/docker.sock", "False"]


def test_a_context_that_is_chosen_is_not_passed_by(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "nowhere"}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(tmp_path))
        patch.delenv("DOCKER_HOST", raising=False)
        with pytest.raises(EngineError, match="no such docker context") as refused:
            find_endpoint({})

    assert refused.value.where == "nowhere"
