"""Where identities come from, as a user meets it: a person on a terminal, or automation."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lading.attest import trust
from lading.attest.signers.announced import AnnouncedSigner
from lading.attest.tokens import read_token
from lading_oci import open_registry, parse_reference
from local_sigstore.google_cloud import ACCOUNT, IMPERSONATED, google_cloud
from support.attest_samples import statement
from support.oci_images import make_image, push_image
from support.oci_server import Reply, Request, serve
from support.product import Lading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lading.attest.interface import SignerIdentity
    from lading.attest.tokens import IdentityToken
    from local_sigstore.local import LocalSigstore
    from support.engines import DockerEngine
    from support.registries import Registry

pytestmark = pytest.mark.interop

BUILDER = "builder@example.com"
#: Programs that a job of theirs has, the words with which they give a token, and the job's mark.
AGENTS = {
    "buildkite": (
        "buildkite-agent",
        ("oidc", "request-token", "--audience", "sigstore"),
        "BUILDKITE",
    ),
    "circleci": (
        "circleci",
        ("run", "oidc", "get", "--claims", '{"aud": "sigstore"}'),
        "CIRCLECI",
    ),
}
EMPTY_TAR = b"\x00" * 10240


@pytest.fixture
def image(registry_referrers: Registry, request: pytest.FixtureRequest) -> str:
    name = f"{registry_referrers.host}/{request.node.name.partition('[')[0]}:1"
    push_image(open_registry(parse_reference(name)), make_image(name, layer=EMPTY_TAR), tag="1")
    return name


@pytest.fixture
def words(image: str, local: LocalSigstore) -> list[str]:
    config = local.write("config.json", local.trust_config())
    return ["attest", f"registry:{image}", "--keyless", f"--trust-config={config}"]


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}


def on_a_terminal(words: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``lading`` with a terminal for standard input, so that there is somebody to ask."""
    ours, theirs = pty.openpty()
    try:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "lading", *words],
            env=env,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def verifies(image: str, local: LocalSigstore, env: dict[str, str], directory: Path) -> bool:
    root = local.write("root.json", local.trusted_root())
    who = (f"--identity={BUILDER}", f"--issuer={local.issuer.url}", f"--trusted-root={root}")
    return Lading(directory, env)("verify", f"registry:{image}", *who).status == 0


def test_a_person_without_a_browser_confirms_a_code_elsewhere(
    image: str, words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    done = on_a_terminal(words, {**env, "SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"})

    assert done.returncode == 0, done.stderr
    told = [line.strip() for line in done.stderr.splitlines()]
    order = [
        next(at for at, line in enumerate(told) if text in line)
        for text in ("sign in at", "WDJB-MJHT", f"signing as {BUILDER}", "becomes public, in logs")
    ]
    assert order == sorted(order)
    assert verifies(image, local, env, tmp_path)


def test_a_person_signs_in_in_the_browser(
    image: str, words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(
        f"#!{sys.executable}\nimport sys, urllib.request\n"
        "urllib.request.urlopen(sys.argv[1], timeout=30).read()\n"
    )
    browser.chmod(0o755)

    done = on_a_terminal(words, {**env, "DISPLAY": ":99", "BROWSER": f"{browser} %s &"})

    assert done.returncode == 0, done.stderr
    assert f"signing as {BUILDER}" in done.stderr
    assert verifies(image, local, env, tmp_path)


def test_a_person_who_says_no(words: list[str], env: dict[str, str], local: LocalSigstore) -> None:
    local.issuer.deny = "access_denied"
    try:
        done = on_a_terminal(words, {**env, "SSH_CONNECTION": "x"})
    finally:
        local.issuer.deny = None

    assert done.returncode == 22
    assert "access_denied" in done.stderr
    assert "signing as" not in done.stderr


@contextmanager
def automation(kind: str, local: LocalSigstore, directory: Path) -> Iterator[dict[str, str]]:
    """The environment of a job, with the token service that it has."""
    if kind == "gitlab":
        yield {"GITLAB_CI": "true", "SIGSTORE_ID_TOKEN": local.issuer.token()}
        return
    if kind in AGENTS:
        program, asked, variable = AGENTS[kind]
        agent = directory / program
        wanted = "".join(f'[ "$1" = {shlex.quote(word)} ] || exit 3; shift\n' for word in asked)
        agent.write_text(f"#!/bin/sh\n{wanted}echo {local.issuer.token()}\n")
        agent.chmod(0o755)
        yield {variable: "true", "PATH": f"{directory}:{os.environ['PATH']}"}
        return

    def answer(request: Request) -> Reply:
        allowed = request.headers.get("authorization") == "bearer secret"
        asked = request.query.get("audience") == ["sigstore"]
        token = local.issuer.token() if allowed and asked else "no"
        headers = {"Content-Type": "application/json"}
        return Reply(200, b'{"value": "%s"}' % token.encode(), headers)

    with serve(answer) as server:
        yield {
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"http://{server.host}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret",
        }


@pytest.mark.parametrize("kind", ["github", "gitlab", *AGENTS])
def test_automation_signs_as_itself(
    *,
    kind: str,
    image: str,
    words: list[str],
    env: dict[str, str],
    local: LocalSigstore,
    tmp_path: Path,
) -> None:
    with automation(kind, local, tmp_path) as job:
        done = Lading(tmp_path, {**env, **job})(*words)

    assert done.status == 0, done.err
    assert f"signing as {BUILDER}" in done.err
    assert "secret" not in done.err
    assert "eyJ" not in done.err
    assert verifies(image, local, env, tmp_path)


def test_automation_that_may_not_have_a_token(
    words: list[str], env: dict[str, str], tmp_path: Path
) -> None:
    done = Lading(tmp_path, {**env, "GITHUB_ACTIONS": "true"})(*words)

    assert done.status == 22
    assert "id-token: write" in done.err


def test_a_token_from_the_environment_needs_no_option(
    image: str, words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    token = {"LADING_IDENTITY_TOKEN": local.issuer.token()}
    done = Lading(tmp_path, {**env, **token})(*(word for word in words if word != "--keyless"))

    assert done.status == 0, done.err
    assert verifies(image, local, env, tmp_path)


def test_build_announces_before_docker_starts_and_signs_as_the_token_says(
    docker_engine: DockerEngine,
    registry_referrers: Registry,
    local: LocalSigstore,
    tmp_path: Path,
) -> None:
    image = f"{registry_referrers.host}/acme/keyless:1"
    (tmp_path / "token").write_text(local.issuer.token())
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY token.txt /\n")
    (tmp_path / "token.txt").write_text("no token")
    config = local.write("config.json", local.trust_config())
    env = {**docker_engine.env, "HOME": str(tmp_path), "DOCKER_BUILDKIT": "0"}
    how = ("--keyless", "--identity-token", "token", "--trust-config", str(config))

    try:
        done = Lading(tmp_path, env)("build", *how, "-t", image, "--push", ".")
    finally:
        docker_engine.docker("rmi", "--force", image)

    assert done.status == 0, done.err
    assert done.err.index(f"signing as {BUILDER}") < done.err.index("attested")
    assert "Successfully built" in done.out, "docker's own output, untouched"
    assert verifies(image, local, env, tmp_path)


def test_build_does_not_start_without_an_identity(
    docker_engine: DockerEngine, local: LocalSigstore, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    config = local.write("config.json", local.trust_config())
    env = {**docker_engine.env, "HOME": str(tmp_path), "DOCKER_BUILDKIT": "0"}

    done = Lading(tmp_path, env)("build", "--keyless", f"--trust-config={config}", ".")

    assert done.status == 2
    assert "no identity to sign as" in done.err
    assert done.out == "", "docker has not begun"


# --- on a machine of Google Cloud --------------------------------------------------------------


IDENTITY = f"GET {ACCOUNT}/identity"


def test_a_machine_of_google_clouds_signs_as_its_service_account(
    image: str, words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    with google_cloud(tmp_path, local.issuer.token) as machine:
        done = Lading(tmp_path, env, machine.under)(*words)

    assert done.status == 0, done.err
    assert f"signing as {BUILDER}" in done.err
    assert "eyJ" not in done.err
    assert machine.asked == [IDENTITY]
    assert verifies(image, local, env, tmp_path)


def test_one_service_account_of_google_clouds_in_the_name_of_another(
    image: str, words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    with google_cloud(tmp_path, local.issuer.token) as machine:
        job = {**env, **machine.env, "GOOGLE_SERVICE_ACCOUNT_NAME": IMPERSONATED}
        done = Lading(tmp_path, job, machine.under)(*words)

    assert done.status == 0, done.err
    assert f"signing as {BUILDER}" in done.err
    assert "secret" not in done.err
    assert [line.rpartition("/")[2] for line in machine.asked] == [
        "token",
        f"{IMPERSONATED}:generateIdToken",
    ]
    assert verifies(image, local, env, tmp_path)


def test_a_machine_of_google_clouds_without_a_service_account(
    image: str, words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    with google_cloud(tmp_path, local.issuer.token) as machine:
        machine.refusal = Reply(404, b"service account not defined")
        done = Lading(tmp_path, env, machine.under)(*words)

    assert done.status == 22
    assert "service account not defined" in done.err
    assert "on Google Cloud the machine needs" in " ".join(done.err.split())
    assert "signing as" not in done.err
    assert machine.asked == [IDENTITY]
    assert not verifies(image, local, env, tmp_path)


def test_a_token_of_google_clouds_with_an_unverified_email(
    words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    with google_cloud(tmp_path, lambda: local.issuer.token(email_verified=False)) as machine:
        done = Lading(tmp_path, env, machine.under)(*words)

    assert done.status == 22
    assert "not verified by its issuer" in done.err


def test_a_machine_of_somebody_elses_is_not_asked(
    words: list[str], env: dict[str, str], local: LocalSigstore, tmp_path: Path
) -> None:
    with google_cloud(tmp_path, local.issuer.token, product="KVM") as machine:
        done = Lading(tmp_path, env, machine.under)(*words)

    assert done.status == 2
    assert "no identity to sign as" in done.err
    assert machine.asked == []


# --- tokens that run out -----------------------------------------------------------------------


@pytest.mark.parametrize(("lifetime", "asked"), [(300, 1), (10, 3)])
def test_a_token_that_runs_out_is_asked_for_again(
    local: LocalSigstore, lifetime: float, asked: int
) -> None:
    tokens: list[IdentityToken] = []
    announced: list[SignerIdentity] = []

    def source() -> IdentityToken:
        tokens.append(read_token(local.issuer.token(lifetime=lifetime), now=datetime.now(UTC)))
        return tokens[-1]

    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    signer = AnnouncedSigner(config, source, announced.append)
    signer.prepare()
    assert announced == [tokens[0].identity], "announced before anything is signed"
    for number in range(2):
        signer.sign(statement(n=number, t=time.time_ns()))

    assert len(tokens) == asked
    assert len(announced) == 1, "and once"


def test_another_identity_is_announced_anew(local: LocalSigstore) -> None:
    announced: list[str] = []
    names = iter(["first@example.com", "second@example.com"])

    def source() -> IdentityToken:
        raw = local.issuer.token(lifetime=10, email=next(names), sub="x")
        return read_token(raw, now=datetime.now(UTC))

    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    signer = AnnouncedSigner(config, source, lambda identity: announced.append(identity.name))
    signer.prepare()
    signer.sign(statement(t=time.time_ns()))

    assert announced == ["first@example.com", "second@example.com"]
