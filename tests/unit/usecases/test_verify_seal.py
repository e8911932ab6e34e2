"""Verification by the seal: what makes it a yes, what a no, and what leaves the BOM to decide."""

from __future__ import annotations

import base64
import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest import verify
from lading.attest.predicates import CYCLONEDX, SLSA_VSA_V1
from lading.attest.statement import Subject, build_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.attest.vsa import ATTESTED_POLICY, SEAL_ANNOTATION, build_vsa
from lading.errors import NoAttestation, PolicyViolation, VerificationError
from lading.usecases.attest import Attestation, attach_seal, attach_statement
from lading.usecases.bundles import PREDICATE_TYPE_ANNOTATION
from lading.usecases.locate import EVERY_PLATFORM, Ports
from lading.usecases.targets import parse_image
from lading.usecases.verify import Demands, Verification, verify_image
from lading_oci.layout import Layout
from support.attest_samples import public, signer
from support.oci_images import make_image, push_image, push_index

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor

NAME = "registry:registry.example/acme/svc:1"


@dataclasses.dataclass
class Shop:
    """A repository with one image, and what is attached to it."""

    store: Layout
    image: Descriptor

    @property
    def subjects(self) -> list[Subject]:
        return [Subject("registry.example/acme/svc", dict([self.image.digest.split(":")]))]

    def bom(self, *, by: str = "alice", text: str = "one") -> Attestation:
        document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": text}
        statement = build_statement(self.subjects, CYCLONEDX, document)
        return attach_statement(
            statement, CYCLONEDX, signer=signer(by), store=self.store, subject=self.image
        )

    def seal(self, *inputs: Attestation, by: str = "alice") -> Attestation:
        return attach_seal(
            self.subjects, inputs, signer=signer(by), store=self.store, subject=self.image
        )

    def summary(self, now: datetime, **changes: Any) -> Attestation:
        """Attach a summary that says what it is told to say."""
        predicate = build_vsa(
            resource_uri="registry.example/acme/svc",
            policy=ATTESTED_POLICY,
            passed=changes.pop("passed", True),
            inputs=[self.image.digest],
            verifier_version="0",
            now=now,
        )
        statement = build_statement(self.subjects, SLSA_VSA_V1, {**predicate, **changes})
        return attach_statement(
            statement, SLSA_VSA_V1, signer=signer(), store=self.store, subject=self.image, now=now
        )

    def carry(self, text: str, *, hint: str | None = None) -> None:
        """Attach something whose annotation says that it is a seal."""
        hints = {PREDICATE_TYPE_ANNOTATION: hint} if hint else {}
        self.store.attach(
            self.image,
            text.encode() or b"{}",  # what is attached already is not attached again
            artifact_type="application/vnd.dev.sigstore.bundle.v0.3+json",
            blob_media_type="application/vnd.dev.sigstore.bundle.v0.3+json",
            annotations={SEAL_ANNOTATION: text, **hints},
        )

    def verify(self, name: str = NAME, **options: Any) -> Verification:
        ports = Ports(
            registry=lambda _: self.store, local=lambda: self.store, engine=lambda _: None
        )
        verifier = KeyVerifier([public("alice")])
        return verify_image(parse_image(name), ports, verifier=verifier, **options)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    store = Layout(tmp_path / "store")
    return Shop(store, push_image(store, make_image("svc"), tag="1"))


def types(verification: Verification) -> list[str]:
    return [one.predicate_type for one in verification.attestations]


def test_a_seal_is_enough(shop: Shop) -> None:
    bom = shop.bom()
    shop.seal(bom)

    verification = shop.verify()

    assert types(verification) == [SLSA_VSA_V1]
    assert verification.to_json()["sealed"] == [bom.digest]


def test_full_verifies_each_attestation_that_the_seal_names(shop: Shop) -> None:
    first, second = shop.bom(), shop.bom(text="two")
    shop.seal(first, second)

    assert types(shop.verify(full=True)) == [SLSA_VSA_V1, CYCLONEDX, CYCLONEDX]


def test_full_refuses_when_one_of_them_is_missing(shop: Shop) -> None:
    kept, lost = shop.bom(), dataclasses.replace(shop.bom(text="two"), digest=shop.image.digest)
    shop.seal(kept, lost)

    assert shop.verify().seal is not None
    with pytest.raises(VerificationError) as caught:
        shop.verify(full=True)
    assert (caught.value.code, caught.value.got) == ("seal", "1 of 2")


def test_full_refuses_when_one_of_them_was_signed_by_a_stranger(shop: Shop) -> None:
    shop.seal(shop.bom(by="mallory"))

    with pytest.raises(VerificationError) as caught:
        shop.verify(full=True)
    assert caught.value.code == "seal"


def test_the_newest_seal_counts_and_a_failed_one_is_a_no(shop: Shop) -> None:
    now = datetime.now(UTC)
    shop.bom()
    shop.summary(now - timedelta(hours=2))
    shop.summary(now - timedelta(hours=1), passed=False)
    with pytest.raises(PolicyViolation, match="failed"):
        shop.verify()

    shop.summary(now)
    assert shop.verify().seal is not None


@pytest.mark.parametrize(
    "text",
    ["", "not base64!", base64.b64encode(b"{}").decode(), "A" * 500_000],
    ids=["empty", "not-base64", "no-bundle", "too-long"],
)
def test_what_is_no_seal_leaves_the_bom_to_decide(shop: Shop, text: str) -> None:
    shop.bom()
    shop.carry(text)

    assert types(shop.verify()) == [CYCLONEDX]


def test_a_strangers_seal_says_nothing(shop: Shop) -> None:
    shop.seal(shop.bom(), by="mallory")

    assert types(shop.verify()) == [CYCLONEDX]


def test_another_tools_summary_is_no_seal(shop: Shop) -> None:
    shop.bom()
    shop.summary(datetime.now(UTC), verifier={"id": "https://another.example/verifier"})

    assert types(shop.verify()) == [CYCLONEDX]


def test_another_images_seal_is_refused(shop: Shop) -> None:
    genuine = shop.seal(shop.bom())
    other = push_image(shop.store, make_image("other"), tag="2")
    (carrier,) = (
        one for one in shop.store.referrers(shop.image.digest) if one.digest == genuine.referrer
    )
    Shop(shop.store, other).carry(carrier.annotations[SEAL_ANNOTATION])

    with pytest.raises(VerificationError):
        shop.verify(NAME.replace(":1", ":2"))


def test_a_bom_in_an_annotation_is_no_seal(shop: Shop) -> None:
    statement = build_statement(shop.subjects, CYCLONEDX, {"bomFormat": "CycloneDX"})
    shop.carry(base64.b64encode(signer().sign(statement)).decode())

    with pytest.raises(VerificationError):
        shop.verify()


def test_a_flood_of_seals_does_not_drown_one_that_says_no(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can only add to the list must not get from FAILED to the BOM, which says nothing."""
    monkeypatch.setattr(verify, "LIMITS", dataclasses.replace(verify.LIMITS, attestations_read=5))
    shop.bom()
    shop.summary(datetime.now(UTC), passed=False)
    with pytest.raises(PolicyViolation):
        shop.verify()
    for number in range(5):
        shop.carry(base64.b64encode(b"%d" % number).decode(), hint=SLSA_VSA_V1)

    with pytest.raises(VerificationError) as caught:
        shop.verify()
    assert caught.value.code == "limit"


def test_an_old_seal_is_refused_when_age_matters(shop: Shop) -> None:
    shop.summary(datetime.now(UTC) - timedelta(days=40))

    assert shop.verify().seal is not None
    with pytest.raises(VerificationError):
        shop.verify(demands=Demands(max_age=timedelta(days=30)))


# --- what a trust rule demands besides ---------------------------------------------------------


@pytest.mark.parametrize(
    ("demands", "code"),
    [
        (Demands(policy="22" * 32), "seal"),
        (Demands(policy="22" * 32, required=(CYCLONEDX,)), "seal"),
        (Demands(policy=ATTESTED_POLICY.sha256), None),
        (Demands(required=(SLSA_VSA_V1, CYCLONEDX)), None),
    ],
    ids=["another policy", "another policy, a BOM", "this policy", "seal and BOM"],
)
def test_a_seal_under_the_policy_that_is_demanded(
    shop: Shop, demands: Demands, code: str | None
) -> None:
    """A BOM that holds does not stand in for the seal."""
    shop.seal(shop.bom())

    if code is None:
        assert shop.verify(demands=demands).seal is not None
        return
    with pytest.raises(VerificationError) as caught:
        shop.verify(demands=demands)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "demands", [Demands(policy=ATTESTED_POLICY.sha256), Demands(required=(SLSA_VSA_V1,))]
)
def test_a_seal_that_is_demanded_and_not_there(shop: Shop, demands: Demands) -> None:
    shop.bom()

    assert shop.verify().seal is None
    with pytest.raises(NoAttestation):
        shop.verify(demands=demands)


@pytest.mark.parametrize(
    ("names", "accepted"),
    [
        (("registry.example/acme/svc",), True),
        (("registry.example/acme/svc:1",), True),
        (("registry.example/acme/other",), False),
        (("registry.example/acme/svc", "registry.example/acme/other"), False),
        (("",), False),
    ],
    ids=["its own", "with a tag", "another", "both", "none"],
)
def test_a_statement_must_name_the_repository_alone_where_that_is_demanded(
    shop: Shop, names: tuple[str, ...], accepted: bool
) -> None:
    digest = dict([shop.image.digest.split(":")])
    subjects = [Subject(name, digest) for name in names]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6"}
    attach_statement(
        build_statement(subjects, CYCLONEDX, document),
        CYCLONEDX,
        signer=signer(),
        store=shop.store,
        subject=shop.image,
    )
    demands = Demands(repository="registry.example/acme/svc")

    assert types(shop.verify()) == [CYCLONEDX]
    if accepted:
        assert types(shop.verify(demands=demands)) == [CYCLONEDX]
        return
    with pytest.raises(VerificationError) as caught:
        shop.verify(demands=demands)
    assert caught.value.code == "reference"


def test_an_invalid_one_beside_a_valid_one_where_only_valid_ones_may_be(shop: Shop) -> None:
    shop.bom()
    assert shop.verify(demands=Demands(only_valid=True))
    shop.bom(by="mallory")

    assert shop.verify()
    with pytest.raises(VerificationError) as caught:
        shop.verify(demands=Demands(only_valid=True))
    assert caught.value.code == "signer"


def test_full_refuses_boms_that_are_not_about_every_platform_asked_for(tmp_path: Path) -> None:
    store = Layout(tmp_path / "store")
    images = {one: make_image(one, architecture=one) for one in ("amd64", "arm64")}
    index = push_index(store, images, tag="1")
    every = [index, *(one.descriptor for one in images.values())]

    def about(*descriptors: Descriptor) -> list[Subject]:
        return [Subject("svc", dict([one.digest.split(":")])) for one in descriptors]

    def bom(*descriptors: Descriptor) -> Attestation:
        document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": len(descriptors)}
        statement = build_statement(about(*descriptors), CYCLONEDX, document)
        return attach_statement(statement, CYCLONEDX, signer=signer(), store=store, subject=index)

    shop = Shop(store, index)
    attach_seal(about(*every), [bom(*every[:2])], signer=signer(), store=store, subject=index)
    assert shop.verify(platform=EVERY_PLATFORM).seal is not None, "the seal is about all of them"
    with pytest.raises(VerificationError) as caught:
        shop.verify(platform=EVERY_PLATFORM, full=True)
    assert (caught.value.code, caught.value.wanted) == ("subject", every[2].digest)
