"""What a tired person runs into: one paragraph that says what to do, and the documented status."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import parts
from support.processes import free_port
from support.product import write_context

if TYPE_CHECKING:
    from pathlib import Path

    from support.engines import DockerEngine
    from support.product import Lading, Ran

KEY = ("--signing-key", "lading.key")


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_context(tmp_path_factory.mktemp("context")))


def _message(ran: Ran) -> str:
    """The last paragraph on standard error, unwrapped."""
    text = " ".join(ran.err[ran.err.rindex("lading: ") :].split())
    assert "Traceback" not in ran.err
    return text


def test_no_engine(lading: Lading, context: str) -> None:
    nowhere = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}

    ran = lading("inspect", "docker:whatever", env=nowhere)
    assert ran.status == 21
    assert "/nonexistent/docker.sock" in _message(ran)
    built = lading("build", *KEY, "-t", "x", context, env=nowhere)
    assert built.status == 1  # docker's own message and status
    assert "docker" in built.err.lower()


def test_docker_is_not_installed(lading: Lading, context: str) -> None:
    ran = lading("build", *KEY, "-t", "x", context, env={"PATH": "/nonexistent"})

    assert ran.status == 21
    assert "apt-get install docker.io" in _message(ran)


def test_a_wrong_password_stops_the_build_before_it_starts(lading: Lading, context: str) -> None:
    ran = lading("build", *KEY, "-t", "x", context, env={"LADING_KEY_PASSWORD": "wrong"})

    assert ran.status == 22
    assert "password does not open the private key" in _message(ran)
    assert "Step 1" not in ran.out


def test_nothing_to_sign_with_stops_the_build_before_it_starts(
    lading: Lading, context: str
) -> None:
    ran = lading("build", "-t", "x", context)

    assert ran.status == 2
    assert "lading keygen" in _message(ran)
    assert "--no-attest" in _message(ran)
    assert "Step 1" not in ran.out


def test_an_unreachable_registry(lading: Lading, context: str) -> None:
    name = f"127.0.0.1:{free_port()}/svc:1"

    ran = lading("build", *KEY, "-t", name, "--push", context)
    assert ran.status == 20
    assert "connection refused" in _message(ran).lower()
    refused = lading("verify", "--key", "lading.pub", f"registry:{name}")
    assert refused.status == 20
    assert "127.0.0.1" in _message(refused)


def test_no_permission_to_push(lading: Lading, context: str, registry_with_password: str) -> None:
    ran = lading("build", *KEY, "-t", f"{registry_with_password}/svc:1", "--push", context)

    assert ran.status == 20
    assert "docker login" in _message(ran)


def test_a_bom_that_is_too_big_is_not_pushed(
    lading: Lading, context: str, registry_referrers, tmp_path: Path
) -> None:
    site = write_context(tmp_path / "big") / "site-packages"
    required = "".join(f"Requires-Dist: package-{number}\n" for number in range(100))
    for number in range(3000):
        info = site / f"package_{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.0\n{required}"
        )
    name = f"{registry_referrers.host}/big:1"

    ran = lading("build", *KEY, "-t", name, "--push", str(tmp_path / "big"))

    assert ran.status == 22
    assert "too big" in _message(ran)
    assert "lading bom -o" in _message(ran)
    assert lading("tree", f"registry:{name}").status == 20  # nothing was pushed


def test_a_failed_build_keeps_dockers_status_and_output(
    lading: Lading, docker_engine: DockerEngine, base_image: str, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(f'FROM {base_image}\nRUN ["sh", "-c", "exit 3"]\n')
    docker = str(parts.require("docker"))
    plain = subprocess.run(
        [docker, "build", "-q", str(tmp_path)],
        env=lading.env,
        capture_output=True,
        text=True,
        check=False,
    )

    ran = lading("build", *KEY, "-q", str(tmp_path))

    assert ran.status == plain.returncode != 0
    assert "lading:" not in ran.err


@pytest.mark.parametrize("words", [("--help",), ("--frobnicate", "."), ("-f",)])
def test_dockers_help_and_complaints_are_dockers(lading: Lading, words: tuple[str, ...]) -> None:
    docker = str(parts.require("docker"))
    plain = subprocess.run(
        [docker, "build", *words],
        cwd=lading.cwd,
        env=lading.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    ran = lading("build", *KEY, *words)

    assert (ran.status, ran.out) == (plain.returncode, plain.stdout)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("verify", "--key", "lading.key", "x"), 22, "private key"),
        (("verify", "--key", "absent.pub", "x"), 22, "absent.pub"),
        (("verify", "x"), 2, "--key"),
        (("verify", "--key", "lading.pub", "docker:absent"), 21, "no such image"),
        (("verify", "--key", "lading.pub", "oci-dir:x"), 2, "oci-dir"),
        (("verify", "--key", "lading.pub", "https://x/y"), 2, "no URL scheme"),
        (("verify", "--key", "lading.pub", "--max-age", "soon", "x"), 2, "--max-age"),
        (("inspect", "docker-archive:absent.tar"), 22, "absent.tar"),
        (("inspect", "docker:absent/image:1"), 21, "absent/image:1"),
        (("bom", "--spec-version", "9", "x"), 2, "1.6"),
        (("keygen",), 22, "never overwritten"),
        (("build", "--signing-key", "absent.key", "."), 22, "absent.key"),
        (("build", "--signing-key"), 2, "needs a value"),
        (("build", *KEY, "--push", "."), 2, "-t"),
        (("build", *KEY, "-t", "Upper/Case", "."), 2, "lower case"),
    ],
)
def test_mistakes_are_explained(
    lading: Lading, words: tuple[str, ...], status: int, says: str
) -> None:
    ran = lading(*words)

    assert (ran.status, says.lower() in _message(ran).lower()) == (status, True), _message(ran)


def test_a_typo_in_the_settings_is_found(lading: Lading, tmp_path: Path) -> None:
    (lading.cwd / "lading.toml").write_text('[build]\nsigning_key = "lading.key"\n')
    try:
        ran = lading("build", ".")
    finally:
        (lading.cwd / "lading.toml").unlink()

    assert ran.status == 2
    assert "signing-key" in _message(ran)


def test_errors_are_json_where_json_was_asked_for(lading: Lading) -> None:
    ran = lading("inspect", "docker-archive:absent.tar", "--json")

    assert ran.status == 22
    assert ran.json()["error"]["where"].endswith("absent.tar")
