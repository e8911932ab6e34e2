"""Layouts that hold images: whole ones are read, broken ones are refused by name."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import InputError, LimitError
from lading.image import open_every, open_image
from lading_oci.digest import digest_of
from lading_oci.layout import Layout
from lading_oci.manifests import descriptor_json
from support.image_stores import ONE, TWO, config_of, layout, scanned
from support.oci_images import LAYER, describe

if TYPE_CHECKING:
    from pathlib import Path


def archived(path: Path) -> Path:
    out = path.with_suffix(".tar")
    with tarfile.open(out, "w") as tar:
        tar.add(path, ".")
    return out


@pytest.mark.parametrize(
    ("annotations", "name"),
    [
        ({"org.opencontainers.image.ref.name": "1"}, None),
        ({"org.opencontainers.image.ref.name": "ghcr.io/acme/svc:1"}, "ghcr.io/acme/svc:1"),
        (
            {
                "org.opencontainers.image.ref.name": "1",
                "io.containerd.image.name": "docker.io/library/svc:1",
            },
            "svc:1",
        ),
        ({"io.containerd.image.name": "NOT/A NAME"}, None),
        ({}, None),
    ],
)
def test_an_image_in_a_layout_has_its_own_name(
    tmp_path: Path, annotations: dict[str, str], name: str | None
) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE})
    index = json.loads((path / "index.json").read_text())
    for entry in index["manifests"]:
        entry["annotations"] = annotations
    (path / "index.json").write_text(json.dumps(index))
    image = open_image(f"oci-dir:{path}", platform="linux/amd64")
    assert image.facts.name == (name or f"oci-dir:{path}")
    image.close()
    for one in open_every(f"oci-dir:{path}"):
        assert one.facts.name == image.facts.name
        one.close()


@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive"])
def test_a_layout_of_two_platforms(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE, "arm64": TWO})
    place = path if kind == "oci-dir" else archived(path)
    assert scanned(f"{kind}:{place}", "linux/arm64") == [["two"]]
    assert scanned(f"{kind}:{place}:1", "linux/amd64") == [["one"]]
    with pytest.raises(InputError, match="platform"):
        scanned(f"{kind}:{place}", "linux/s390x")
    with pytest.raises(InputError, match="no such image"):
        scanned(f"{kind}:{place}:2")


@pytest.mark.parametrize("kind", ["oci-dir", "oci-archive"])
def test_a_blob_that_is_not_what_its_name_says(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE})
    blob = path / "blobs" / "sha256" / digest_of(ONE)[7:]
    blob.chmod(0o644)
    blob.write_bytes(TWO)
    with pytest.raises(InputError, match="not those that their descriptor promises"):
        scanned(f"{kind}:{path if kind == 'oci-dir' else archived(path)}", "linux/amd64")


@pytest.mark.parametrize("kind", ["manifest", "blob", "index", "no index"])
def test_an_archive_of_a_layout_that_lacks_something(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE})
    blobs = path / "blobs" / "sha256"
    if kind == "blob":
        (blobs / digest_of(ONE)[7:]).unlink()
    elif kind == "manifest":
        for blob in blobs.iterdir():
            if b'"layers"' in blob.read_bytes():
                blob.write_bytes(b"{}")
    elif kind == "index":
        (path / "index.json").write_text('{"manifests": 3}')
    else:
        (path / "index.json").unlink()
    with pytest.raises(InputError):
        scanned(f"oci-archive:{archived(path)}", "linux/amd64")
    with pytest.raises(InputError):
        scanned(f"oci-dir:{path}", "linux/amd64")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"layers": []}, "do not fit"),
        ({"schemaVersion": 1}, "kind that lading does not read"),
        ({"layers": 7}, "a"),
        ({"config": {"mediaType": "x", "digest": "sha256:1", "size": 1}}, "a"),
    ],
)
def test_a_manifest_that_is_no_images(
    tmp_path: Path, changed: dict[str, Any], problem: str
) -> None:
    layout(tmp_path / "l", {"amd64": ONE}, **changed)
    with pytest.raises(InputError, match=problem):
        scanned(f"oci-dir:{tmp_path / 'l'}", "linux/amd64")


def other_config(path: Path, kind: str) -> dict[str, Any]:
    store = Layout(path)
    described = describe(b'{"name": "chart"}', kind)
    store.push_blob(described, b'{"name": "chart"}')
    return {"config": descriptor_json(described)}


@pytest.mark.parametrize(
    ("kind", "more", "got"),
    [
        ("application/vnd.cncf.helm.config.v1+json", {}, "helm.config"),
        ("application/vnd.oci.empty.v1+json", {"artifactType": "text/sarif"}, "text/sarif"),
    ],
)
def test_an_artifact_is_no_image(tmp_path: Path, kind: str, more: dict[str, str], got: str) -> None:
    path = tmp_path / "l"
    layout(path, {"amd64": ONE}, **other_config(path, kind), **more)
    with pytest.raises(InputError, match="an artifact, not a container image") as caught:
        scanned(f"oci-dir:{path}", "linux/amd64")
    assert got in str(caught.value.got)


def test_an_image_of_a_type_of_its_own_is_one(tmp_path: Path) -> None:
    path, config = tmp_path / "l", describe(config_of([ONE]), "application/vnd.acme.image+json")
    Layout(path).push_blob(config, config_of([ONE]))
    layout(path, {"amd64": ONE}, config=descriptor_json(config), artifactType="application/x")
    assert scanned(f"oci-dir:{path}", "linux/amd64") == [["one"]]


def test_a_foreign_layer_is_told_from_a_lost_one(tmp_path: Path) -> None:
    path, layer = tmp_path / "l", describe(ONE, f"{LAYER}.foreign.diff")
    layout(path, {"amd64": ONE}, layers=[descriptor_json(layer)])
    lost = path / "blobs" / layer.digest.replace(":", "/")
    lost.unlink()
    with pytest.raises(InputError, match="foreign layer"):
        scanned(f"oci-dir:{path}", "linux/amd64")
    layout(path, {"amd64": ONE}, tag="2")
    lost.unlink()
    with pytest.raises(InputError, match="the layout does not have"):
        scanned(f"oci-dir:{path}:2", "linux/amd64")


def test_which_image_of_a_layout_must_be_clear(tmp_path: Path) -> None:
    layout(tmp_path / "l", {"amd64": ONE}, tag="1")
    layout(tmp_path / "l", {"amd64": TWO}, tag="2")
    assert scanned(f"oci-dir:{tmp_path / 'l'}:2", "linux/amd64") == [["two"]]
    with pytest.raises(InputError, match="not clear") as caught:
        scanned(f"oci-dir:{tmp_path / 'l'}")
    assert caught.value.got == "images named 1, 2"


def test_indexes_within_indexes_end(tmp_path: Path) -> None:
    store = Layout(tmp_path / "l")
    inner = layout(tmp_path / "l", {"amd64": ONE}).resolve("1")
    for depth in range(6):
        body = {
            "schemaVersion": 2,
            "mediaType": inner.media_type,
            "manifests": [
                {"mediaType": inner.media_type, "digest": inner.digest, "size": inner.size}
            ],
        }
        inner = store.push_manifest(json.dumps(body).encode(), inner.media_type, tag=f"d{depth}")
    assert scanned(f"oci-dir:{tmp_path / 'l'}:d1", "linux/amd64") == [["one"]]
    with pytest.raises(LimitError, match="nested"):
        scanned(f"oci-dir:{tmp_path / 'l'}:d5", "linux/amd64")
