"""A policy over a model that was verified: the licence is the signed card's."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

import parts

if TYPE_CHECKING:
    from pathlib import Path

    from support.hub_server import Hub
    from support.product import Lading

POLICY = parts.ROOT / "templates" / "lading_templates" / "files" / "policy" / "license.yaml"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    (tmp_path / "licence.yaml").write_bytes(POLICY.read_bytes())
    return "licence.yaml"


def test_the_licence_of_the_signed_card_decides(lading: Lading, model: Path, policy: str) -> None:
    lading.ok("attest", f"dir:{model}")
    document = lading.ok("verify", f"dir:{model}", "--policy", policy, "--json").json()
    assert document["policy"]["verdict"] == "PASSED"

    card = (model / "README.md").read_text()
    (model / "README.md").write_text(card.replace("license: mit", "license: cc-by-nc-4.0"))
    assert lading("verify", f"dir:{model}", "--policy", policy).status == 10  # not as attested
    lading.ok("attest", f"dir:{model}")
    refused = lading("verify", f"dir:{model}", "--policy", policy, "--json")

    assert refused.status == 12
    (violation,) = refused.json()["policy"]["violations"]
    assert "CC-BY-NC-4.0" in violation["message"]


def test_without_a_signed_bom_the_answer_is_no(lading: Lading, model: Path, policy: str) -> None:
    lading.ok("attest", f"dir:{model}", "--signature-file", str(model / "model.sig"))
    elsewhere = {"XDG_DATA_HOME": str(model.parent / "elsewhere")}
    assert lading("verify", f"dir:{model}", env=elsewhere).status == 0

    ran = lading("verify", f"dir:{model}", "--policy", policy, env=elsewhere)

    assert ran.status == 12


def test_the_hub_is_asked_only_where_the_policy_says_so(
    lading: Lading, hub: Hub, model: Path, policy: str
) -> None:
    hub.add("acme/base", card={"license": "agpl-3.0"}).commit({"README.md": b"x"})
    card = (model / "README.md").read_text()
    (model / "README.md").write_text(
        card.replace("license: mit", "license: mit\nbase_model: acme/base")
    )
    lading.ok("attest", f"dir:{model}")

    silent = lading("verify", f"dir:{model}", "--policy", policy)
    assert silent.status == 0
    assert not [one for one in hub.asked if "acme/base" in one.path]
    rule = (lading.cwd / policy).read_text() + "    lookup: hub\n"
    (lading.cwd / policy).write_text(rule)
    asked = lading("verify", f"dir:{model}", "--policy", policy)

    assert asked.status == 12
    assert "acme/base" in asked.out


def test_a_licence_is_inherited_over_generations_and_circles_end(
    lading: Lading, hub: Hub, model: Path, policy: str
) -> None:
    hub.add("acme/a", card={"license": "mit", "base_model": "acme/b"}).commit({"README.md": b"x"})
    hub.add("acme/b", card={"license": "mit", "base_model": ["acme/c", "acme/A"]}).commit(
        {"README.md": b"x"}
    )
    hub.add("acme/c", card={"license": "llama3", "base_model": "acme/a"}).commit(
        {"README.md": b"x"}
    )
    card = (model / "README.md").read_text()
    (model / "README.md").write_text(
        card.replace("license: mit", "license: mit\nbase_model: acme/a")
    )
    lading.ok("attest", f"dir:{model}")
    with (lading.cwd / policy).open("a") as file:
        file.write("    lookup: hub\n")

    ran = lading("verify", f"dir:{model}", "--policy", policy)

    assert ran.status == 12
    assert ran.out.count("from which") == 1
    assert "acme/c, from which" in ran.out


DRIFT = """
version: 1
name: drift
rules:
  - rule: drift
    deny: [weights-changed, license-changed]
"""


@pytest.fixture
def drift(lading: Lading) -> str:
    (lading.cwd / "drift.yaml").write_text(DRIFT)
    return "drift.yaml"


def test_drift_against_another_attested_source_or_a_bom(
    lading: Lading, model: Path, tmp_path: Path, drift: str
) -> None:
    before = shutil.copytree(model, tmp_path / "before" / model.name)
    lading.ok("attest", f"dir:{before}", "--bom-output", "before.json")
    asked = ("verify", f"dir:{model}", "--policy", drift, "--json")
    same = lading.ok(*asked, "--previous", f"dir:{before}").json()
    assert same["policy"]["verdict"] == "PASSED"
    assert lading(*asked).status == 12  # nothing to compare with

    card = (model / "README.md").read_text()
    (model / "README.md").write_text(card.replace("license: mit", "license: cc-by-nc-4.0"))
    lading.ok("attest", f"dir:{model}")
    for previous in (f"dir:{before}", "before.json"):
        refused = lading(*asked, "--previous", previous)
        assert refused.status == 12
        (violation,) = refused.json()["policy"]["violations"]
        assert "was MIT, and is CC-BY-NC-4.0" in violation["message"]


def test_a_previous_source_is_verified_too(
    lading: Lading, model: Path, tmp_path: Path, drift: str
) -> None:
    lading.ok("attest", f"dir:{model}")
    before = shutil.copytree(model, tmp_path / "before" / model.name)
    (before / "README.md").write_text("changed after it was attested\n")
    asked = ("verify", f"dir:{model}", "--policy", drift, "--json", "--previous")

    assert lading(*asked, f"dir:{before}").status == 10
    for none in ("", "registry.example/acme/svc:1", "none.json"):
        assert lading(*asked, none).status == 2
    without = lading("verify", f"dir:{model}", "--previous", f"dir:{model}")
    assert without.status == 2
    assert "--policy" in without.err
