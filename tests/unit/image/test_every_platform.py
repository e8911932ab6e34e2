"""Every platform of a layout: indexes gone down into, attestations left out, all bounded."""

from __future__ import annotations

import contextlib
import gc
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from lading.errors import InputError, LimitError
from lading.image import layout, oci, open_every, open_image
from lading.image.archive import ArchiveFile
from lading.limits import Limits
from lading_oci import mediatypes
from lading_oci.manifests import descriptor_json, index_manifest
from support.image_stores import attested_layout, tar_of

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.layout import Layout


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.chdir(tmp_path)
    images = {"amd64": tar_of({"one": b"1"}), "arm64": tar_of({"two": b"2"})}
    return attested_layout(tmp_path / "both", images)


def test_an_archive_is_opened_once_and_closed_with_its_last_image(
    store: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(tmp_path / "both.tar", "w:gz") as tar:
        tar.add(tmp_path / "both", arcname=".")
    opened: list[ArchiveFile] = []

    class Noted(ArchiveFile):
        def __init__(self, path: Path) -> None:
            super().__init__(path)
            opened.append(self)

    monkeypatch.setattr(layout, "ArchiveFile", Noted)
    images = list(open_every("oci-archive:both.tar:1"))
    (archive,) = opened
    for image in images:
        assert archive._descriptor >= 0
        image.scan(list, [layer.diff_id for layer in image.facts.layers])
        image.close()
        image.close()
    assert archive._descriptor < 0
    for image in open_every("oci-archive:both.tar:1"):
        image.close()
        break
    gc.collect()
    assert all(one._descriptor < 0 for one in opened)


@pytest.mark.parametrize("how", ["oci-dir", "oci-archive"])
def test_each_platform_is_opened_in_turn(how: str, store: Layout, tmp_path: Path) -> None:
    target = "oci-dir:both:1"
    if how == "oci-archive":
        target = "oci-archive:both.tar:1"
        with tarfile.open(tmp_path / "both.tar", "w") as tar:
            tar.add(tmp_path / "both", arcname=".")
    found = {}
    for image in open_every(target):
        (layer,) = image.facts.layers
        read = image.scan(lambda entries: [entry.path for entry in entries], [layer.diff_id])
        found[str(image.facts.platform)] = read[layer.diff_id]
        image.close()
    assert found == {"linux/amd64": ["one"], "linux/arm64": ["two"]}


def test_platforms_are_bounded(store: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as bounded:
        bounded.setattr(oci, "LIMITS", Limits(image_platforms=2))  # the index counts, too
        with pytest.raises(LimitError, match="too many platforms"):
            list(open_every("oci-dir:both:1"))
    nested = store.resolve("1")
    for _ in range(Limits().image_index_depth + 1):
        content = index_manifest([descriptor_json(nested)])
        nested = store.push_manifest(content, mediatypes.OCI_INDEX, tag="deep")
    with pytest.raises(LimitError, match="nested too deeply"):
        list(open_every("oci-dir:both:deep"))


def test_nested_indexes_are_opened_and_a_manifest_counts_once(store: Layout) -> None:
    inner = descriptor_json(store.resolve("1"))
    images = json.loads(store.manifest("only-images").content)["manifests"]
    content = index_manifest([inner, *images])
    outer = store.push_manifest(content, mediatypes.OCI_INDEX, tag="outer")
    facts = []
    for image in open_every("oci-dir:both:outer"):
        facts.append(image.facts)
        image.close()
    assert [str(one.platform) for one in facts] == ["linux/amd64", "linux/arm64"]
    assert {one.index_digest for one in facts} == {outer.digest}


def test_one_platform_is_chosen_among_indexes_that_do_not_tell_theirs(
    store: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = json.loads(store.manifest("only-images").content)["manifests"]
    for _ in range(2):  # each image in an index of its own, and those in another
        inner = [
            descriptor_json(store.push_manifest(index_manifest([one]), mediatypes.OCI_INDEX))
            for one in images
        ]
        images = [{key: one[key] for key in ("mediaType", "digest", "size")} for one in inner]
    outer = store.push_manifest(index_manifest(images), mediatypes.OCI_INDEX, tag="apart")
    for platform in ("linux/amd64", "linux/arm64"):
        with contextlib.closing(open_image("oci-dir:both:apart", platform=platform)) as image:
            assert str(image.facts.platform) == platform
            assert image.facts.index_digest == outer.digest
    with pytest.raises(InputError, match="no image for the platform"):
        open_image("oci-dir:both:apart", platform="linux/s390x")
    monkeypatch.setattr(oci, "LIMITS", Limits(image_platforms=1))
    with pytest.raises(LimitError, match="too many platforms"):
        open_image("oci-dir:both:apart", platform="linux/amd64")


def test_a_layout_without_an_image_is_refused(store: Layout) -> None:
    store.push_manifest(index_manifest([]), mediatypes.OCI_INDEX, tag="empty")
    with pytest.raises(InputError, match="no image for any platform"):
        list(open_every("oci-dir:both:empty"))
    with pytest.raises(InputError, match="no such file"):
        open_every("oci-dir:nowhere")
