"""The engine and the base image that other tests lean on are real ones that work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.engines import NAMESPACE

if TYPE_CHECKING:
    from support.engines import DockerEngine


def test_a_container_of_the_base_image_runs(docker_engine: DockerEngine, base_image: str) -> None:
    said = docker_engine.docker("run", "--rm", "--network", "none", base_image, "echo", "hello")
    assert said == "hello"


def test_buildx_builds_on_the_engine(
    docker_engine: DockerEngine, docker_buildx: DockerEngine, base_image: str
) -> None:
    dockerfile = f"FROM {base_image}\nRUN echo hello > /hello\n".encode()
    name = f"{NAMESPACE}/buildx:latest"
    docker_buildx.docker("buildx", "build", "--load", "--tag", name, "-", stdin=dockerfile)
    try:
        assert docker_engine.docker("run", "--rm", name, "cat", "/hello") == "hello"
    finally:
        docker_engine.docker("rmi", "--force", name)
