"""What a layer may hold: enough for every real one, and an end for those made to exhaust."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from lading.errors import LimitError
from lading.image.tar import TarReader
from lading.limits import Limits
from lading.usecases import inspect as inspect_module
from lading.usecases import layer_scan
from lading.usecases.inspect import inspect_image
from support.image_stores import docker_archive, tar_of

if TYPE_CHECKING:
    from pathlib import Path

SITE = "usr/lib/python3/dist-packages"
TENSORS = (2).to_bytes(8, "little") + b"{}"


def scan(content: bytes) -> layer_scan.LayerScan:
    return layer_scan.scan_layer(iter(TarReader(io.BytesIO(content), where="test")))


def metadata(count: int) -> bytes:
    return tar_of({f"{SITE}/p{at}-1.dist-info/METADATA": b"Name: p\n" for at in range(count)})


@pytest.mark.parametrize(
    ("content", "limits", "problem"),
    [
        (metadata(4), Limits(package_files=3), "too many package files"),
        (metadata(4), Limits(package_bytes=31), "too many bytes of package files"),
        (
            tar_of({f"{at}.safetensors": TENSORS for at in range(4)}),
            Limits(model_files=3),
            "too many model files",
        ),
    ],
)
def test_a_layer_of_too_much(
    content: bytes, limits: Limits, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scan(content)
    assert len(found.package_files) + len(found.model_files) == 4
    monkeypatch.setattr(layer_scan, "LIMITS", limits)
    with pytest.raises(LimitError, match=problem):
        scan(content)


def test_layers_of_too_much_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lading.image import open_image

    path = tmp_path / "a.tar"
    path.write_bytes(docker_archive([metadata(4), metadata(3)]))
    image = open_image(f"docker-archive:{path}")
    monkeypatch.setattr(inspect_module, "LIMITS", Limits(package_bytes=8 * 7))
    assert len(inspect_image(image, "x", find_syft=pytest.fail).packages) == 4
    monkeypatch.setattr(inspect_module, "LIMITS", Limits(package_bytes=8 * 7 - 1))
    with pytest.raises(LimitError, match="the image has too many bytes"):
        inspect_image(image, "x", find_syft=pytest.fail)
    image.close()
