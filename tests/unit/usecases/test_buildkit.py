"""BuildKit's own attestations in an index: read, referenced, and never more than that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.usecases.buildkit import Material, read_attestations
from lading.usecases.digests import platform_manifests
from lading_oci import mediatypes
from lading_oci.errors import OciError
from lading_oci.layout import Layout
from lading_oci.manifests import descriptor_json, dump, index_manifest
from support.oci_images import describe, make_image, push_image

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor

IN_TOTO = "application/vnd.in-toto+json"
BASE = {"uri": "pkg:docker/debian@12?platform=linux%2Famd64", "digest": {"sha256": "d" * 64}}
PROVENANCE = {
    "_type": "https://in-toto.io/Statement/v0.1",
    "predicateType": "https://slsa.dev/provenance/v0.2",
    "predicate": {"materials": [BASE]},
}


def _statement(store: Layout, content: bytes, kind: str) -> dict[str, Any]:
    blob = describe(content, IN_TOTO)
    store.push_blob(blob, content)
    return {**descriptor_json(blob), "annotations": {"in-toto.io/predicate-type": kind}}


def _index(store: Layout, *layers: dict[str, Any]) -> tuple[Descriptor, Descriptor]:
    """Push an index as buildx does: an image, and its attestations beside it."""
    image = push_image(store, make_image("one"))
    config = b"{}"
    store.push_blob(describe(config, mediatypes.OCI_CONFIG), config)
    attestations = store.push_manifest(
        dump(
            {
                "schemaVersion": 2,
                "mediaType": mediatypes.OCI_MANIFEST,
                "config": descriptor_json(describe(config, mediatypes.OCI_CONFIG)),
                "layers": list(layers),
            }
        ),
        mediatypes.OCI_MANIFEST,
    )
    entries = [
        {**descriptor_json(image), "platform": {"os": "linux", "architecture": "amd64"}},
        {
            **descriptor_json(attestations),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": image.digest,
            },
        },
    ]
    return store.push_manifest(index_manifest(entries), mediatypes.OCI_INDEX), image


def test_provenance_and_sbom_are_referenced_and_materials_read(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    sbom = _statement(store, b'{"predicate":{}}', "https://spdx.dev/Document")
    made = _statement(store, json.dumps(PROVENANCE).encode(), "https://slsa.dev/provenance/v0.2")
    index, image = _index(store, sbom, made)

    found = read_attestations(store, index.digest)

    assert [(one.predicate_type, one.about) for one in found] == [
        ("https://spdx.dev/Document", image.digest),
        ("https://slsa.dev/provenance/v0.2", image.digest),
    ]
    assert [one.blob.digest for one in found] == [sbom["digest"], made["digest"]]
    assert found[1].materials == (Material(BASE["uri"], {"sha256": "d" * 64}),)


def test_they_are_no_platforms(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    index, image = _index(store)

    assert platform_manifests(store, index.digest) == (image.digest,)


def test_broken_provenance_is_referenced_all_the_same(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    index, _ = _index(store, _statement(store, b'{"a":1,"a":2}', "https://slsa.dev/provenance/v1"))

    (found,) = read_attestations(store, index.digest)

    assert found.materials == ()


def test_other_layers_are_passed_by(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    other = descriptor_json(describe(b"text", "text/plain"))

    assert read_attestations(store, _index(store, other)[0].digest) == ()


def test_a_layer_that_is_no_descriptor_is_refused(tmp_path: Path) -> None:
    store = Layout(tmp_path)
    index, _ = _index(store, {"mediaType": IN_TOTO})

    with pytest.raises(OciError):
        read_attestations(store, index.digest)


def test_an_image_that_is_no_index_has_none(tmp_path: Path) -> None:
    store = Layout(tmp_path)

    assert read_attestations(store, push_image(store, make_image("one")).digest) == ()
