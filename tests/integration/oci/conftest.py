"""The stores that the suite runs over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.oci_stores import Store

if TYPE_CHECKING:
    from support.registries import Registry

_KINDS = {
    "olareg": "registry_referrers",
    "olareg-without-referrers": "registry_no_referrers",
    "docker-registry-2": "registry_fallback",
    "distribution-3": "registry_distribution",
    "zot": "registry_zot",
    "layout": None,
}


@pytest.fixture(params=sorted(_KINDS))
def store(request: pytest.FixtureRequest, tmp_path: object) -> Store:
    """Every kind of store in turn."""
    fixture = _KINDS[request.param]
    if fixture is None:
        return Store("layout", True, None, str(tmp_path))
    registry: Registry = request.getfixturevalue(fixture)
    return Store(request.param, registry.has_referrers, registry, str(tmp_path))
