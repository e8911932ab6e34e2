"""Images as archives and layouts on disk, made byte by byte, whole and broken."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

from lading.image import open_image
from lading_oci import mediatypes
from lading_oci.digest import digest_of
from lading_oci.layout import Layout
from lading_oci.manifests import descriptor_json, dump, index_manifest
from support.oci_images import LAYER, describe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from lading.image.interface import Entry

__all__ = [
    "ONE",
    "TWO",
    "attested_layout",
    "config_of",
    "docker_archive",
    "layout",
    "names",
    "scanned",
    "tar_of",
    "write",
]


def tar_of(files: Mapping[str, bytes], links: Mapping[str, str] = {}) -> bytes:
    """Return a tar of files, then of symbolic links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


def config_of(layers: Sequence[bytes], architecture: str = "amd64") -> bytes:
    """Return an image configuration for layers that are plain tars."""
    diff_ids = [digest_of(layer) for layer in layers]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    return json.dumps({"architecture": architecture, "os": "linux", "rootfs": rootfs}).encode()


def docker_archive(
    *images: Sequence[bytes],
    manifest: object = None,
    replaced: Mapping[str, bytes | None] = {},
) -> bytes:
    """Return what ``docker save`` writes of images named ``img0:1``, ``img1:1`` …

    ``manifest`` takes the place of ``manifest.json``'s value, ``replaced`` that of files (None:
    left out).
    """
    files: dict[str, bytes | None] = {}
    listed = []
    for number, layers in enumerate(images):
        names = [f"{number}-{at}/layer.tar" for at in range(len(layers))]
        files |= dict(zip(names, layers, strict=True))
        files[f"{number}.json"] = config_of(layers)
        listed.append({"Config": f"{number}.json", "RepoTags": [f"img{number}:1"], "Layers": names})
    files["manifest.json"] = json.dumps(listed if manifest is None else manifest).encode()
    files |= replaced
    return tar_of({name: content for name, content in files.items() if content is not None})


def layout(path: Path, images: Mapping[str, bytes], *, tag: str = "1", **changed: Any) -> Layout:
    """Write a layout with an index of one-layer images by architecture; ``changed`` manifests."""
    store = Layout(path)
    entries = []
    for architecture, layer in images.items():
        config = config_of([layer], architecture)
        for content, kind in ((config, mediatypes.OCI_CONFIG), (layer, LAYER)):
            store.push_blob(describe(content, kind), content)
        manifest = dump(
            {
                "schemaVersion": 2,
                "mediaType": mediatypes.OCI_MANIFEST,
                "config": descriptor_json(describe(config, mediatypes.OCI_CONFIG)),
                "layers": [descriptor_json(describe(layer, LAYER))],
                **changed,
            }
        )
        store.push_blob(describe(manifest, mediatypes.OCI_MANIFEST), manifest)
        entry = descriptor_json(describe(manifest, mediatypes.OCI_MANIFEST))
        entries.append({**entry, "platform": {"os": "linux", "architecture": architecture}})
    store.push_manifest(index_manifest(entries), mediatypes.OCI_INDEX, tag=tag)
    return store


def attested_layout(path: Path, images: Mapping[str, bytes]) -> Layout:
    """Write a layout as BuildKit does: tag ``1`` lists an attestation, ``only-images`` none."""
    made = layout(path, images, tag="only-images")
    index = json.loads(made.manifest("only-images").content)
    statement = b'{"schemaVersion": 2, "layers": []}'
    described = describe(statement, mediatypes.OCI_MANIFEST)
    made.push_blob(described, statement)
    attestation = {
        **descriptor_json(described),
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    made.push_manifest(
        index_manifest([*index["manifests"], attestation]), mediatypes.OCI_INDEX, tag="1"
    )
    return made


ONE = tar_of({"one": b"1"})
TWO = tar_of({"two": b"2"})


def names(entries: Iterator[Entry]) -> list[str]:
    return [entry.path for entry in entries]


def scanned(target: str, platform: str | None = None) -> list[list[str]]:
    """Return the names in each layer, lowest first."""
    image = open_image(target, platform=platform)
    try:
        diff_ids = [layer.diff_id for layer in image.facts.layers]
        told: dict[str, list[str]] = {}
        found = image.scan(names, diff_ids, told.__setitem__)
        assert found == told
        return [found[diff_id] for diff_id in diff_ids]
    finally:
        image.close()
        image.close()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
