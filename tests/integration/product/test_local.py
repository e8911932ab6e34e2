"""Images that are never pushed, settings instead of options, and lading as docker's plug-in."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from support.engines import NAMESPACE
from support.product import MODEL, write_context

if TYPE_CHECKING:
    from support.engines import DockerEngine
    from support.product import Lading

KEY = ("--signing-key", "lading.key")
LOCAL = f"{NAMESPACE}/local-service:1"
APART = f"{NAMESPACE}/kept-apart:1"
UNSIGNED = f"{NAMESPACE}/unsigned:1"
QUIET = f"{NAMESPACE}/quiet-service:1"


def test_an_unpushed_image_is_verified_from_the_local_store(
    lading: Lading, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    lading.ok("build", *KEY, "-t", LOCAL, str(context))

    yes = lading("verify", "--key", "lading.pub", LOCAL, "--json")
    assert yes.status == 0, yes.err
    image_id = docker_engine.docker("inspect", "-f", "{{.Id}}", LOCAL)
    assert yes.json()["digest"] == image_id

    weights = context / MODEL
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    docker_engine.docker("build", "-q", "-t", LOCAL, str(context))
    no = lading("verify", "--key", "lading.pub", LOCAL)
    assert no.status == 11


def test_evidence_can_be_kept_in_a_directory_that_is_an_oci_layout(
    lading: Lading, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    store = str(tmp_path / "evidence")

    output = tmp_path / "bom.json"
    kept = ("--evidence", store, "--bom-output", str(output))
    lading.ok("build", *KEY, *kept, "-t", APART, str(context))

    image = json.loads(output.read_text())["metadata"]["component"]
    assert image["name"] == APART
    assert image["purl"].startswith(f"pkg:docker/{NAMESPACE}/kept-apart@sha256%3A")
    verify = ("verify", "--key", "lading.pub", APART, "--evidence")
    assert lading(*verify, store).status == 0
    assert lading(*verify, str(tmp_path / "other")).status == 11
    assert json.loads((tmp_path / "evidence" / "oci-layout").read_text()) == {
        "imageLayoutVersion": "1.0.0"
    }


def test_a_stale_copy_in_the_engine_is_not_covered_by_the_registrys_evidence(
    lading: Lading, docker_engine: DockerEngine, registry_referrers, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/stale:1"
    lading.ok("build", *KEY, "-t", name, "--push", str(context))
    assert lading("verify", "--key", "lading.pub", name).status == 0

    (context / "Dockerfile").write_text("FROM scratch\nCOPY status /something-else\n")
    docker_engine.docker("build", "-q", "-t", name, str(context))

    refused = lading("verify", "--key", "lading.pub", name)
    assert refused.status == 10
    assert "engine" in refused.err
    assert lading("verify", "--key", "lading.pub", f"registry:{name}").status == 0


def test_push_attests_an_image_that_docker_built(
    lading: Lading, docker_engine: DockerEngine, registry_referrers, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/pushed:1"
    docker_engine.docker("build", "-q", "-t", name, str(context))

    document = lading.ok("push", *KEY, name, "--json").json()

    assert document["pushed"] == [f"{name}@{document['digest']}"]
    assert lading("verify", "--key", "lading.pub", name).status == 0


def test_attest_completes_an_image_that_docker_pushed(
    lading: Lading, docker_engine: DockerEngine, registry_referrers, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/completed:1"
    docker_engine.docker("build", "-q", "-t", name, str(context))
    docker_engine.docker("push", name)
    assert lading("verify", "--key", "lading.pub", name).status == 11

    lading.ok("attest", *KEY, name)

    assert lading("verify", "--key", "lading.pub", name).status == 0


def test_several_tags_in_several_repositories_are_each_attested_once(
    lading: Lading, registry_referrers, registry_fallback, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    names = [
        f"{registry_referrers.host}/many:1",
        f"{registry_referrers.host}/many:latest",
        f"{registry_fallback.host}/many:1",
    ]
    tags = [word for name in names for word in ("-t", name)]
    summary = tmp_path / "summary.json"

    lading.ok("build", *KEY, "--summary-json", str(summary), *tags, "--push", str(context))

    document = json.loads(summary.read_text())
    assert len(document["pushed"]) == 3
    assert len(document["attestations"]) == 6  # BOM, provenance and seal in each repository
    for name in names:
        assert lading("verify", "--key", "lading.pub", name).status == 0


def test_settings_spare_the_options(lading: Lading, registry_referrers, tmp_path: Path) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/settings:1"
    (lading.cwd / "lading.toml").write_text(
        '[build]\nsigning-key = "lading.key"\n[verify]\nkey = "lading.pub"\n'
    )
    try:
        lading.ok("build", "-t", name, "--push", str(context))
        lading.ok("verify", name)
    finally:
        (lading.cwd / "lading.toml").unlink()


def test_no_attest_builds_and_signs_nothing(lading: Lading, tmp_path: Path) -> None:
    context = write_context(tmp_path / "context")

    ran = lading.ok("build", "--no-attest", "--label", "signed=no", "-t", UNSIGNED, str(context))

    assert "nothing (--no-attest)" in ran.err
    assert lading("verify", "--key", "lading.pub", UNSIGNED).status == 11


def test_it_is_a_docker_plugin(lading: Lading, docker_engine: DockerEngine, tmp_path: Path) -> None:
    plugins = tmp_path / "cli-plugins"
    plugins.mkdir()
    (plugins / "docker-lading").symlink_to(Path(sys.executable).parent / "docker-lading")
    env = {**lading.env, "DOCKER_CONFIG": str(tmp_path)}

    ran = subprocess.run(
        ["docker", "lading", "--version"], env=env, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("lading ")


def test_buildkit_builds_are_released_too(
    lading: Lading, docker_buildx, registry_referrers, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/buildkit:1"
    env = {
        "DOCKER_BUILDKIT": "1",
        "DOCKER_CONFIG": docker_buildx.env["DOCKER_CONFIG"],
    }

    ran = lading("build", *KEY, "-t", name, "--push", str(context), env=env)

    assert ran.status == 0, ran.err
    assert lading("verify", "--key", "lading.pub", name).status == 0


def test_a_build_that_writes_files_is_dockers_alone(
    lading: Lading, docker_buildx, tmp_path: Path
) -> None:
    """buildx takes no file for an image's ID beside ``-o DIRECTORY``: there is no image."""
    context = write_context(tmp_path / "context")
    env = {"DOCKER_BUILDKIT": "1", "DOCKER_CONFIG": docker_buildx.env["DOCKER_CONFIG"]}

    for output in (str(tmp_path / "out"), f"type=tar,dest={tmp_path / 'out.tar'}"):
        ran = lading("build", *KEY, "-o", output, str(context), env=env)
        assert ran.status == 0, ran.err
        assert "nothing was attested: docker wrote the result as" in ran.err
    assert list((tmp_path / "out").rglob("model.safetensors"))
    assert tarfile.is_tarfile(tmp_path / "out.tar")

    (tmp_path / "out.tar").unlink()
    ran = lading("build", "--require-attested-models", "-o", output, str(context), env=env)
    assert ran.status == 2
    assert "judges an image, and this build leaves none" in " ".join(ran.err.split())
    assert not (tmp_path / "out.tar").exists()


def test_a_quiet_build_says_only_what_is_serious(lading: Lading, tmp_path: Path) -> None:
    context = write_context(tmp_path / "context")
    ran = lading.ok("build", "-q", *KEY, "-t", QUIET, str(context))

    assert ran.out.startswith("sha256:")
    assert "pickle-suspicious-global" in ran.err
    assert "attested" not in ran.err
    assert lading("verify", "--key", "lading.pub", QUIET).status == 0


def test_dockers_help_leads_to_ladings(lading: Lading) -> None:
    ran = lading.ok("build", "--help")

    assert "--iidfile" in ran.out
    assert ran.err.endswith("\nOptions of lading's own: `lading build --lading-help`\n")


def test_evidence_of_a_pushed_image_can_be_kept_apart(
    lading: Lading, registry_referrers, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/apart:1"
    store = f"{registry_referrers.host}/evidence"

    lading.ok("build", *KEY, "--evidence", store, "-t", name, "--push", str(context))

    asked = ("verify", "--key", "lading.pub", "--full", "--evidence")
    for place, status in ((store, 0), (str(tmp_path / "nothing"), 11)):
        for image in (name, f"registry:{name}"):
            assert lading(*asked, place, image).status == status


def test_after_a_push_the_registrys_evidence_counts(
    lading: Lading, registry_referrers, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "context")
    name = f"{registry_referrers.host}/later:1"
    verify = ("verify", "--key", "lading.pub", name, "--json")
    lading.ok("build", *KEY, "-t", name, str(context))
    local = lading.ok(*verify).json()

    lading.ok("push", *KEY, name)
    pushed = lading.ok(*verify).json()

    store = str(lading.cwd / "data" / "lading" / "evidence")
    assert store in local["attestations"][0]["source"]
    assert pushed["attestations"][0]["source"].startswith(f"{registry_referrers.host}/later@")
    assert pushed["digest"] != local["digest"]
    assert pushed["engine_checked"] is True
