"""The container: what names it, and what its source says."""

from __future__ import annotations

from typing import Any

import pytest
from packageurl import PackageURL

from lading import bom
from lading.inventory import Inspection, Package
from support import bom_inspections as samples

MANIFEST = f"sha256:{samples.digest('manifest')}"
CONFIG = f"sha256:{samples.digest('config')}"


def container(**changes: Any) -> dict[str, Any]:
    inspection = Inspection("docker:x", samples.image(**changes))
    document = bom.render(inspection, timestamp=samples.MOMENT)
    bom.validate(document)
    found: dict[str, Any] = document["metadata"]["component"]
    return found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            ("oci", None, "svc", MANIFEST, {"repository_url": "ghcr.io/acme/svc"}),
        ),
        (
            {"name": "debian:13", "repo_digests": ()},
            (
                "oci",
                None,
                "debian",
                MANIFEST,
                {"repository_url": "docker.io/library/debian", "tag": "13"},
            ),
        ),
        (
            {"name": "localhost:5000/a/b/c:1", "repo_digests": ()},
            ("oci", None, "c", MANIFEST, {"repository_url": "localhost:5000/a/b/c", "tag": "1"}),
        ),
        (
            {"name": "/tmp/My Image.tar", "repo_digests": ()},
            ("oci", None, "my-image.tar", MANIFEST, {}),
        ),
        (
            {"name": "docker-archive:demo.tar", "repo_digests": ()},
            ("oci", None, "demo.tar", MANIFEST, {}),
        ),
        (
            {"repo_digests": (f"other.example/x@{CONFIG}",)},
            ("oci", None, "svc", MANIFEST, {"repository_url": "ghcr.io/acme/svc", "tag": "1"}),
        ),
        (
            {"manifest_digest": None, "repo_digests": ()},
            ("docker", "acme", "svc", CONFIG, {"repository_url": "ghcr.io", "tag": "1"}),
        ),
        (
            {"manifest_digest": None, "repo_digests": (), "name": "debian"},
            ("docker", None, "debian", CONFIG, {}),
        ),
    ],
)
def test_purl(changes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    text = container(**changes)["purl"]
    found = PackageURL.from_string(text)
    kind, namespace, name, version, qualifiers = expected
    assert (found.type, found.namespace, found.name, found.version) == (
        kind,
        namespace,
        name,
        version,
    )
    assert found.qualifiers == {"arch": "amd64", "os": "linux", **qualifiers}
    assert found.version == version
    assert version.replace(":", "%3A") in text


def test_digest_names_the_component() -> None:
    found = container()
    assert found["bom-ref"] == f"image:{MANIFEST}"
    assert found["version"] == MANIFEST
    assert found["hashes"] == [{"alg": "SHA-256", "content": samples.digest("manifest")}]
    unpushed = container(manifest_digest=None, repo_digests=())
    assert unpushed["version"] == CONFIG


def test_sha512_digests_are_hashes_too() -> None:
    (found,) = container(manifest_digest="sha512:" + "ab" * 64)["hashes"]
    assert found == {"alg": "SHA-512", "content": "ab" * 64}


def test_what_is_no_digest_makes_neither_hash_nor_purl() -> None:
    found = container(manifest_digest="latest")
    assert "hashes" not in found
    assert "purl" not in found


def test_labels_fill_the_fields_that_cyclonedx_has() -> None:
    found = container()
    assert found["supplier"] == {"name": "Acme Inc."}
    assert found["description"] == "A text classification service"
    assert found["licenses"][0]["license"]["id"] == "Apache-2.0"
    assert found["externalReferences"] == [{"type": "vcs", "url": "https://github.com/acme/svc"}]


def test_layers_are_listed_in_their_order() -> None:
    properties = {one["name"]: one["value"] for one in container()["properties"]}
    found = [properties[f"lading:image:layer:{n:03}:diff-id"] for n in range(3)]
    assert found == [layer.diff_id for layer in samples.LAYERS]
    assert properties["lading:image:layer:001:created-by"] == "RUN pip install"
    assert properties["lading:image:platform"] == "linux/amd64"


def test_the_way_in_leaves_no_trace() -> None:
    """The same image gives the same bytes whether it was read from an engine or an archive."""
    one, two = (
        bom.encode(bom.render(Inspection(target, samples.image()), timestamp=samples.MOMENT))
        for target in ("docker:x", "docker-archive:/home/somebody/x.tar")
    )
    assert one == two


def test_a_directory_has_no_digest_and_is_known_by_its_content() -> None:
    def render(*packages: Package) -> dict[str, Any]:
        image = samples.image(
            name="dir:srv", config_digest="", manifest_digest=None, repo_digests=(), labels={}
        )
        inspection = Inspection("dir:srv", image, packages=packages)
        document = bom.render(inspection, timestamp=samples.MOMENT)
        bom.validate(document)
        return document

    one, two = render(samples.package("a")), render(samples.package("b"))
    subject = one["metadata"]["component"]
    assert (subject["type"], subject["bom-ref"]) == ("file", "directory:dir:srv")
    assert not {"version", "hashes", "purl"} & subject.keys()
    assert one["serialNumber"] == render(samples.package("a"))["serialNumber"]
    assert one["serialNumber"] != two["serialNumber"]
