"""The example service is a real one: its image answers requests with its three models."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import parts
from support.processes import free_port, http_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.engines import DockerEngine

EXAMPLE = parts.ROOT / "examples" / "ml-service"
READY_SECONDS = 60


def test_the_generator_makes_the_committed_models(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / "make_models.py"), str(tmp_path)]
    subprocess.run(command, check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in _files(tmp_path)}
    models = EXAMPLE / "models"
    assert made == {path.relative_to(models): path.read_bytes() for path in _files(models)}
    assert len(made) == 7


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def service(docker_engine: DockerEngine, example_image: str) -> Iterator[int]:
    """Run the example's container; yield the loopback port that it answers on."""
    port = free_port()
    if "bridge" in docker_engine.docker("network", "ls", "--format", "{{.Driver}}").split():
        network = ["--publish", f"127.0.0.1:{port}:8000"]
    else:
        network = ["--network", "host", "--env", f"PORT={port}"]
    container = docker_engine.docker("run", "--detach", *network, example_image)
    try:
        end = time.monotonic() + READY_SECONDS
        while not http_answers(port, "/healthz"):
            assert time.monotonic() < end, docker_engine.docker("logs", container)
            time.sleep(0.2)
        yield port
    finally:
        docker_engine.docker("rm", "--force", container)


def _post(port: int, path: str, body: bytes) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    assert response.status == 200, content
    return json.loads(content)


@pytest.mark.parametrize(
    ("text", "queue", "priority"),
    [
        ("my invoice is wrong, please refund the fee", "billing", "normal"),
        ("URGENT!! the server is down and the API returns 500", "technical", "high"),
        ("I forgot my password", "account", "normal"),
    ],
)
def test_it_routes_tickets(service: int, text: str, queue: str, priority: str) -> None:
    answer = _post(service, "/tickets", json.dumps({"text": text}).encode())
    assert (answer["queue"], answer["priority"]) == (queue, priority)
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=0.001)


def test_it_identifies_attachments_with_the_model_of_its_wheel(service: int) -> None:
    source = (EXAMPLE / "service" / "router.py").read_bytes()
    assert _post(service, "/attachments", source)["label"] == "python"
