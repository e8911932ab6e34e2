"""``lading build --policy-file``: on a no nothing is pushed; on a yes the seal names the policy."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

import parts
from lading_oci import open_registry, parse_reference
from lading_oci.errors import NotFound
from support.engines import NAMESPACE
from support.product import PASSWORD, Lading, write_context

if TYPE_CHECKING:
    from support.engines import DockerEngine
    from support.registries import Registry

NO_PICKLES = "version: 1\nname: no-pickles\nrules:\n  - rule: model-formats\n    deny: [pickle]\n"


@pytest.fixture(scope="module")
def builder(docker_engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Lading:
    home = tmp_path_factory.mktemp("builder")
    env = {
        **docker_engine.env,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), docker_engine.env["PATH"])),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "LADING_KEY_PASSWORD": PASSWORD,
        "LADING_SIGNING_KEY": "lading.key",
        "LADING_KEY": "lading.pub",
        "DOCKER_BUILDKIT": "0",
    }
    run = Lading(home, env)
    run.ok("keygen")
    (home / "policy.yaml").write_text(NO_PICKLES)
    return run


def test_a_no_stops_the_release_before_the_push(
    builder: Lading, registry_referrers: Registry, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    image = f"{registry_referrers.host}/acme/refused:1"
    verdict = tmp_path / "verdict.json"

    ran = builder(
        *("build", "--policy-file", "policy.yaml", "--verdict", f"json={verdict}"),
        *("-t", image, "--push", str(context)),
    )

    assert ran.status == 12
    assert "is in the format pickle" in ran.err
    assert json.loads(verdict.read_text())["verdict"] == "FAILED"
    with pytest.raises(NotFound):
        open_registry(parse_reference(image)).resolve("1")


def test_a_yes_is_sealed_under_the_policy_and_a_changed_policy_is_refused(
    builder: Lading, registry_referrers: Registry, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    (context / "models" / "priority.pkl").unlink()
    image = f"{registry_referrers.host}/acme/passed:1"
    summary = tmp_path / "summary.json"
    builder.ok(
        *("build", "--policy-file", "policy.yaml", "--summary-json", str(summary)),
        *("-t", image, "--push", str(context)),
    )

    document = json.loads(summary.read_text())
    schema = json.loads((parts.ROOT / "docs" / "schemas" / "build.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(document)
    assert document["policy"]["verdict"] == "PASSED"
    assert builder("verify", image, "--policy", "policy.yaml").status == 0

    changed = tmp_path / "changed.yaml"
    changed.write_text(NO_PICKLES + "# looser\n")
    ran = builder("verify", image, "--policy", str(changed), "--json")
    assert ran.status == 12
    [violation] = ran.json()["policy"]["violations"]
    assert violation["rule"] == "sealed-policy"
    assert document["policy"]["digest"] in violation["message"]


def test_rules_about_reports_wait_and_the_seal_does_not_claim_them(
    builder: Lading, registry_referrers: Registry, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    (context / "models" / "priority.pkl").unlink()
    image = f"{registry_referrers.host}/acme/waiting:1"
    policy = tmp_path / "reports.yaml"
    policy.write_text(NO_PICKLES + "  - rule: reports\n    type: sarif\n    max: {error: 0}\n")

    built = builder("build", "--policy-file", str(policy), "-t", image, "--push", str(context))
    assert built.status == 0, built.err
    assert "later     reports" in built.err
    assert builder("verify", image, "--policy", str(policy)).status == 12

    report = tmp_path / "scan.sarif"
    run = {"tool": {"driver": {"name": "bandit"}}, "results": []}
    report.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))
    builder.ok("attach", image, str(report))
    assert builder("verify", image, "--policy", str(policy)).status == 0


def test_an_image_that_is_never_pushed_is_judged_by_what_is_kept_locally(
    builder: Lading, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    (context / "models" / "priority.pkl").unlink()
    policy = tmp_path / "local.yaml"
    policy.write_text(NO_PICKLES + "  - rule: reports\n    type: sarif\n")
    report = tmp_path / "scan.sarif"
    run = {"tool": {"driver": {"name": "bandit"}}, "results": []}
    report.write_text(json.dumps({"version": "2.1.0", "runs": [run]}))

    name = f"{NAMESPACE}/never-pushed:1"
    builder.ok("build", "--policy-file", str(policy), "-t", name, str(context))
    assert builder("verify", name, "--policy", str(policy)).status == 12
    builder.ok("attach", name, str(report))
    assert builder("verify", name, "--policy", str(policy)).status == 0
    builder.ok("policy", "seal", str(policy), name)
    assert builder("verify", name, "--policy", "policy.yaml").status == 12


def test_the_base_image_is_judged_by_the_provenance_of_the_build_itself(
    builder: Lading, base_image: str, registry_referrers: Registry, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context", base=base_image)
    image = f"{registry_referrers.host}/acme/based:1"
    policy = tmp_path / "base.yaml"
    rule = "version: 1\nname: base\nrules:\n  - rule: base-images\n    allow: ['{}']\n"

    policy.write_text(rule.format("docker.io/library/debian:*"))
    refused = builder("build", "--policy-file", str(policy), "-t", image, "--push", str(context))
    assert refused.status == 12
    assert f"the base image {base_image} is not on the list" in refused.err

    policy.write_text(rule.format(base_image))
    builder.ok("build", "--policy-file", str(policy), "-t", image, "--push", str(context))
    assert builder("verify", image, "--policy", str(policy)).status == 0


def test_a_broken_policy_stops_before_docker_builds(builder: Lading, tmp_path: Path) -> None:
    context = write_context(tmp_path / "context")
    policy = tmp_path / "broken.yaml"
    policy.write_text("version: 1\nname: broken\nrules: []\n")

    ran = builder("build", "--policy-file", str(policy), "-t", f"{NAMESPACE}/never:1", str(context))

    assert ran.status == 22
    assert ran.out == ""
