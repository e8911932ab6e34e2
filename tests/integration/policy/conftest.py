"""Images in a real registry, signed by ``lading`` as a user runs it; no Docker engine needed."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import parts
from lading_oci import open_registry, parse_reference
from support.oci_images import make_image, push_image
from support.product import PASSWORD, Lading

if TYPE_CHECKING:
    from support.registries import Registry

MODELS = parts.ROOT / "examples" / "ml-service" / "models"


@pytest.fixture(scope="session")
def lading(tmp_path_factory: pytest.TempPathFactory) -> Lading:
    """``lading`` with two key pairs; opa, where it is, is on PATH."""
    home = tmp_path_factory.mktemp("user")
    opa = parts.find("opa")
    path = [str(Path(sys.executable).parent), "/usr/bin", "/bin"]
    env = {
        "PATH": os.pathsep.join([*path, *([str(opa.parent)] if opa else [])]),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LADING_KEY_PASSWORD": PASSWORD,
        "LADING_SIGNING_KEY": str(home / "lading.key"),
        "LADING_KEY": str(home / "lading.pub"),
    }
    run = Lading(home, env)
    run.ok("keygen")
    run.ok("keygen", "-o", "stranger")
    return run


def layer(files: dict[str, bytes]) -> bytes:
    """Return a tar of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def model_files() -> dict[str, bytes]:
    """The example's text classifier: weights, configuration, card."""
    directory = MODELS / "ticket-router-tiny"
    return {
        f"srv/models/ticket-router-tiny/{path.name}": path.read_bytes()
        for path in directory.iterdir()
    }


class Shop:
    """Pushes images to one registry and has ``lading`` attest them."""

    def __init__(self, run: Lading, host: str) -> None:
        self.run, self.host = run, host

    def release(self, name: str, files: dict[str, bytes]) -> str:
        """Push and attest; return the name as ``lading`` takes it."""
        reference = f"{self.host}/{name}"
        repository = open_registry(parse_reference(reference))
        push_image(repository, make_image(name, layer=layer(files)), tag=name.partition(":")[2])
        self.run.ok("attest", f"registry:{reference}")
        return f"registry:{reference}"


@pytest.fixture(scope="session")
def shop(lading: Lading, registry_referrers: Registry) -> Shop:
    return Shop(lading, registry_referrers.host)
