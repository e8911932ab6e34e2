"""Fixtures that several rooms' tests share: real registries, a Docker engine, real images."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadFileScheduling

import parts
from support import engines, registries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from support.engines import DockerEngine
    from support.registries import Registry

__all__: list[str] = []

_ENGINE_STARTED = pytest.StashKey[bool]()
_HEAVY_FIXTURES = frozenset({"registry_distribution", "registry_zot", "docker_buildx"})
_SIGSTORE = "tests/integration/attest/"
_HEAVY_REGISTRIES = frozenset({"distribution-3", "zot"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on a heavy part as ``interop``: no test has to remember to."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if fixtures & _HEAVY_FIXTURES or parameters.get("registry") in _HEAVY_REGISTRIES:
            item.add_marker(pytest.mark.interop)


class _ByFile(LoadFileScheduling):
    """Gives whole files to processes, and to one all that share the local Sigstore.

    A machine can run one: its timestamp authority has a port that cannot be chosen.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _SIGSTORE if nodeid.startswith(_SIGSTORE) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    """Run in several processes (``-n``) what does not lean on each other.

    In the order of the directories: the files with few tests are the slow ones.
    """
    config.option.loadscopereorder = False
    return _ByFile(config, log)


def pytest_testnodedown(node: Any) -> None:
    """Remember, where the tests run in several processes, that one of them started an engine."""
    if getattr(node, "workeroutput", {}).get("engine_started"):
        node.config.stash[_ENGINE_STARTED] = True


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the engine that one of several processes started, when all have ended."""
    if config.stash.get(_ENGINE_STARTED, False):
        engines.down()


@pytest.fixture(scope="session")
def registry_referrers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the referrers API (olareg, in memory)."""
    with registries.start("olareg", tmp_path_factory.mktemp("olareg")) as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_no_referrers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """The same registry with its referrers API switched off."""
    scratch = tmp_path_factory.mktemp("olareg")
    with registries.start("olareg-without-referrers", scratch) as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_fallback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Debian's docker-registry (distribution 2.8): older than the referrers API."""
    scratch = tmp_path_factory.mktemp("docker-registry")
    with registries.start("docker-registry-2", scratch) as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_distribution(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Distribution 3: no referrers API either."""
    scratch = tmp_path_factory.mktemp("distribution")
    with registries.start("distribution-3", scratch) as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_zot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """Zot, with the referrers API."""
    with registries.start("zot", tmp_path_factory.mktemp("zot")) as registry:
        yield registry


_REGISTRY_FIXTURES = {
    "olareg": "registry_referrers",
    "olareg-without-referrers": "registry_no_referrers",
    "docker-registry-2": "registry_fallback",
    "distribution-3": "registry_distribution",
    "zot": "registry_zot",
}


@pytest.fixture(scope="session", params=sorted(_REGISTRY_FIXTURES))
def registry(request: pytest.FixtureRequest) -> Registry:
    """Every kind of registry in turn; one that is not on the machine is skipped."""
    found: Registry = request.getfixturevalue(_REGISTRY_FIXTURES[request.param])
    return found


@pytest.fixture(scope="session")
def docker_engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerEngine]:
    """The running Docker engine; where there is none, one that is started, and stopped at last.

    The names that tests gave to images are taken out of it again.
    """
    engine = engines.up(tmp_path_factory.mktemp("docker-config"))
    output = getattr(request.config, "workeroutput", None)  # of one of several processes
    if output is not None:
        output["engine_started"] = engine.started
    yield engine
    engine.forget()
    if engine.started and output is None:
        engines.down()


@pytest.fixture(scope="session")
def docker_buildx(
    docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> DockerEngine:
    """The same engine, with buildx as a plug-in of its docker CLI."""
    plugins = tmp_path_factory.mktemp("docker-config-buildx") / "cli-plugins"
    plugins.mkdir()
    (plugins / "docker-buildx").symlink_to(parts.require("buildx"))
    env = {**docker_engine.env, "DOCKER_CONFIG": str(plugins.parent)}
    return dataclasses.replace(docker_engine, env=env)


@pytest.fixture(scope="session")
def base_image(docker_engine: DockerEngine) -> str:
    """The name of a small image with a shell, to build other images from."""
    return engines.import_busybox(docker_engine)


@pytest.fixture(scope="session")
def python_base_image(docker_engine: DockerEngine) -> str:
    """The name of an image with Python and pip, to build the example from."""
    return engines.python_base(docker_engine)


@pytest.fixture(scope="session")
def example_image(docker_engine: DockerEngine, python_base_image: str) -> str:
    """The name of the image that ``Dockerfile.example`` makes, built by plain docker."""
    docker_engine.docker(
        *("build", "--quiet", "--network", "host", "--tag", engines.EXAMPLE),
        *("--build-arg", f"BASE_IMAGE={python_base_image}"),
        *("--file", str(parts.ROOT / "Dockerfile.example"), str(parts.ROOT)),
    )
    return engines.EXAMPLE
