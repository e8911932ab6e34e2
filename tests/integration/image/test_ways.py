"""Whatever the way to its bytes, the same things are found in an image, in the same layers."""

from __future__ import annotations

import gzip
import json
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import zstandard
from safetensors.numpy import save_file

import parts
from lading.cli.summary import inspection_json
from lading.engine.client import Engine
from lading.image import open_image
from lading.image.docker import ARCHIVE, DIRECTORIES, EXACT_WAYS, SAVE, WAYS, DockerImage
from lading.packages import find_syft
from lading.usecases.attest import make_bom
from lading.usecases.inspect import inspect_image
from lading_oci import mediatypes
from lading_oci.layout import Layout
from lading_oci.manifests import descriptor_json, dump
from lading_oci.references import parse_reference
from lading_oci.registry import open_registry
from support.engines import NAMESPACE
from support.oci_images import describe
from support.product import MODEL, write_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading.image.interface import Image
    from lading_oci.interface import Repository
    from support.engines import DockerEngine
    from support.registries import Registry

NAME = f"{NAMESPACE}/ways:latest"
#: What builds do to lower layers: a directory made anew, a link, a deletion, an update, a change.
DOCKERFILE = """
RUN mkdir -p /srv/again/deep /srv/kept && cp -r /srv/models/* /srv/again/deep && \\
    cp /srv/models/priority.pkl /srv/kept/
RUN rm -rf /srv/again && mkdir -p /srv/again && cp /srv/models/priority.pkl /srv/again/new.pkl
RUN ln /srv/models/ticket-router-tiny/model.safetensors /srv/linked.safetensors
RUN rm /srv/kept/priority.pkl
RUN cd /usr/lib/python3/dist-packages && mv tiny_pkg-1.2.dist-info tiny_pkg-1.3.dist-info && \\
    echo "tiny_pkg-1.3.dist-info/METADATA,," > tiny_pkg-1.3.dist-info/RECORD
RUN rm -rf /srv/kept && ln -s models /srv/kept
RUN rm -rf /srv/models/old && mkdir /srv/models/old && echo none > /srv/models/old/README
COPY changed.safetensors /srv/models/changing.safetensors
"""
COMPRESSED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "plain": ("", bytes),
    "gzip": ("+gzip", gzip.compress),
    "zstd": ("+zstd", lambda body: zstandard.ZstdCompressor().compress(body)),
}


@pytest.fixture(scope="module")
def engine(docker_engine: DockerEngine) -> Iterator[Engine]:
    with Engine.connect(docker_engine.env) as connected:
        yield connected


@pytest.fixture(scope="module")
def image(
    docker_engine: DockerEngine, base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """An image built by docker in which layers hide what lower ones have."""
    context = write_context(tmp_path_factory.mktemp("context"), base=base_image)
    (context / "models" / "old").mkdir()
    for value, name in enumerate(
        ("models/old/model.safetensors", "models/changing.safetensors", "changed.safetensors")
    ):
        save_file({"w": np.full(8, value)}, context / name)
    with (context / "Dockerfile").open("a") as file:
        file.write(DOCKERFILE)
    docker_engine.docker("build", "--quiet", "--network=host", "--tag", NAME, str(context))
    return NAME


@pytest.fixture(scope="module")
def saved(
    docker_engine: DockerEngine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("saved") / "image.tar"
    docker_engine.docker("save", "--output", str(path), image)
    return path


def findings(image: Image, *, layers: bool = True, all_layers: bool = True) -> dict[str, Any]:
    """Return what is found, without what the source alone says."""
    found = inspect_image(image, "x", find_syft=find_syft, all_layers=all_layers)
    document = inspection_json(found)
    wanted = ("models", "datasets", "packages", "findings", "shadowed")
    kept = {key: document[key] for key in wanted}
    return kept if layers else json.loads(json.dumps(kept), object_hook=_without_layer)


def _without_layer(value: dict[str, Any]) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key != "layer"}


def opened(target: str, opener: Callable[[Any], Repository] | None = None) -> dict[str, Any]:
    image = open_image(target, repository_opener=opener)
    try:
        return findings(image)
    finally:
        image.close()


@pytest.fixture(scope="module")
def expected(saved: Path) -> dict[str, Any]:
    """What the archive has; the tests of each part say that it is right."""
    return opened(f"docker-archive:{saved}")


def test_what_there_is_to_find(expected: dict[str, Any]) -> None:
    models = {path: model for model in expected["models"] for path in paths(model)}
    assert set(models) >= {
        "srv/again/new.pkl",
        "srv/models/priority.pkl",
        "srv/models/changing.safetensors",
        f"srv/{MODEL}",
        "srv/linked.safetensors",
    }
    assert models["srv/again/new.pkl"] is models["srv/models/priority.pkl"]
    assert models["srv/linked.safetensors"] is models[f"srv/{MODEL}"]
    assert len(expected["models"]) == 3
    assert {package["purl"] for package in expected["packages"]} >= {"pkg:pypi/tiny-pkg@1.2"}
    hidden = {path: one["how"] for one in expected["shadowed"]["models"] for path in paths(one)}
    assert hidden == {
        "srv/models/old/model.safetensors": "deleted",
        "srv/models/changing.safetensors": "replaced",
    }


def paths(model: dict[str, Any]) -> set[str]:
    files = model["files"]
    return {one["path"] for file in files for one in (file, *file["also_at"])}


@pytest.mark.parametrize("way", [DIRECTORIES, ARCHIVE, SAVE])
def test_from_the_engine(way: str, engine: Engine, image: str, expected: dict[str, Any]) -> None:
    with DockerImage(engine, image, ways=[way]) as opened_image:
        # through the stopped container opaque directories are asked for, layer by layer they
        # cannot be: what lower layers hide is told where the source tells it
        certain = way != ARCHIVE
        found = findings(opened_image, all_layers=certain)
        assert opened_image.how == way
    assert found == (expected if certain else {**expected, "shadowed": None})


def test_the_bom_of_an_image_and_of_its_archive_are_the_same_bytes(
    engine: Engine, image: str, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    documents = []
    for target in (f"docker:{image}", f"docker-archive:{saved}"):
        opened_image = open_image(target, engine=engine)
        documents.append(make_bom(inspect_image(opened_image, target, find_syft=find_syft)))
        opened_image.close()
    assert documents[0] == documents[1]


def test_what_lower_layers_hide_is_asked_for_where_it_is_told(engine: Engine, image: str) -> None:
    for lower, ways in ((True, EXACT_WAYS), (False, WAYS)):
        opened_image = open_image(image, engine=engine, lower_layers=lower)
        assert isinstance(opened_image, DockerImage)
        assert opened_image.ways == ways
        opened_image.close()


@pytest.mark.parametrize("compression", COMPRESSED)
@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive", "registry"])
def test_from_oci_stores(
    kind: str,
    compression: str,
    saved: Path,
    expected: dict[str, Any],
    registry_referrers: Registry,
    tmp_path: Path,
) -> None:
    if kind == "registry":
        reference = parse_reference(f"{registry_referrers.host}/ways:{compression}")
        fill(open_registry(reference), saved, compression)
        assert opened(f"registry:{reference}", open_registry) == expected
        return
    fill(Layout(tmp_path / "layout"), saved, compression)
    target = f"oci-dir:{tmp_path / 'layout'}"
    if kind == "oci-archive":
        archive = tmp_path / "layout.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(tmp_path / "layout", ".")
        target = f"oci-archive:{archive}"
    assert opened(target) == expected


def fill(store: Repository, saved: Path, compression: str) -> None:
    """Push a saved image with its layers as they are, or compressed."""
    suffix, compress = COMPRESSED[compression]
    with tarfile.open(saved) as tar:

        def content(name: str) -> bytes:
            file = tar.extractfile(name)
            assert file is not None
            return file.read()

        (described,) = json.loads(content("manifest.json"))
        config = content(described["Config"])
        layers = []
        for name in described["Layers"]:
            blob = compress(content(name))
            layer = describe(blob, f"application/vnd.oci.image.layer.v1.tar{suffix}")
            store.push_blob(layer, blob)
            layers.append(descriptor_json(layer))
    store.push_blob(describe(config, mediatypes.OCI_CONFIG), config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": mediatypes.OCI_MANIFEST,
        "config": descriptor_json(describe(config, mediatypes.OCI_CONFIG)),
        "layers": layers,
    }
    store.push_manifest(dump(manifest), mediatypes.OCI_MANIFEST, tag=compression)


def test_from_a_compressed_archive(saved: Path, expected: dict[str, Any], tmp_path: Path) -> None:
    archive = tmp_path / "image.tar.gz"
    archive.write_bytes(gzip.compress(saved.read_bytes(), 1))
    assert opened(f"docker-archive:{archive}") == expected


def test_from_a_directory(
    docker_engine: DockerEngine, image: str, saved: Path, tmp_path: Path
) -> None:
    """A container's whole file system has no layers; all else is the same."""
    root = tmp_path / "root"
    root.mkdir()
    container = docker_engine.docker("create", image, "/bin/sh")
    export = [str(parts.require("docker")), "export", container]
    try:
        tar = subprocess.run(export, env=docker_engine.env, capture_output=True, check=True).stdout
    finally:
        docker_engine.docker("rm", container)
    subprocess.run(["tar", "-x", "-C", str(root)], input=tar, check=True)
    of_archive = findings(open_image(f"docker-archive:{saved}"), layers=False, all_layers=False)
    assert findings(open_image(f"dir:{root}"), layers=False, all_layers=False) == of_archive


def test_a_cache_filled_by_one_way_serves_every_other(
    engine: Engine, image: str, saved: Path, expected: dict[str, Any], tmp_path: Path
) -> None:
    """What the stopped container left unclear is not taken for an answer elsewhere."""
    from lading.image.cache import LayerCache

    cache = LayerCache(tmp_path, "test")
    with DockerImage(engine, image, ways=[ARCHIVE]) as uncertain:
        first = inspect_image(uncertain, "x", find_syft=find_syft, cache=cache)
    archive = open_image(f"docker-archive:{saved}")
    again = inspect_image(archive, "x", find_syft=find_syft, cache=cache)
    assert inspection_json(first)["models"] == expected["models"]
    assert inspection_json(again)["models"] == expected["models"]
    # nor is it where what lower layers hide is asked for: those layers are read once more
    with DockerImage(engine, image, ways=[SAVE]) as exact:
        unclear = LayerCache(tmp_path / "unclear", "test")
        with DockerImage(engine, image, ways=[ARCHIVE]) as uncertain:
            inspect_image(uncertain, "x", find_syft=find_syft, cache=unclear)
        whole = inspect_image(exact, "x", find_syft=find_syft, cache=unclear, all_layers=True)
    assert inspection_json(whole)["shadowed"] == expected["shadowed"]
    third = inspect_image(archive, "x", find_syft=find_syft, cache=cache)
    assert all(layer.cached for layer in third.image.layers)
    archive.close()
