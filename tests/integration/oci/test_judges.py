"""After each operation, oras, crane, regctl and cosign see the referrers that we see."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX
from lading.attest.statement import Subject, build_statement
from lading.usecases.attest import attach_statement
from lading_oci import Layout, copy_image
from support import oci_judges as judges
from support.attest_samples import pair, signer
from support.oci_images import make_image, push_image
from support.oci_stores import open_at

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor, Repository
    from lading_oci.registry import RegistryRepository
    from support.registries import Registry

pytestmark = pytest.mark.interop

OTHER = "application/vnd.example.report+json"
_numbers = itertools.count()


def sign(repository: Repository, subject: Descriptor, number: int) -> None:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": number}
    attach_statement(
        build_statement([Subject("svc", dict([subject.digest.split(":")]))], CYCLONEDX, document),
        CYCLONEDX,
        signer=signer(),
        store=repository,
        subject=subject,
        now=datetime(2026, 1, number, tzinfo=UTC),
    )


def attach_other(repository: Repository, subject: Descriptor) -> None:
    repository.attach(
        subject,
        b"{}",
        artifact_type=OTHER,
        blob_media_type=OTHER,
        annotations={"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    )


class Court:
    """All judges over one registry."""

    def __init__(self, registry: Registry, home: Path) -> None:
        # After its 405, oras and cosign do not look for the referrers tag; the other two do.
        self.all_look = registry.kind != "olareg-without-referrers"
        self.registry = registry
        self.home = home
        self.key = home / "alice.pub"
        self.key.write_bytes(pair().public_pem)

    def needs_oras(self) -> None:
        if not self.all_look:
            pytest.skip("oras does not look for the referrers tag after a 405")

    def repository(self) -> RegistryRepository:
        return open_at(self.registry.host, f"judged/n{next(_numbers)}")

    def agrees(self, repository: Repository, subject: Descriptor, *, boms: int, all_: int) -> None:
        """Hold every judge's list against ours."""
        image = f"{repository.name}@{subject.digest}"
        ours = repository.referrers(subject.digest)
        digests = {one.digest for one in ours}
        assert len(digests) == all_
        assert judges.regctl_sees(self.home, self.registry.host, image) == digests
        for one in digests:
            manifest = judges.crane_manifest(self.home, f"{repository.name}@{one}")
            assert manifest["subject"]["digest"] == subject.digest
        bundles = {one.digest for one in ours if one.artifact_type != OTHER}
        assert len(bundles) == boms
        if self.all_look:
            assert judges.oras_sees(self.home, image) == digests
            assert judges.cosign_tree(self.home, image) >= bundles
            assert judges.cosign_verify(self.home, image, self.key, "cyclonedx") == boms


def test_they_see_what_we_attach_and_copy(registry: Registry, tmp_path: Path) -> None:
    court = Court(registry, tmp_path)
    first = court.repository()
    image = push_image(first, make_image("judged"), tag="v1")
    sign(first, image, 1)
    court.agrees(first, image, boms=1, all_=1)
    sign(first, image, 2)
    attach_other(first, image)
    court.agrees(first, image, boms=2, all_=3)

    second = court.repository()
    copy_image(first, "v1", second, tag="v1")
    court.agrees(second, image, boms=2, all_=3)

    layout = Layout(tmp_path / "layout")
    copy_image(second, "v1", layout, tag="v1")
    ours = {one.digest for one in layout.referrers(image.digest)}
    assert judges.oras_sees(tmp_path, f"{layout.path}:v1", layout=True) == ours
    seen = judges.regctl_sees(tmp_path, registry.host, f"ocidir://{layout.path}:v1")
    assert seen == ours
    third = court.repository()
    copy_image(layout, "v1", third, tag="v1")
    court.agrees(third, image, boms=2, all_=3)


def test_we_see_what_they_attach_and_lose_none_of_it(registry: Registry, tmp_path: Path) -> None:
    court = Court(registry, tmp_path)
    court.needs_oras()
    repository = court.repository()
    image = push_image(repository, make_image("theirs"), tag="v1")
    theirs = judges.oras_attach(tmp_path, f"{repository.name}:v1", OTHER)
    assert [one.digest for one in repository.referrers(image.digest)] == [theirs]
    sign(repository, image, 1)
    court.agrees(repository, image, boms=1, all_=2)
    also = judges.oras_attach(
        tmp_path, f"{repository.name}:v1", "application/vnd.example.other+json"
    )
    found = {one.digest for one in repository.referrers(image.digest)}
    assert {theirs, also} <= found


def test_oras_copies_our_layout_whole(registry: Registry, tmp_path: Path) -> None:
    court = Court(registry, tmp_path)
    court.needs_oras()
    layout = Layout(tmp_path / "layout")
    image = push_image(layout, make_image("carried"), tag="v1")
    sign(layout, image, 1)
    repository = court.repository()
    judges.run(
        tmp_path,
        "oras",
        *("copy", "--recursive", "--from-oci-layout", f"{layout.path}:v1"),
        *("--to-plain-http", f"{repository.name}:v1"),
    )
    court.agrees(repository, image, boms=1, all_=1)
