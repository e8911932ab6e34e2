"""Names that are mistyped: a usage error that says what was meant, whatever the verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lading.cli import main
from lading.image import PATH_HINT
from lading.usecases.locate import Ports, locate
from lading.usecases.targets import parse_image
from lading_oci.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Repository
    from lading_oci.references import Reference

WRONG = "ghcr.io//service:1"


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "--key", "lading.pub", WRONG],
        ["tree", WRONG],
        ["inspect", f"registry:{WRONG}"],
        ["bom", f"registry:{WRONG}"],
        ["download", WRONG],
        ["copy", WRONG, "oci-dir:here"],
    ],
    ids=lambda words: words[0],
)
def test_what_is_no_reference_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "not an image reference" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["verify", "tree", "inspect", "bom", "attest", "pull"])
@pytest.mark.parametrize("path", ["./models", "/srv/models", "../models"])
def test_a_path_without_a_prefix(
    verb: str, path: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = {"verify": ["--key", "lading.pub"], "pull": ["--key", "lading.pub"]}
    assert main([verb, *keys.get(verb, []), path]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "A directory or file needs a prefix: dir:," in said


def test_the_name_of_a_directory_that_is_no_image(here: Path) -> None:
    """Nothing says that it is a path; the registry's answer comes with the hint."""
    (here / "models").mkdir()

    def refuse(reference: Reference) -> Repository:
        raise NotFound(f"{reference.registry} has no such image", status=404)

    nowhere = Ports(refuse, lambda: pytest.fail("not asked"), lambda name: None)
    with pytest.raises(NotFound) as caught:
        locate(parse_image("models"), nowhere)
    assert caught.value.hint == PATH_HINT
    with pytest.raises(NotFound) as caught:
        locate(parse_image("modles"), nowhere)
    assert "No Docker engine here has an image of this name" in str(caught.value.hint)


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "localhost:1/svc", "--key", "k.pub", "--verdict", "sarif=out"],
        ["verify", "localhost:1/svc", "--key", "k.pub", "--previous", "old.json"],
        ["verify", "dir:.", "--key", "k.pub", "--verdict", "sarif=out"],
        ["build", "--verdict", "sarif=out", "."],
        ["build", "--previous", "old.json", "."],
    ],
    ids=lambda words: " ".join(words[::3]),
)
def test_a_verdict_of_no_policy_is_a_usage_error(
    words: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever forgot the policy must not take silence for its yes."""
    assert main(words) == 2
    assert "is about a policy, and there is none" in " ".join(capsys.readouterr().err.split())
    assert not (here / "out").exists()


@pytest.mark.parametrize("target", ["localhost:1/svc", "dir:."])
def test_a_mistyped_policy_is_told_before_any_work(
    target: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "p.yaml").write_text("version: 1\nname: x\nrules:\n  - rule: model-safty\n")

    assert main(["verify", target, "--key", "k.pub", "--policy", "p.yaml"]) == 22
    assert "Did you mean 'model-safety'?" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("verb", ["verify", "download"])
def test_a_type_that_does_not_exist(
    verb: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told before anybody is asked: what does not exist is on no image."""
    assert main([verb, "localhost:1/svc", "--key", "k.pub", "--type", "bomm"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "Got: bomm. Wanted: bom, cyclonedx" in said
    assert "Did you mean 'bom'?" in said


@pytest.mark.parametrize(
    "words",
    [
        ["build", "--no-attest", "--bom-output", "nowhere/b.json", "."],
        ["build", "--no-attest", "--summary-json", "nowhere/s.json", "."],
        ["build", "--no-attest", "--policy-file", "p.yaml", "--verdict", "sarif=nowhere/v", "."],
        ["attest", "dir:.", "--bom-output", "nowhere/b.json"],
        ["attest", "dir:.", "--signature-file", "nowhere/model.sig"],
    ],
    ids=lambda words: " ".join(words[::2]),
)
def test_a_result_that_could_not_be_written_is_told_before_docker_starts(
    words: list[str],
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After the push would be too late: what was public then stayed unsaid."""
    (here / "docker").write_text("#!/bin/sh\ntouch started\n")
    (here / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}:/usr/bin:/bin")
    (here / "p.yaml").write_text("version: 1\nname: x\nrules:\n  - rule: model-safety\n")

    assert main(words) == 22
    assert f"there is no directory {here / 'nowhere'}" in capsys.readouterr().err.replace(
        "\n  ", " "
    )
    assert not (here / "started").exists()
