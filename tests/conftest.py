"""Fixtures that several rooms' tests share: real registries, a Docker engine, real images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import registries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.registries import Registry

__all__: list[str] = []


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
