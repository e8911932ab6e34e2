"""An image is pushed and attested under every name, and nothing of it before its BOM is good."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX, SLSA_VSA_V1
from lading.errors import InputError
from lading.usecases import attest
from lading.usecases.release import (
    Attesting,
    Timings,
    attest_everywhere,
    attest_local,
    only_push,
    push_and_attest,
)
from lading_oci.layout import Layout
from lading_oci.references import parse_reference
from support import bom_inspections as samples
from support.attest_samples import signer
from support.oci_images import Image, make_image, push_image, push_index

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.references import Reference

NAMES = [
    parse_reference(name) for name in ("r.example/svc:1", "r.example/svc:2", "other.example/svc:1")
]
IMAGE = make_image("svc")


class Shop:
    """Two registries, and an engine that pushes to them."""

    def __init__(self, place: Path) -> None:
        self.stores = {name: Layout(place / name) for name in ("r.example", "other.example")}
        self.pushed: list[str] = []
        self.how = Attesting(signer(), self.open, Timings())

    def open(self, reference: Reference) -> Layout:
        return self.stores[reference.registry]

    def push(self, reference: Reference) -> str:
        self.pushed.append(reference.familiar())
        return push_image(self.open(reference), IMAGE, tag=reference.tag).digest

    def attached(self, digest: str) -> list[int]:
        return [len(store.referrers(digest)) for store in self.stores.values()]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def pinned(image: Image) -> list[str]:
    return [str(name.with_digest(image.descriptor.digest)) for name in NAMES]


def test_every_name_is_pushed_and_every_repository_attested_once(shop: Shop) -> None:
    release = push_and_attest(NAMES, samples.full(), shop.how, shop.push)

    assert shop.pushed == [name.familiar() for name in NAMES]
    assert list(release.pushed) == pinned(IMAGE)
    assert shop.attached(IMAGE.descriptor.digest) == [2, 2]
    assert [one.predicate_type for one in release.attestations] == [CYCLONEDX, SLSA_VSA_V1] * 2
    assert release.inspection.image.manifest_digest == IMAGE.descriptor.digest
    assert list(release.timings) == ["bom", "push", "sign and attach"]


def test_what_is_only_pushed_has_names_and_a_bom_and_no_attestation(shop: Shop) -> None:
    release = only_push(NAMES, samples.full(), shop.push, Timings())

    assert (list(release.pushed), release.attestations) == (pinned(IMAGE), ())
    assert release.document.startswith(b"{")
    assert shop.attached(IMAGE.descriptor.digest) == [0, 0]


def test_nothing_is_pushed_when_the_bom_cannot_be_attested(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attest, "LIMITS", dataclasses.replace(attest.LIMITS, bundle=100))
    for call in (
        lambda: push_and_attest(NAMES, samples.full(), shop.how, shop.push),
        lambda: only_push(NAMES, samples.full(), shop.push, Timings()),
    ):
        with pytest.raises(InputError, match="too big"):
            call()
    assert shop.pushed == []


def test_an_engine_that_pushes_other_platforms_too_is_no_whole_release(shop: Shop) -> None:
    def push(reference: Reference) -> str:
        both = {
            "linux/amd64": make_image("a"),
            "linux/arm64": make_image("b", architecture="arm64"),
        }
        return push_index(shop.open(reference), both, tag=reference.tag).digest

    with pytest.raises(InputError, match="several platforms") as caught:
        push_and_attest(NAMES, samples.full(), shop.how, push)
    assert caught.value.got == "2 platforms"
    assert shop.attached(str(caught.value.where).partition("@")[2]) == [0, 0]


def test_evidence_may_be_kept_elsewhere(shop: Shop, tmp_path: Path) -> None:
    for name in NAMES:
        shop.push(name)
    elsewhere = Layout(tmp_path / "evidence")
    facts = samples.image(manifest_digest=IMAGE.descriptor.digest, index_digest=None)
    known = dataclasses.replace(samples.full(), image=facts)
    how = dataclasses.replace(shop.how, evidence=elsewhere)

    release = attest_everywhere(NAMES, known, how)

    assert list(release.pushed) == pinned(IMAGE)
    assert shop.attached(IMAGE.descriptor.digest) == [0, 0]
    assert len({one.referrer for one in release.attestations}) == 4  # each repository's own
    assert all(elsewhere.manifest(one.referrer) for one in release.attestations)


def test_an_image_that_no_registry_has_is_attested_by_its_configuration(
    shop: Shop, tmp_path: Path
) -> None:
    facts = samples.image(manifest_digest=None, repo_digests=())
    inspection = dataclasses.replace(samples.full(), image=facts)

    release = attest_local("svc:1", inspection, shop.how, Layout(tmp_path / "evidence"))

    assert release.subjects == (facts.config_digest,)
    assert len(release.attestations) == 2
    assert release.pushed == ()
