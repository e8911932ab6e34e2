from __future__ import annotations

import base64
import dataclasses
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest import tokens
from lading.attest.tokens import ambient_token, read_token
from lading.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GITHUB = "https://token.actions.githubusercontent.com"


def encoded(document: bytes) -> str:
    return base64.urlsafe_b64encode(document).rstrip(b"=").decode()


def token(**changes: Any) -> str:
    claims = {
        "iss": "https://issuer.example",
        "aud": "sigstore",
        "sub": "subject",
        "exp": NOW.timestamp() + 60,
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not ...}
    return f"{encoded(b'{}')}.{encoded(json.dumps(kept).encode())}.c2ln"


@pytest.mark.parametrize(
    ("claims", "name", "issuer"),
    [
        ({}, "subject", "https://issuer.example"),
        ({"email": "a@b.example", "email_verified": True}, "a@b.example", "https://issuer.example"),
        (
            {"iss": GITHUB, "job_workflow_ref": "acme/svc/.github/workflows/r.yml@refs/heads/main"},
            "https://github.com/acme/svc/.github/workflows/r.yml@refs/heads/main",
            GITHUB,
        ),
        (
            {"iss": GITHUB, "sub": "repo:acme/svc:ref:refs/heads/main"},
            "repo:acme/svc:ref:refs/heads/main",
            GITHUB,
        ),
        (
            {
                "iss": "https://gitlab.com",
                "ci_config_ref_uri": "gitlab.com/acme/svc//.gitlab-ci.yml@refs/heads/main",
            },
            "https://gitlab.com/acme/svc//.gitlab-ci.yml@refs/heads/main",
            "https://gitlab.com",
        ),
        (
            {
                "iss": "https://agent.buildkite.com",
                "organization_slug": "acme",
                "pipeline_slug": "svc",
            },
            "https://buildkite.com/acme/svc",
            "https://agent.buildkite.com",
        ),
        (
            {
                "iss": "https://oauth2.sigstore.dev/auth",
                "email": "a@b.example",
                "email_verified": True,
                "federated_claims": {"connector_id": "https://accounts.google.com", "user_id": "1"},
            },
            "a@b.example",
            "https://accounts.google.com",
        ),
        ({"aud": ["other", "sigstore"]}, "subject", "https://issuer.example"),
    ],
)
def test_what_will_be_published(claims: dict[str, Any], name: str, issuer: str) -> None:
    identity = read_token(token(**claims), now=NOW).identity
    assert (identity.kind, identity.name, identity.issuer) == ("keyless", name, issuer)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        pytest.param("", "not an identity token", id="nothing"),
        pytest.param("a.b", "not an identity token", id="two parts"),
        pytest.param("a.!.c", "malformed", id="no base64"),
        pytest.param("a.e30x.c", "malformed", id="no JSON"),
        pytest.param(f"a.{encoded(b'[]')}.c", "malformed", id="no object"),
        pytest.param(f"a.{encoded(b'[' * 1000)}.c", "malformed", id="deep"),
        pytest.param("a." + "A" * 100_000 + ".c", "not an identity token", id="too long"),
        pytest.param(token(aud="other"), "another audience", id="another audience"),
        pytest.param(token(aud=...), "another audience", id="no audience"),
        pytest.param(token(aud={"sigstore": 1}), "another audience", id="audience in an object"),
        pytest.param(token(exp=NOW.timestamp()), "expired", id="expired"),
        pytest.param(token(exp=...), "expired", id="no expiry"),
        pytest.param(token(exp="9999999999"), "expired", id="expiry in a text"),
        pytest.param(token(iss=...), "no issuer", id="no issuer"),
        pytest.param(token(sub=...), "names nobody", id="no subject"),
        pytest.param(token(sub={"a": 1}), "names nobody", id="subject in an object"),
        pytest.param(token(email="a@b.example"), "not verified", id="e-mail, unchecked"),
        pytest.param(
            token(email="a@b.example", email_verified=False),
            "not verified",
            id="e-mail, unverified",
        ),
        pytest.param(
            token(email="a@b.example", email_verified="true"), "not verified", id="e-mail, a text"
        ),
    ],
)
def test_useless_tokens(raw: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_token(raw, now=NOW)
    assert not raw or len(raw) < 20 or raw not in str(caught.value)


def test_a_token_is_not_printed() -> None:
    assert token() not in repr(read_token(token(), now=NOW))


CI_VARIABLES = ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "CI")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in CI_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_gitlab_gives_its_token(elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.setenv("GITLAB_CI", "true")
    elsewhere.setenv("SIGSTORE_ID_TOKEN", token(iss="https://gitlab.com"))
    found = ambient_token(now=NOW)
    assert found is not None
    assert found.identity.issuer == "https://gitlab.com"


def test_automation_that_should_give_a_token_and_does_not(elsewhere: pytest.MonkeyPatch) -> None:
    elsewhere.setenv("GITLAB_CI", "true")
    elsewhere.delenv("SIGSTORE_ID_TOKEN", raising=False)
    with pytest.raises(InputError, match="cannot be had") as caught:
        ambient_token(now=NOW)
    assert "SIGSTORE_ID_TOKEN" in str(caught.value)
    elsewhere.delenv("GITLAB_CI")
    elsewhere.setenv("GITHUB_ACTIONS", "true")
    for name in ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        elsewhere.delenv(name, raising=False)
    with pytest.raises(InputError, match="cannot be had"):
        ambient_token(now=NOW)


def test_automation_that_never_answers(elsewhere: pytest.MonkeyPatch, tmp_path: Path) -> None:
    agent = tmp_path / "buildkite-agent"
    agent.write_text("#!/bin/sh\nexec sleep 20\n")
    agent.chmod(0o755)
    elsewhere.setenv("BUILDKITE", "true")
    elsewhere.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    elsewhere.setattr(tokens, "LIMITS", dataclasses.replace(tokens.LIMITS, service_seconds=0.3))
    start = time.monotonic()

    with pytest.raises(InputError, match="in time"):
        ambient_token(now=NOW)

    assert time.monotonic() - start < 10
