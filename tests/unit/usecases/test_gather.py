"""Gathering evidence for a policy: whose counts, of which platform, and wherever it is kept."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.predicates import CYCLONEDX, SARIF
from lading.attest.statement import Subject, build_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.errors import InputError, UsageError, VerificationError
from lading.policy import Verdict, read_policy
from lading.reports import read_report
from lading.usecases.attach import attach_report
from lading.usecases.attest import attach_statement
from lading.usecases.evidence import anchor_of
from lading.usecases.gather import Gathered, gather
from lading.usecases.locate import Ports
from lading.usecases.policy import evaluate, seal_under
from lading.usecases.targets import parse_image
from lading_oci.layout import Layout
from support.attest_samples import public, signer
from support.oci_images import Image, describe, make_image, push_image, push_index
from support.policy_samples import bom, model

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor

NAME = "registry.example/acme/svc:1"
FORMATS = "version: 1\nname: t\nrules:\n  - rule: model-formats\n    allow: [safetensors]\n"
SCAN = b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}},"results":[]}]}'


@dataclasses.dataclass
class Engine:
    image_id: str
    repo_digests: tuple[str, ...] = ()


@dataclasses.dataclass
class Shop:
    """A registry, a local store, and what an engine may have."""

    registry: Layout
    local: Layout
    engine: Engine | None = None

    @property
    def ports(self) -> Ports:
        return Ports(
            registry=lambda _: self.registry,
            local=lambda: self.local,
            engine=lambda _: self.engine,  # type: ignore[arg-type,return-value]
        )

    def attest(
        self, subject: Descriptor | str, digests: list[str], document: Any, *, by: str = "alice"
    ) -> None:
        subjects = [Subject("svc", dict([one.split(":")])) for one in digests]
        statement = build_statement(subjects, CYCLONEDX, document)
        store = self.local if isinstance(subject, str) else self.registry
        attach_statement(statement, CYCLONEDX, signer=signer(by), store=store, subject=subject)

    def gather(self, name: str = f"registry:{NAME}") -> Gathered:
        verifier = KeyVerifier([public("alice")])
        return gather(parse_image(name), self.ports, verifier=verifier, previous=None)

    def judge(self, rules: str = FORMATS, name: str = f"registry:{NAME}") -> Verdict:
        return evaluate(read_policy(rules.encode(), "p.yaml"), self.gather(name))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(Layout(tmp_path / "registry"), Layout(tmp_path / "local"))


def config_of(image: Image) -> str:
    return describe(image.config, "x").digest


def messages(verdict: Verdict) -> list[str]:
    return [one.message for one in verdict.violations]


def two_platforms(shop: Shop) -> tuple[Descriptor, dict[str, Image]]:
    images = {name: make_image(name, architecture=name) for name in ("amd64", "arm64")}
    return push_index(shop.registry, images, tag="1"), images


def test_every_platform_of_an_index_is_judged_by_its_own_bom(shop: Shop) -> None:
    index, images = two_platforms(shop)
    documents = {"amd64": bom(model("a")), "arm64": bom(model("b", format="pickle"))}
    for name, image in images.items():
        digests = [index.digest, image.descriptor.digest, config_of(image)]
        shop.attest(index, digests, documents[name])

    assert messages(shop.judge()) == ["the model b is in the format pickle"]
    assert len(shop.gather().evidence.models) == 2


def test_a_platform_without_a_bom_is_a_no(shop: Shop) -> None:
    index, images = two_platforms(shop)
    shop.attest(index, [index.digest, images["amd64"].descriptor.digest], bom(model("a")))

    [message] = messages(shop.judge())
    missing = images["arm64"].descriptor.digest
    assert message == f"the platform {missing} of the image has no verified BOM"


def test_the_newest_bom_of_an_image_counts_and_a_strangers_does_not(shop: Shop) -> None:
    image = push_image(shop.registry, make_image("svc"), tag="1")
    time = {"metadata": {"timestamp": "2026-01-01T00:00:00Z"}}
    later = {"metadata": {"timestamp": "2026-02-01T00:00:00Z"}}
    last = {"metadata": {"timestamp": "2026-03-01T00:00:00Z"}}
    shop.attest(image, [image.digest], bom(model("new", format="pickle")) | later)
    shop.attest(image, [image.digest], bom(model("old")) | time)
    shop.attest(image, [image.digest], bom(model("strange")) | last, by="mallory")

    assert messages(shop.judge()) == ["the model new is in the format pickle"]
    assert len(shop.gather().evidence.attestations) == 2


def test_what_is_about_another_image_is_no_evidence(shop: Shop) -> None:
    image = push_image(shop.registry, make_image("svc"), tag="1")
    shop.attest(image, ["sha256:" + "e" * 64], bom(model("other")))

    assert messages(shop.judge()) == ["there is no verified BOM of it"]


def test_a_report_beside_a_bom_that_is_kept_apart_is_found(shop: Shop) -> None:
    image = push_image(shop.registry, make_image("svc"), tag="1")
    shop.attest(image.digest, [image.digest], bom(model("a")))
    rules = FORMATS + "  - rule: reports\n    type: sarif\n    max: {error: 0}\n"
    report = read_report(SCAN, "scan.sarif")

    assert messages(shop.judge(rules)) == ["there is no report of type sarif"]
    attached = attach_report(
        parse_image(f"registry:{NAME}"), report, shop.ports, signer=signer("alice")
    )
    assert shop.registry.referrers(image.digest) == [], "it goes where the evidence is"
    assert attached.attestation.predicate_type == SARIF
    assert messages(shop.judge(rules)) == []


def test_a_report_names_every_digest_of_the_image(shop: Shop) -> None:
    index, images = two_platforms(shop)
    report = read_report(SCAN, "scan.sarif")

    attached = attach_report(
        parse_image(f"registry:{NAME}"), report, shop.ports, signer=signer("alice")
    )

    known = {index.digest}
    for image in images.values():
        known |= {image.descriptor.digest, config_of(image)}
    assert set(attached.subjects) == known
    assert [one.digest for one in shop.registry.referrers(index.digest)] == [
        attached.attestation.referrer
    ]


@pytest.mark.parametrize("kind", ["trivy", "grype"])
def test_the_scan_of_another_image_is_refused(shop: Shop, kind: str) -> None:
    image = make_image("svc")
    push_image(shop.registry, image, tag="1")

    def scan(digest: str) -> bytes:
        trivy = {"SchemaVersion": 2, "ArtifactName": "x", "Metadata": {"ImageID": digest}}
        target = {"imageID": "sha256:" + "0" * 64, "repoDigests": [f"x@{digest}"]}
        grype = {"matches": [], "descriptor": {"name": "grype"}, "source": {"target": target}}
        return json.dumps(trivy if kind == "trivy" else grype).encode()

    def attach(content: bytes) -> None:
        attach_report(
            parse_image(f"registry:{NAME}"),
            read_report(content, "scan.json"),
            shop.ports,
            signer=signer("alice"),
        )

    with pytest.raises(InputError, match="about another image"):
        attach(scan("sha256:" + "9" * 64))
    attach(scan(config_of(image)))
    attach(scan(image.descriptor.digest))


def test_an_image_that_only_an_engine_has_gets_its_reports_locally(shop: Shop) -> None:
    image_id = "sha256:" + "c" * 64
    shop.engine = Engine(image_id)
    shop.attest(image_id, [image_id], bom(model("a")))

    attached = attach_report(
        parse_image("docker:svc:1"), read_report(SCAN, "r"), shop.ports, signer=signer("alice")
    )

    assert attached.subjects == (image_id,)
    anchor = anchor_of(image_id).descriptor.digest
    assert len(shop.local.referrers(anchor)) == 2
    assert messages(shop.judge(name="docker:svc:1")) == []


def test_two_images_under_one_name_are_told_apart(shop: Shop) -> None:
    image = make_image("svc")
    pushed = push_image(shop.registry, image, tag="1")
    shop.attest(pushed, [pushed.digest, config_of(image)], bom(model("a")))
    shop.engine = Engine("sha256:" + "d" * 64, (f"{NAME[:-2]}@{pushed.digest}",))

    with pytest.raises(UsageError, match="two images under this name"):
        attach_report(parse_image(NAME), read_report(SCAN, "r"), shop.ports, signer=signer("alice"))
    with pytest.raises(VerificationError) as refusal:
        shop.gather(NAME)
    assert refusal.value.code == "engine-copy"

    shop.engine = Engine(config_of(image), shop.engine.repo_digests)
    assert messages(shop.judge(name=NAME)) == []


def test_a_seal_under_a_policy_binds_the_image_to_it(shop: Shop) -> None:
    image = push_image(shop.registry, make_image("svc"), tag="1")
    shop.attest(image, [image.digest], bom(model("a")))
    seal_under(shop.judge(), shop.gather(), signer("alice"))

    assert messages(shop.judge()) == []
    [refused] = shop.judge(FORMATS + "# another\n").violations
    assert refused.rule == "sealed-policy"


def test_a_strangers_seal_binds_nobody(shop: Shop) -> None:
    image = push_image(shop.registry, make_image("svc"), tag="1")
    shop.attest(image, [image.digest], bom(model("a")))
    seal_under(shop.judge(FORMATS + "# mallory's\n"), shop.gather(), signer("mallory"))

    assert messages(shop.judge()) == []


def test_only_a_complete_yes_is_sealed(shop: Shop) -> None:
    image = push_image(shop.registry, make_image("svc"), tag="1")
    shop.attest(image, [image.digest], bom(model("a", format="pickle")))

    with pytest.raises(ValueError, match="complete yes"):
        seal_under(shop.judge(), shop.gather(), signer("alice"))
