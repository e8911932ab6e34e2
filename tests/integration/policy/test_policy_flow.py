"""From a report to a yes or a no: attach, policy, seal, verify; frauds refused with the reason."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import jsonschema_rs
import pytest

import parts

from .conftest import MODELS, Shop, model_files

if TYPE_CHECKING:
    from pathlib import Path

    from support.product import Ran

SARIF = {
    "version": "2.1.0",
    "runs": [{"tool": {"driver": {"name": "bandit"}}, "results": []}],
}
FINDING = {"ruleId": "B301", "level": "error", "message": {"text": "pickle"}}


def write(path: Path, text: str | dict[str, Any]) -> str:
    path.write_text(textwrap.dedent(text) if isinstance(text, str) else json.dumps(text))
    return str(path)


def policy(path: Path, rules: str, name: str = "test") -> str:
    head = f"version: 1\nname: {name}\nrules:\n"
    path.write_text(head + textwrap.indent(textwrap.dedent(rules).strip("\n"), "  ") + "\n")
    return str(path)


def messages(ran: Ran) -> list[tuple[str, str]]:
    return [(one["rule"], one["message"]) for one in ran.json()["policy"]["violations"]]


def _conforms(name: str, document: object) -> None:
    schema = json.loads((parts.ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(document)


@pytest.fixture(scope="module")
def image(shop: Shop) -> str:
    return shop.release("acme/router:1", model_files())


def test_a_policy_on_the_signed_bom_says_yes(shop: Shop, image: str, tmp_path: Path) -> None:
    rules = policy(
        tmp_path / "p.yaml",
        """
        - rule: model-formats
          allow: [safetensors]
        - rule: model-safety
        - rule: freshness
          max-age: 1d
        """,
    )
    ran = shop.run.ok("verify", image, "--policy", rules, "--json")

    document = ran.json()
    _conforms("verify", document)
    assert document["verified"] is True
    assert document["policy"]["verdict"] == "PASSED"
    assert [one["id"] for one in document["policy"]["rules"]] == [
        "model-formats",
        "model-safety",
        "freshness",
    ]


def test_a_pickle_is_refused_with_status_12_and_its_reason(shop: Shop, tmp_path: Path) -> None:
    files = {"srv/models/priority.pkl": (MODELS / "priority.pkl").read_bytes()}
    image = shop.release("acme/pickle:1", files)
    rules = policy(tmp_path / "p.yaml", "- rule: model-formats\n  allow: [safetensors, gguf]")

    ran = shop.run("verify", image, "--policy", rules, "--json")

    assert ran.status == 12
    _conforms("verify", ran.json())
    assert ran.json()["verified"] is False
    assert ran.json()["digest"].startswith("sha256:")
    assert ran.json()["policy"]["verdict"] == "FAILED"
    assert messages(ran) == [("model-formats", "the model priority is in the format pickle")]


def test_a_warning_is_reported_and_lets_pass(shop: Shop, image: str, tmp_path: Path) -> None:
    rules = policy(tmp_path / "p.yaml", "- rule: model-formats\n  level: warning\n  allow: [gguf]")

    ran = shop.run.ok("verify", image, "--policy", rules)

    assert "warning   model-formats" in ran.out
    assert "is in the format safetensors" in ran.out


def test_a_report_is_attached_and_its_numbers_are_judged(shop: Shop, tmp_path: Path) -> None:
    image = shop.release("acme/scanned:1", model_files())
    rules = policy(
        tmp_path / "p.yaml", "- rule: reports\n  type: sarif\n  tool: bandit\n  max: {error: 0}"
    )
    verify = ("verify", image, "--policy", rules, "--json")

    none = shop.run(*verify)
    assert none.status == 12
    assert messages(none) == [("reports", "there is no report of type sarif by bandit")]

    bad = {**SARIF, "runs": [{**SARIF["runs"][0], "results": [FINDING]}]}  # type: ignore[index]
    shop.run.ok("attach", image, write(tmp_path / "bad.sarif", bad))
    refused = shop.run(*verify)
    assert refused.status == 12
    assert messages(refused) == [("reports", "bandit says error: 1; at most 0 is allowed")]

    good = shop.run.ok("attach", image, write(tmp_path / "good.sarif", SARIF), "--json")
    _conforms("attach", good.json())
    assert good.json()["report"]["counts"]["error"] == 0
    assert shop.run(*verify).status == 0, "the newer report of a tool replaces the older"


def test_a_report_that_a_stranger_signed_is_no_evidence(shop: Shop, tmp_path: Path) -> None:
    image = shop.release("acme/stranger:1", model_files())
    report = write(tmp_path / "r.sarif", SARIF)
    shop.run.ok("attach", image, report, "--signing-key", str(shop.run.cwd / "stranger.key"))
    rules = policy(tmp_path / "p.yaml", "- rule: reports\n  type: sarif")

    ran = shop.run("verify", image, "--policy", rules, "--json")

    assert ran.status == 12
    assert messages(ran) == [("reports", "there is no report of type sarif")]


def test_vulnerabilities_are_refused_unless_vex_says_they_do_not_matter(
    shop: Shop, tmp_path: Path
) -> None:
    image = shop.release("acme/vulnerable:1", model_files())
    found = {
        "VulnerabilityID": "CVE-2026-1",
        "PkgName": "libfoo",
        "InstalledVersion": "1.0",
        "FixedVersion": "1.1",
        "Severity": "HIGH",
        "PkgIdentifier": {"PURL": "pkg:deb/debian/libfoo@1.0?arch=amd64"},
    }
    scan = {"SchemaVersion": 2, "ArtifactName": "x", "Results": [{"Vulnerabilities": [found]}]}
    shop.run.ok("attach", image, write(tmp_path / "trivy.json", scan))
    rules = policy(tmp_path / "p.yaml", "- rule: vulnerabilities\n  deny: high")
    verify = ("verify", image, "--policy", rules, "--json")

    refused = shop.run(*verify)
    assert refused.status == 12
    text = "CVE-2026-1 (high) in libfoo 1.0, fixed in 1.1"
    assert messages(refused) == [("vulnerabilities", text)]

    vex = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://acme.example/vex/1",
        "author": "acme",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-1"},
                "products": [{"@id": "pkg:deb/debian/libfoo"}],
                "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            }
        ],
    }
    shop.run.ok("attach", image, write(tmp_path / "openvex.json", vex))
    assert shop.run(*verify).status == 0


def test_a_policy_that_changed_after_the_seal_is_refused(shop: Shop, tmp_path: Path) -> None:
    image = shop.release("acme/sealed:1", model_files())
    rules = policy(tmp_path / "p.yaml", "- rule: model-formats\n  allow: [safetensors]")
    sealed = shop.run.ok("policy", "seal", rules, image, "--json")
    _conforms("policy-seal", sealed.json())
    assert shop.run("verify", image, "--policy", rules).status == 0

    policy(tmp_path / "p.yaml", "- rule: model-formats\n  allow: [safetensors, pickle]")
    ran = shop.run("verify", image, "--policy", rules, "--json")

    assert ran.status == 12
    [(rule, message)] = messages(ran)
    assert rule == "sealed-policy"
    assert sealed.json()["policy"]["digest"] in message

    shop.run.ok("policy", "seal", rules, image)
    assert shop.run("verify", image, "--policy", rules).status == 0


def test_an_image_that_fails_is_not_sealed(shop: Shop, image: str, tmp_path: Path) -> None:
    rules = policy(tmp_path / "p.yaml", "- rule: model-formats\n  deny: [safetensors]")

    ran = shop.run("policy", "seal", rules, image, "--json")

    assert ran.status == 12
    assert ran.json()["seal"] is None
    assert shop.run("verify", image).status == 0, "the seal of the build still stands alone"


def test_swapped_weights_under_the_same_version_are_drift(shop: Shop, tmp_path: Path) -> None:
    before = shop.release("acme/drift:1", model_files())
    files = model_files()
    name = next(one for one in files if one.endswith(".safetensors"))
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    after = shop.release("acme/drift:2", files)
    rules = policy(tmp_path / "p.yaml", "- rule: drift\n  deny: [weights-changed]")

    same = shop.run("verify", before, "--policy", rules, "--previous", before, "--json")
    assert same.status == 0, same.err
    ran = shop.run("verify", after, "--policy", rules, "--previous", before, "--json")
    assert ran.status == 12
    [(_, message)] = messages(ran)
    assert "weights" in message
    assert "version did not" in message
    alone = shop.run("verify", after, "--policy", rules, "--json")
    assert messages(alone) == [("drift", "there is no BOM of the previous release to compare with")]


def test_verdicts_are_written_for_other_programs(shop: Shop, image: str, tmp_path: Path) -> None:
    rules = policy(
        tmp_path / "p.yaml",
        "- rule: model-formats\n  allow: [gguf]\n- rule: freshness\n  max-age: 1d",
    )
    outputs = {name: tmp_path / f"v.{name}" for name in ("json", "sarif", "junit", "markdown")}
    words = [word for name, file in outputs.items() for word in ("--verdict", f"{name}={file}")]
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")

    ran = shop.run(
        *("verify", image, "--policy", rules, *words, "--verdict", "github"),
        env={"GITHUB_STEP_SUMMARY": str(summary)},
    )

    assert ran.status == 12
    sarif = json.loads(outputs["sarif"].read_text())
    [result] = sarif["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("model-formats", "error")
    suite = ElementTree.parse(outputs["junit"]).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert json.loads(outputs["json"].read_text())["verdict"] == "FAILED"
    assert summary.read_text() == "before\n" + outputs["markdown"].read_text()
    assert shop.run("attach", image, str(outputs["sarif"])).status == 0, "it is valid SARIF"


def test_rego_is_judged_by_the_real_opa(shop: Shop, image: str, tmp_path: Path) -> None:
    parts.require("opa")
    write(
        tmp_path / "mit.rego",
        """
        package lading

        deny contains msg if {
            some model in input.models
            not "GPL-9.0" in model.licenses
            msg := sprintf("%s is not under GPL-9.0", [model.name])
        }
        """,
    )
    rules = policy(tmp_path / "p.yaml", "- rule: rego\n  rego: mit.rego")

    ran = shop.run("verify", image, "--policy", rules, "--json")

    assert ran.status == 12
    [(rule, message)] = messages(ran)
    assert rule == "rego"
    assert message.endswith("is not under GPL-9.0")


def test_the_licence_template_says_the_same_in_yaml_and_in_rego(
    shop: Shop, image: str, tmp_path: Path
) -> None:
    parts.require("opa")
    shop.run.ok(
        *("init", "policy-license", "policy-license-rego", "--directory", str(tmp_path)),
    )
    files = model_files()
    card = next(name for name in files if name.endswith("README.md"))
    files[card] = files[card].replace(b"license: mit", b"license: cc-by-nc-4.0")
    other = shop.release("acme/noncommercial:1", files)

    for name in ("license.yaml", "license-rego.yaml"):
        rules = str(tmp_path / "policy" / name)
        mine, theirs = (
            shop.run("verify", one, "--policy", rules, "--json") for one in (image, other)
        )
        assert mine.status == 0, mine.out
        assert theirs.status == 12
        [(rule, message)] = messages(theirs)
        assert rule == "model-licenses"
        assert "CC-BY-NC-4.0" in message


def test_a_rego_rule_without_opa_is_a_no(shop: Shop, image: str, tmp_path: Path) -> None:
    write(tmp_path / "yes.rego", "package lading\n\ndeny := set()\n")
    rules = policy(tmp_path / "p.yaml", "- rule: rego\n  rego: yes.rego")

    ran = shop.run("verify", image, "--policy", rules, "--json", env={"PATH": "/nonexistent"})

    assert ran.status == 12
    assert "needs opa" in messages(ran)[0][1]


def test_a_broken_policy_is_bad_input(shop: Shop, image: str, tmp_path: Path) -> None:
    rules = policy(tmp_path / "p.yaml", "- rule: model-formats\n  alow: [gguf]")

    ran = shop.run("verify", image, "--policy", rules)

    assert ran.status == 22
    assert "p.yaml:5" in ran.err
    assert "Did you mean 'allow'?" in ran.err
