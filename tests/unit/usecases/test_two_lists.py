"""A registry that got the referrers API late: what is older is under the referrers tag alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX
from lading.attest.statement import Subject, build_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import NoAttestation, VerificationError
from lading.hub import Scope, open_source, parse_target
from lading.inventory import ImageFacts, Inspection, Model, ModelFile, Platform, Role
from lading.usecases.attest import attach_statement
from lading.usecases.attest_source import attest_source
from lading.usecases.download import download, download_unverified
from lading.usecases.locate import Located, Place
from lading.usecases.match import load_attested
from lading.usecases.verify import Demands, Verification, verify_located
from lading.usecases.verify_source import Wanted, verify_source
from lading_oci.layout import Layout
from support.attest_samples import public, signer
from support.oci_images import make_image, push_image

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor

NAME = "registry.example/acme/svc"
REPORT = "application/vnd.example.report+json"


class Upgraded(Layout):
    """Lists what ``indexed`` names; all of it, where the tag is read too."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.indexed: set[str] = set()
        self.asked: list[bool] = []

    def referrers(
        self, digest: str, *, artifact_type: str | None = None, exhaustive: bool = False
    ) -> list[Descriptor]:
        self.asked.append(exhaustive)
        every = super().referrers(digest, artifact_type=artifact_type)
        indexed = [one for one in every if one.digest in self.indexed]
        return every if exhaustive or not indexed else indexed


@dataclass
class Shop:
    store: Upgraded
    image: Descriptor
    verifier: KeyVerifier = field(default_factory=lambda: KeyVerifier([public("alice")]))

    def bom(self, by: str, *, indexed: bool) -> None:
        subjects = [Subject(NAME, dict([self.image.digest.split(":")]))]
        statement = build_statement(subjects, CYCLONEDX, {"bomFormat": "CycloneDX", "by": by})
        made = attach_statement(
            statement, CYCLONEDX, signer=signer(by), store=self.store, subject=self.image
        )
        if indexed:
            self.store.indexed.add(made.referrer)

    def report(self) -> None:
        attached = self.store.attach(
            self.image, b"{}", artifact_type=REPORT, blob_media_type=REPORT, annotations={}
        )
        self.store.indexed.add(attached.descriptor.digest)

    @property
    def located(self) -> Located:
        place = Place(self.store, self.image.digest)
        return Located(self.image.digest, frozenset({self.image.digest}), (place,), False)

    def verify(self) -> Verification:
        self.store.asked.clear()
        return verify_located(NAME, self.located, verifier=self.verifier)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    store = Upgraded(tmp_path / "store")
    return Shop(store, push_image(store, make_image("late"), tag="1"))


def test_somebody_elses_newer_report_hides_no_older_evidence(shop: Shop) -> None:
    shop.bom("alice", indexed=False)
    shop.report()
    assert shop.verify().digest == shop.image.digest
    found = download(NAME, shop.located, CYCLONEDX, verifier=shop.verifier, demands=Demands())
    assert found.predicate["by"] == "alice"


def test_a_strangers_newer_bom_hides_no_older_evidence(shop: Shop) -> None:
    shop.bom("alice", indexed=False)
    shop.bom("bob", indexed=True)
    assert len(shop.verify().attestations) == 1
    found = download(NAME, shop.located, CYCLONEDX, verifier=shop.verifier, demands=Demands())
    assert found.predicate["by"] == "alice"


def test_a_yes_needs_one_list(shop: Shop) -> None:
    shop.bom("alice", indexed=True)
    shop.verify()
    assert shop.store.asked == [False]


def test_a_no_stays_a_no(shop: Shop) -> None:
    with pytest.raises(NoAttestation):
        shop.verify()
    assert shop.store.asked == [False], "an empty list was looked up under the tag already"
    shop.bom("bob", indexed=True)
    with pytest.raises(VerificationError):
        shop.verify()
    assert shop.store.asked == [False, True]


def test_unverified_it_is_found_too(shop: Shop) -> None:
    shop.bom("alice", indexed=False)
    shop.report()
    assert download_unverified(shop.located, CYCLONEDX).predicate["by"] == "alice"


def test_a_strangers_newer_list_hides_no_approved_model(shop: Shop, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "weights.bin").write_bytes(b"weights")
    weights = hashlib.sha256(b"weights").hexdigest()
    blobs = tmp_path / "store" / "blobs" / "sha256"
    _approve(shop, model, "alice")
    before = {blob.name for blob in blobs.iterdir()}
    _approve(shop, model, "bob")
    new = {f"sha256:{one.name}" for one in blobs.iterdir() if one.name not in before}
    shop.store.indexed |= new

    with open_source(parse_target(f"dir:{model}")) as source:
        found = verify_source(
            source,
            target=f"dir:{model}",
            wanted=Wanted(),
            store=shop.store,
            verifier=shop.verifier,
            progress=lambda _n: None,
        )
    facts = ImageFacts("x", Platform("linux", "amd64"), "sha256:0", ())
    inside = Model("m", "x", (ModelFile("m", 7, weights, Role.WEIGHTS),))
    attested = load_attested([Inspection("x", facts, (inside,))], [shop.store], shop.verifier)

    assert found.manifest.files["weights.bin"] == weights
    assert [one.place for one in attested.by_file[weights]] == [shop.store.name]


def _approve(shop: Shop, directory: Path, by: str) -> None:
    with open_source(parse_target(f"dir:{directory}")) as source:
        attest_source(
            source, scope=Scope(), signer=signer(by), store=shop.store, progress=lambda _n: None
        )
