"""The stores that the suite runs over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support import registries
from support.oci_stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.registries import Registry

_KINDS = {
    "olareg": "registry_referrers",
    "olareg-without-referrers": "registry_no_referrers",
    "olareg-basic": "registry_basic",
    "olareg-token": "registry_token",
    "olareg-rate-limited": "registry_rate_limited",
    "docker-registry-2": "registry_fallback",
    "distribution-3": "registry_distribution",
    "zot": "registry_zot",
    "layout": None,
}


@pytest.fixture(scope="session")
def registry_basic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants a password with every request."""
    with registries.start("olareg-basic", tmp_path_factory.mktemp("olareg")) as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that wants tokens of its token server."""
    with registries.start("olareg-token", tmp_path_factory.mktemp("olareg")) as registry:
        yield registry


@pytest.fixture(scope="session")
def registry_rate_limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry that answers fifty requests a second, and 429 to more."""
    with registries.start("olareg-rate-limited", tmp_path_factory.mktemp("olareg")) as registry:
        yield registry


@pytest.fixture(params=sorted(_KINDS))
def store(request: pytest.FixtureRequest, tmp_path: object) -> Store:
    """Every kind of store in turn."""
    fixture = _KINDS[request.param]
    if fixture is None:
        return Store("layout", True, None, str(tmp_path))
    registry: Registry = request.getfixturevalue(fixture)
    return Store(request.param, registry.has_referrers, registry, str(tmp_path))
