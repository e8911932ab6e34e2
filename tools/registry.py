"""A container registry on loopback for the demo; nothing in it outlives the block.

The first of these that can be had: olareg (has the referrers API; built from its pinned Go module),
Debian's docker-registry, and the registry image from the hub in a container. Where the engine runs
in a virtual machine (Docker Desktop), a process of this host is not on the engine's loopback: there
it is always the container. Standard library only.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import gotools

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE = "registry:2"
START_SECONDS = 30


class RegistryError(Exception):
    """No registry can be had here; the message says why."""


@contextlib.contextmanager
def running(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield ``(host, description)`` of an empty registry; ``env`` reaches the Docker engine.

    Raises:
        RegistryError: none can be had, or it does not answer.
    """
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="lading-registry-") as scratch:
        program = None if _engine_is_remote(env) else _program(Path(scratch), port)
        if program is None:
            serving = _container(port, env)
            what = f"{IMAGE} in a container"
        else:
            command, what = program
            serving = _process(command, Path(scratch) / "log")
        with serving:
            _await(port)
            yield f"127.0.0.1:{port}", what


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _engine_is_remote(env: Mapping[str, str]) -> bool:
    if not env.get("DOCKER_HOST", "unix://").startswith("unix://"):
        return True
    command = ["docker", "info", "--format", "{{.OperatingSystem}}"]
    system = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout
    return "Docker Desktop" in system


def _program(scratch: Path, port: int) -> tuple[list[str], str] | None:
    olareg = gotools.pinned()["olareg"]
    if olareg.path.is_file():
        address = ["--addr", "127.0.0.1", "--port", str(port)]
        command = [str(olareg.path), "serve", *address, "--store-type", "mem"]
        return command, f"olareg {olareg.version}, with the referrers API"
    unpacked = gotools.cache_directory() / "debian" / "docker-registry"
    found = str(unpacked) if unpacked.is_file() else shutil.which("docker-registry")
    if found is None:
        return None
    config = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"inmemory": {}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "of no use"},
    }
    (scratch / "config.yml").write_text(json.dumps(config), encoding="utf-8")
    command = [found, "serve", str(scratch / "config.yml")]
    return command, "Debian's docker-registry, without the referrers API"


@contextlib.contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


@contextlib.contextmanager
def _container(port: int, env: Mapping[str, str]) -> Iterator[None]:
    command = ["docker", "run", "--detach", "--rm", "--publish", f"127.0.0.1:{port}:5000", IMAGE]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RegistryError(
            "no registry: olareg is not built (is Go installed?), there is no docker-registry, and "
            f"the engine says of {IMAGE}: {done.stderr.strip().splitlines()[-1:]}"
        )
    try:
        yield
    finally:
        remove = ["docker", "rm", "--force", "--volumes", done.stdout.strip()]
        subprocess.run(remove, env=env, capture_output=True, check=False)


def _await(port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(connection),
        ):
            connection.request("GET", "/v2/")
            if connection.getresponse().status == http.client.OK:
                return
        time.sleep(0.05)
    raise RegistryError(f"the registry on port {port} does not answer")
