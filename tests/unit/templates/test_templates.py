"""What ``lading init`` writes: where, never over somebody's own, and each valid."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import yaml

import parts
from lading import __version__
from lading.cli import main
from lading.policy.schema import render
from lading_templates import DEFAULT, TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path

FILES = {file.path: file for one in TEMPLATES.values() for file in one.files}
POLICIES = sorted(path for path in FILES if path.startswith("policy/") and path.endswith(".yaml"))


def content(path: str) -> str:
    return FILES[path].content().decode()


def documents(path: str) -> Any:
    return yaml.safe_load(content(path))


def conforms(name: str, document: object) -> None:
    schema = json.loads((parts.ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(document)


def test_every_template_is_written_where_it_belongs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", *TEMPLATES, "--directory", str(tmp_path), "--json"]) == 0

    document = json.loads(capsys.readouterr().out)
    conforms("init", document)
    assert sorted(document["written"]) == sorted(FILES)
    for path, file in FILES.items():
        assert (tmp_path / path).read_bytes() == file.content()
        mode = (tmp_path / path).stat().st_mode
        assert bool(mode & stat.S_IXUSR) is file.executable


def test_without_names_the_policies_and_their_schema_are_written(tmp_path: Path) -> None:
    assert main(["init", "--directory", str(tmp_path)]) == 0

    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names == {
        "permissive.yaml",
        "research.yaml",
        "production.yaml",
        "policy.schema.json",
    }
    assert set(DEFAULT) <= set(TEMPLATES)


def test_what_differs_is_never_overwritten_unless_forced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "policy" / "production.yaml"
    own.parent.mkdir()
    own.write_text("mine\n")

    assert main(["init", "--directory", str(tmp_path)]) == 22
    assert "policy/production.yaml" in capsys.readouterr().err
    assert [path.name for path in own.parent.iterdir()] == ["production.yaml"], "nothing written"
    assert own.read_text() == "mine\n"

    assert main(["init", "--directory", str(tmp_path), "--force", "--json"]) == 0
    assert own.read_text() != "mine\n"
    capsys.readouterr()
    assert main(["init", "--directory", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == []


def test_a_misspelt_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "github-action"]) == 2
    assert "github-actions" in capsys.readouterr().err


def test_the_list_names_every_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in TEMPLATES)


@pytest.mark.parametrize("path", POLICIES)
def test_policies_are_valid_for_editors_and_for_lading(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = content(path)
    assert text.splitlines()[0] == "# yaml-language-server: $schema=policy.schema.json"
    jsonschema_rs.validator_for(render()).validate(yaml.safe_load(text))

    main(["init", *TEMPLATES, "--directory", str(tmp_path)])
    capsys.readouterr()
    assert main(["policy", "check", str(tmp_path / path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    conforms("policy-check", document)
    assert document["rules"]
    assert main(["policy", "explain", str(tmp_path / path), "--json"]) == 0
    conforms("policy-explain", json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("path", "options"),
    [
        (".github/workflows/lading.yml", ["--builtin-schema", "vendor.github-workflows"]),
        (
            "lading.gitlab-ci.yml",
            ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"],
        ),
    ],
)
def test_pipelines_fit_their_published_schemas(
    path: str, options: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(content(path))

    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *options, str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/lading.yml",
        "lading.gitlab-ci.yml",
        "Jenkinsfile",
        "deploy/lading/Dockerfile",
    ],
)
def test_lading_is_installed_from_a_wheel_of_this_version(path: str) -> None:
    """By its name alone it would be whatever somebody publishes under it."""
    text = content(path)

    assert f"lading-{__version__}-py3-none-any.whl" in text
    [installed] = re.findall(r"pip install (?:--no-cache-dir )?(\S+)", text)
    assert installed.strip("'") in {'"$WHEEL"', "/tmp/lading-*.whl"}


def test_the_github_workflow_signs_keyless_with_least_permissions() -> None:
    workflow = documents(".github/workflows/lading.yml")

    assert workflow["permissions"] == {
        "contents": "read",
        "id-token": "write",
        "packages": "write",
    }
    steps = workflow["jobs"]["release"]["steps"]
    for step in steps:  # what comes from outside reaches the shell through the environment only
        assert "${{" not in step.get("run", "")


def words_of(path: str) -> list[list[str]]:
    """Return every ``lading`` command line of a pipeline, joined lines as one."""
    text = content(path).replace("\\\n", " ")
    found = []
    for line in _logical(text):
        at = line.find("lading ")
        if at >= 0 and ("--" in line[at:] or "attach" in line[at:]):
            found.append(line[at:].strip(" '").split())
    return found


def _logical(text: str) -> list[str]:
    """Join the lines of a folded YAML block (``>-``)."""
    lines: list[str] = []
    folded: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if folded is not None and line.strip() and indent > folded:
            lines[-1] += " " + line.strip()
            continue
        folded = indent if line.rstrip().endswith(">-") else None
        lines.append(line)
    return [line for line in lines if not line.lstrip().startswith(("#", "//"))]


@pytest.mark.parametrize(
    "path",
    [".github/workflows/lading.yml", "lading.gitlab-ci.yml", "Jenkinsfile"],
)
def test_pipelines_use_options_that_there_are(path: str) -> None:
    from lading.engine.argv import OWN_OPTIONS

    seen = set()
    for words in words_of(path):
        verb = words[1]
        seen.add(verb)
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        if verb == "build":
            assert options - {"--push"} <= {f"--{name}" for name in OWN_OPTIONS}
            continue
        group = words[1:3] if verb == "policy" else [verb]
        shown = subprocess.run(
            [sys.executable, "-m", "lading", *group, "--help"],
            capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "COLUMNS": "200"},
        ).stdout  # fmt: skip
        assert all(option in shown for option in options), (words, shown)
    assert seen == {"build", "attach", "policy"}


@pytest.mark.parametrize(
    "path", ["deploy/lading/verify-job.yaml", "deploy/lading/init-container.yaml"]
)
def test_pods_verify_with_few_privileges(path: str) -> None:
    document = documents(path)
    pod = document["spec"]["template"]["spec"]
    [verify] = pod.get("initContainers") or pod["containers"]

    assert verify["args"][0] == "verify"
    assert verify["securityContext"]["runAsNonRoot"] is True
    assert verify["securityContext"]["readOnlyRootFilesystem"] is True
    mounted = {one["name"] for one in verify["volumeMounts"]}
    assert mounted == {one["name"] for one in pod["volumes"]}


def test_the_init_container_verifies_the_digest_that_runs() -> None:
    pod = documents("deploy/lading/init-container.yaml")["spec"]["template"]["spec"]

    [verify], [service] = pod["initContainers"], pod["containers"]
    assert verify["args"][-1] == f"registry:{service['image']}"
    assert "@sha256:" in service["image"]


def test_admission_policies_want_a_passed_seal_by_an_anchored_identity() -> None:
    seal = "https://slsa.dev/verification_summary/v1"
    kyverno = documents("deploy/lading/kyverno.yaml")
    [rule] = kyverno["spec"]["rules"]
    [images] = rule["verifyImages"]
    [attestation] = images["attestations"]
    controller = documents("deploy/lading/policy-controller.yaml")
    [authority] = controller["spec"]["authorities"]

    assert (kyverno["kind"], controller["kind"]) == ("ClusterPolicy", "ClusterImagePolicy")
    assert (images["type"], images["failureAction"]) == ("SigstoreBundle", "Enforce")
    assert (attestation["type"], authority["attestations"][0]["predicateType"]) == (seal, seal)
    [condition] = attestation["conditions"][0]["all"]
    assert condition["value"] == "PASSED"
    assert '"PASSED"' in authority["attestations"][0]["policy"]["data"]
    assert authority["signatureFormat"] == "bundle"
    [attestor] = attestation["attestors"][0]["entries"]
    for pattern in (
        attestor["keyless"]["subjectRegExp"],
        authority["keyless"]["identities"][0]["subjectRegExp"],
    ):
        assert pattern.startswith("^")
        assert pattern.endswith("$")


@pytest.mark.skipif(not shutil.which("sh"), reason="no sh")
def test_the_deploy_script_is_a_portable_shell_script(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text(content("deploy/verify-and-run.sh"))

    subprocess.run(["sh", "-n", str(script)], check=True, timeout=10)
    usage = subprocess.run(
        ["sh", str(script)], capture_output=True, text=True, check=False, timeout=10
    )
    assert usage.returncode != 0
    assert "usage" in usage.stderr
