"""cosign over our attestations, with the rule of the policy-controller template in its engine."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import yaml

import parts
from lading.attest.keys import load_private
from lading.attest.signers.key import KeySigner
from lading.attest.statement import Subject, build_statement
from lading.attest.vsa import ATTESTED_POLICY, build_vsa
from lading.usecases.attest import attach_statement
from lading_oci import open_registry, parse_reference
from lading_templates import TEMPLATES
from support.product import PASSWORD

from .conftest import Shop, model_files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

SEAL = "https://slsa.dev/verification_summary/v1"
SARIF = "https://in-toto.io/attestation/static-analysis/sarif/v2.1.0"
POLICY = "version: 1\nname: any\nrules:\n  - rule: model-safety\n"


def cosign(shop: Shop, image: str, predicate_type: str, *more: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            *(str(parts.require("cosign")), "verify-attestation", "--key", "lading.pub"),
            *("--insecure-ignore-tlog", "--allow-http-registry", "--type", predicate_type),
            *more,
            image.removeprefix("registry:"),
        ],
        cwd=shop.run.cwd,
        env={**shop.run.env},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def image(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image with a report, sealed under a policy."""
    directory = tmp_path_factory.mktemp("judges")
    name = shop.release("acme/judged:1", model_files())
    run = {"tool": {"driver": {"name": "bandit"}}, "results": []}
    (directory / "r.sarif").write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    (directory / "p.yaml").write_text(POLICY)
    shop.run.ok("attach", name, str(directory / "r.sarif"))
    shop.run.ok("policy", "seal", str(directory / "p.yaml"), name)
    return name


def attach_failed_seal(shop: Shop, image: str) -> None:
    reference = parse_reference(image.removeprefix("registry:"))
    store = open_registry(reference)
    subject = store.resolve("1")
    predicate = build_vsa(
        resource_uri=reference.name,
        policy=ATTESTED_POLICY,
        passed=False,
        inputs=[subject.digest],
        verifier_version="0",
        now=datetime.now(UTC),
    )
    statement = build_statement(
        [Subject(reference.name, dict([subject.digest.split(":")]))], SEAL, predicate
    )
    key = load_private(shop.run.cwd / "lading.key", PASSWORD.encode)
    attach_statement(statement, SEAL, signer=KeySigner(key), store=store, subject=subject)


def test_cosign_accepts_an_attached_report_and_the_seal(shop: Shop, image: str) -> None:
    for predicate_type in (SARIF, SEAL):
        status, err = cosign(shop, image, predicate_type)
        assert status == 0, err


def test_the_rule_of_the_policy_controller_template_holds_for_a_seal_and_for_nothing_else(
    shop: Shop, image: str, tmp_path: Path
) -> None:
    [file] = TEMPLATES["policy-controller"].files
    [authority] = yaml.safe_load(file.content())["spec"]["authorities"]
    rule = tmp_path / "rule.cue"
    rule.write_text(authority["attestations"][0]["policy"]["data"])

    status, err = cosign(shop, image, SEAL, "--policy", str(rule))
    assert status == 0, err
    absent, _ = cosign(shop, image, SARIF, "--policy", str(rule))
    assert absent != 0, "a predicate without a result has not passed"
    attach_failed_seal(shop, image)
    failed, err = cosign(shop, image, SEAL, "--policy", str(rule))
    assert failed != 0
    assert "FAILED" in err
