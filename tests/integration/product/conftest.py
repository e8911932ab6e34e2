"""A user's working directory with keys, and images built and pushed with ``lading build``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support import registries
from support.product import PASSWORD, Lading, write_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.engines import DockerEngine
    from support.registries import Registry


@pytest.fixture(scope="session")
def lading(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Lading:
    """``lading`` with a key pair in its working directory."""
    home = tmp_path_factory.mktemp("user")
    env = {
        **docker_engine.env,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), docker_engine.env["PATH"])),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "LADING_KEY_PASSWORD": PASSWORD,
        "DOCKER_BUILDKIT": "0",
    }
    run = Lading(home, env)
    run.ok("keygen")
    run.ok("keygen", "-o", "stranger")
    return run


@pytest.fixture(scope="session")
def registry_with_password(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The host of a registry in which everybody may read and nobody may write."""
    scratch = tmp_path_factory.mktemp("olareg-auth")
    rules = scratch / "auth.json"  # JSON is YAML
    everybody = {"access": ["read"], "anonymous": True}
    rules.write_text(
        json.dumps({"users": {}, "acls": [{"repo": "", **everybody}, {"repo": "*", **everybody}]})
    )
    with registries.start("olareg", scratch, ["--auth-basic", str(rules)]) as registry:
        yield registry.host


@dataclass(frozen=True, slots=True)
class Released:
    """An image that ``lading build --push`` released, and what it said."""

    name: str
    context: Path
    digest: str
    summary: dict[str, object]
    err: str
    out: str

    @property
    def repository(self) -> str:
        return self.name.rpartition(":")[0]


def release(run: Lading, host: str, name: str, context: Path) -> Released:
    image = f"{host}/{name}"
    summary = run.cwd / f"{context.name}.json"
    ran = run.ok(
        *("build", "--signing-key", "lading.key", "--summary-json", str(summary)),
        *("-t", image, "--push", str(context)),
    )
    document = json.loads(summary.read_text())
    return Released(image, context, document["digest"], document, ran.err, ran.out)


@pytest.fixture(scope="module")
def released(
    lading: Lading, registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Released:
    """The example's models in an image, released to every kind of registry in turn."""
    context = write_context(tmp_path_factory.mktemp("context"))
    return release(lading, registry.host, "acme/svc:1", context)


@pytest.fixture(scope="module")
def released_once(
    lading: Lading, registry_referrers: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Released:
    """The same on one registry, for what does not depend on the registry."""
    context = write_context(tmp_path_factory.mktemp("context"))
    return release(lading, registry_referrers.host, "acme/once:1", context)
