"""Which of its names a file was read under first is left to the order of whoever wrote the tar."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import save

from lading.cli.summary import inspection_json
from lading.image import open_image
from lading.packages import find_syft
from lading.usecases.inspect import inspect_image
from support.image_stores import docker_archive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WEIGHTS = save({"w": np.zeros(4, np.float32)})
CONFIG = b'{"model_type": "bert", "architectures": ["BertModel"]}'


def linked(content: bytes, names: Sequence[str]) -> bytes:
    """Return a layer with a file, and hard links to it under further names."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        first = tarfile.TarInfo(names[0])
        first.size = len(content)
        tar.addfile(first, io.BytesIO(content))
        for name in names[1:]:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.LNKTYPE, names[0]
            tar.addfile(link)
    return out.getvalue()


def models_of(path: Path, *layers: bytes) -> Any:
    path.write_bytes(docker_archive(layers))
    image = open_image(f"docker-archive:{path}")
    try:
        found = inspection_json(inspect_image(image, "x", find_syft=find_syft))["models"]
    finally:
        image.close()
    return json.loads(json.dumps(found), object_hook=without_layer)


def without_layer(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what the order of a tar does change."""
    return {key: inner for key, inner in value.items() if key != "layer"}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (WEIGHTS, ("srv/one.safetensors", "srv/two.safetensors", "opt/three.safetensors")),
        (CONFIG, ("srv/config.json", "other/config.json")),
    ],
    ids=["weights", "config"],
)
def test_the_order_of_names_is_no_fact(
    content: bytes, names: tuple[str, ...], tmp_path: Path
) -> None:
    weights = linked(WEIGHTS, ("srv/model.safetensors",))
    found = models_of(tmp_path / "a.tar", weights, linked(content, names))
    assert found == models_of(tmp_path / "b.tar", weights, linked(content, names[::-1])) != []
    paths = {file["path"] for model in found for file in model["files"]}
    said = {fact["where"].partition(":")[0] for one in found for fact in one["facts"].values()}
    assert said <= paths
