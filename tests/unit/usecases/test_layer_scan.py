"""What a layer may hold: enough for every real one, and an end for those made to exhaust."""

from __future__ import annotations

import io
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import LimitError
from lading.image.overlay import PathRecorder
from lading.image.tar import TarReader
from lading.inventory import PackageFile
from lading.limits import Limits
from lading.usecases import inspect as inspect_module
from lading.usecases import layer_scan
from lading.usecases.inspect import inspect_image
from support.image_stores import docker_archive, tar_of
from support.image_tars import END, entry, header

if TYPE_CHECKING:
    from collections.abc import Callable
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


@pytest.mark.parametrize(
    "last",
    [
        entry(b"m.safetensors", b"no tensors"),
        header(b"m.safetensors", flag=b"2", link=b"/opt/other"),
        header(b"m.safetensors/", flag=b"5"),
        entry(b"m.safetensors", TENSORS + b" " * 8),
    ],
    ids=["file", "link", "directory", "model"],
)
def test_of_a_path_that_a_layer_has_twice_the_last_counts(last: bytes) -> None:
    first = entry(b"m.safetensors", TENSORS)
    digests = [one.sha256 for one in scan(first + last + END).model_files]
    assert digests == [one.sha256 for one in scan(last + END).model_files]
    package = f"{SITE}/p-1.dist-info/METADATA".encode()
    found = scan(entry(package, b"Name: p\n") + entry(package, b"Name: q\n") + END)
    assert [one.content for one in found.package_files] == [b"Name: q\n"]


def test_a_whiteout_is_no_second_entry() -> None:
    assert scan(entry(b"m.safetensors", TENSORS) + header(b".wh.m.safetensors") + END).model_files


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


class TestKeeping:
    CONTENTS = (b"", b"x" * 700_000, b"", bytes(range(256)) * 3000, b"last", b"")

    def scan(self) -> layer_scan.LayerScan:
        files = tuple(
            PackageFile(f"a/{number}", content, size=None if content else number)
            for number, content in enumerate(self.CONTENTS)
        )
        return layer_scan.LayerScan(PathRecorder().result(), 1, (), files)

    def test_package_files_are_kept_whole(self) -> None:
        kept = json.loads(json.dumps(self.scan().to_json()))
        assert layer_scan.LayerScan.from_json(kept).package_files == self.scan().package_files

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data["contents"].pop(),
            lambda data: data["packages"][-2].__setitem__(1, 99),
            lambda data: data["packages"][1].__setitem__(1, 700_001),
            lambda data: data["contents"].__setitem__(0, "AAAA"),
            lambda data: data["contents"].__setitem__(0, "?"),
            lambda data: data.pop("contents"),
        ],
    )
    def test_what_is_damaged_is_no_scan(self, damage: Callable[[dict[str, Any]], object]) -> None:
        data = self.scan().to_json()
        damage(data)
        with pytest.raises((KeyError, TypeError, ValueError, zlib.error)):
            layer_scan.LayerScan.from_json(data)
