"""An image that was built again, whatever changed, has inside what it has without any cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.engine.client import Engine
from lading.image.cache import LayerCache
from lading.image.docker import ARCHIVE, DIRECTORIES, DockerImage
from lading.packages import find_syft
from lading.usecases.attest import make_bom
from lading.usecases.inspect import inspect_image
from lading.usecases.recall import inspect_anew
from support.engines import NAMESPACE
from support.product import MODEL, write_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.inventory import Inspection
    from support.engines import DockerEngine

BASE = f"{NAMESPACE}/rebuilds:base"
SITE = "/usr/lib/python3/dist-packages"
#: What a later build lays on top, and whether contents that were kept hold of it.
CHANGES = {
    "code": ("COPY app.py /srv/app.py", True),
    "code elsewhere": ("RUN mkdir -p /opt/app && echo 'x = 1' >/opt/app/main.py", True),
    "code deleted": ("RUN rm -f /srv/app.py", True),
    "a directory made anew": ("RUN rm -rf /var/tmp && mkdir /var/tmp && touch /var/tmp/x", True),
    "labels alone": ("LABEL built=again", True),
    "a model deleted": (f"RUN rm /srv/{MODEL}", False),
    "models made anew": (
        "RUN rm -rf /srv/models && mkdir /srv/models && touch /srv/models/x",
        False,
    ),
    "a model added": (f"RUN cp /srv/{MODEL} /srv/again.safetensors", False),
    "a model linked": (f"RUN ln /srv/{MODEL} /srv/linked.safetensors", False),
    "a package deleted": (
        "RUN rm -rf /usr/lib/python3/dist-packages/tiny_pkg-1.2.dist-info",
        False,
    ),
    "a package moved": (
        "RUN cd /usr/lib/python3/dist-packages && mv tiny_pkg-1.2.dist-info tiny_pkg-1.3.dist-info",
        False,
    ),
    "a link": ("RUN ln -s models /srv/current", False),
}


@pytest.fixture(scope="module")
def engine(docker_engine: DockerEngine) -> Iterator[Engine]:
    with Engine.connect(docker_engine.env) as connected:
        yield connected


@pytest.fixture(scope="module")
def base(
    docker_engine: DockerEngine, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    context = write_context(tmp_path_factory.mktemp("context"), base=base_image)
    docker_engine.docker("build", "--quiet", "--network=host", "--tag", BASE, str(context))
    yield BASE
    docker_engine.docker("rmi", BASE)


@pytest.mark.parametrize("way", [DIRECTORIES, ARCHIVE])
@pytest.mark.parametrize("change", CHANGES)
def test_it_has_inside_what_it_has_without_a_cache(
    change: str,
    way: str,
    engine: Engine,
    docker_engine: DockerEngine,
    base: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (tmp_path / "app.py").write_text("x = 2\n")
    step, holds = CHANGES[change]
    (tmp_path / "Dockerfile").write_text(f"FROM {base}\n{step}\n")
    image = docker_engine.docker("build", "--quiet", "--network=host", str(tmp_path)).strip()
    layers, results = LayerCache(tmp_path / "l", "test"), LayerCache(tmp_path / "r", "test")

    def anew(name: str) -> Inspection:
        with DockerImage(engine, name, ways=[way]) as opened:
            return inspect_anew(opened, "x", find_syft=find_syft, cache=layers, results=results)

    try:
        anew(base)
        kept = len(list((tmp_path / "r").rglob("*.layer")))
        found = anew(image)
        with DockerImage(engine, image, ways=[way]) as opened:
            alone = inspect_image(opened, "x", find_syft=find_syft)
    finally:
        docker_engine.docker("rmi", image)

    assert make_bom(found) == make_bom(alone)
    assert (len(list((tmp_path / "r").rglob("*.layer"))) == kept) is holds
