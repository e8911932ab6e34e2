"""Whom ``verify`` trusts, when command line, environment and ``lading.toml`` disagree."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lading.cli import main, quick
from lading.cli.trusting import configured_rule, configured_verifier, demands
from lading.errors import UsageError, VerificationError
from support.attest_samples import pair

if TYPE_CHECKING:
    from pathlib import Path

NAME = "registry.example/acme/svc"
TRUST = """
[[trust]]
images = ["registry.example/acme/*"]
max-age = "7d"
signers = [{ key = "release.pub" }]
"""


def keys(given: dict[str, Any], name: str = NAME) -> list[str | None]:
    return [one.key for one in configured_rule(given, name).signers]


def test_the_command_line_wins_over_the_environment_over_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "lading.toml").write_text("[verify]\nkey = ['a.pub', 'b.pub']\n")
    assert keys({}) == ["a.pub", "b.pub"]
    monkeypatch.setenv("LADING_KEY", os.pathsep.join(("c.pub", "d.pub")))
    assert keys({}) == ["c.pub", "d.pub"]
    assert keys({"key": ["e.pub"]}) == ["e.pub"]
    rule = configured_rule({"key": ["e.pub"]}, NAME)
    assert rule.where == "the command line"


def test_rules_in_the_file(here: Path) -> None:
    (here / "lading.toml").write_text(TRUST)
    assert keys({}) == ["release.pub"]
    assert configured_rule({}, NAME).where == "lading.toml, rule 1"
    assert keys({"key": ["mine.pub"]}) == ["mine.pub"]


def test_rules_in_another_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "etc").mkdir()
    (here / "etc" / "trust.toml").write_text(TRUST)
    (here / "lading.toml").write_text("[verify]\nkey = 'other.pub'\n")
    assert keys({"trust": "etc/trust.toml"}) == ["etc/release.pub"]
    monkeypatch.setenv("LADING_TRUST", "etc/trust.toml")
    assert keys({}) == ["etc/release.pub"]
    monkeypatch.delenv("LADING_TRUST")
    (here / "lading.toml").write_text("[verify]\ntrust = 'etc/trust.toml'\n")
    assert keys({}) == ["etc/release.pub"]


def test_no_rule_for_an_image_means_no(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "lading.toml").write_text(TRUST)

    status = main(["verify", "registry:other.example/acme/svc:1", "--json"])

    assert status == 10
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert (error["code"], error["got"]) == ("trust", "other.example/acme/svc")
    assert "Nobody is trusted for this image" in shown.err
    assert "other.example/acme/svc" in error["hint"]


@pytest.mark.parametrize(
    ("given", "file"),
    [
        ({"trust": "t.toml", "key": ["k"]}, ""),
        ({"trust": "t.toml", "identity": ["i"], "issuer": "u"}, ""),
        ({}, "[verify]\nkey = 'k'\n" + TRUST),
        ({}, "[verify]\ntrust = 't.toml'\n" + TRUST),
    ],
)
def test_rules_and_signers_at_once(here: Path, given: dict[str, Any], file: str) -> None:
    (here / "lading.toml").write_text(file)
    with pytest.raises(UsageError, match="two ways at once"):
        configured_rule(given, NAME)


VERIFYING = ("KEY", "IDENTITY", "IDENTITY_REGEXP", "ISSUER", "TRUST", "TRUSTED_ROOT", "TLOG")
MORE = ("CERTIFICATE_ROOT", "CERTIFICATE_CHAIN", "TIMESTAMP", "REQUIRE_ATTESTED_MODELS")


@pytest.mark.parametrize("quickly", [True, False])
@pytest.mark.parametrize("name", [*VERIFYING, *MORE, "POLICY_FILE", "PREVIOUS", "TRUST_CONFIG"])
def test_an_empty_variable_is_not_one_that_is_unset(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    *,
    quickly: bool,
) -> None:
    """A CI variable that does not exist arrives as an empty one."""
    (here / "lading.toml").write_text(TRUST)
    monkeypatch.setenv(f"LADING_{name}", "")
    if not quickly:
        monkeypatch.setattr(quick, "parse", lambda _words: None)
    assert main(["verify", f"registry:{NAME}:1"]) == 2
    assert f'LADING_{name}=""' in capsys.readouterr().err
    assert main(["build", "--policy-file", "p.yaml", "."]) == 2
    assert f'LADING_{name}=""' in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", ["--trust", "--trusted-root", "--issuer", "--identity", "--max-age"]
)
def test_an_empty_option_is_not_one_that_is_not_given(
    here: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    (here / "lading.toml").write_text(TRUST)
    (here / "release.pub").write_bytes(pair().public_pem)
    assert main(["verify", f"registry:{NAME}:1", option, ""]) == 2
    assert option in capsys.readouterr().err


def test_an_empty_setting_of_the_file(here: Path) -> None:
    for line in ("key = ''", "key = []", "issuer = ''", "trusted-root = ''"):
        (here / "lading.toml").write_text(f"[verify]\n{line}\n")
        with pytest.raises(UsageError, match="is empty"):
            configured_rule({"key": ["k.pub"]}, NAME)


def test_nobody(here: Path) -> None:
    for given in ({}, {"issuer": "u"}, {"trusted-root": "r"}, {"tlog": True}):
        with pytest.raises(UsageError, match="Nobody is trusted"):
            configured_rule(given, NAME)
        assert configured_verifier(given, NAME) is None


def test_identities(here: Path) -> None:
    given = {"identity": ["a@b"], "identity-regexp": [".+@c"], "issuer": "u", "key": ["k.pub"]}
    rule = configured_rule({**given, "trusted-root": "root.json", "timestamp": True}, NAME)
    key, exact, pattern = rule.signers
    assert (key.key, key.timestamp, rule.trusted_root) == ("k.pub", True, "root.json")
    assert [str(exact.name), str(exact.issuer), exact.timestamp] == ["a@b", "u", False]
    assert pattern.name is not None
    assert pattern.name.is_pattern


@pytest.mark.parametrize(
    "given", [{"identity": ["i"]}, {"identity": ["i"], "issuer": "u", "certificate-root": "r"}]
)
def test_an_identity_needs_one_that_vouches(here: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="who vouches"):
        configured_rule(given, NAME)


@pytest.mark.parametrize(
    "given",
    [
        {"key": ["k"], "issuer": "u"},
        {"key": ["k"], "certificate-root": "r"},
        {"key": ["k"], "certificate-chain": "c"},
        {"identity": ["i"], "issuer": "u", "certificate-chain": "c"},
        {"identity": ["i"], "certificate-root": "r", "timestamp": True},
        {"trust": "t.toml", "tlog": True},
        {"trust": "t.toml", "issuer": "u"},
    ],
)
def test_what_would_not_be_heard_is_refused(here: Path, given: dict[str, Any]) -> None:
    (here / "t.toml").write_text(TRUST)
    with pytest.raises(UsageError):
        configured_rule(given, NAME)


def test_what_would_not_be_heard_in_the_file_is_refused(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "lading.toml").write_text("[verify]\ntlog = true\n" + TRUST)
    with pytest.raises(UsageError, match="for each signer"):
        configured_rule({}, NAME)
    (here / "lading.toml").write_text(TRUST)
    monkeypatch.setenv("LADING_TLOG", "1")  # which is how this machine signs
    assert configured_rule({}, NAME).signers


def test_rules_without_a_root_of_their_own_take_the_option(here: Path) -> None:
    own = TRUST.replace("max-age", "trusted-root = 'own.json'\nmax-age")
    for text, wanted in ((TRUST, "root.json"), (own, "own.json")):
        (here / "lading.toml").write_text(text)
        assert configured_rule({"trusted-root": "root.json"}, NAME).trusted_root == wanted


def test_the_files_issuer_does_not_vouch_for_the_command_lines_identity(here: Path) -> None:
    (here / "lading.toml").write_text("[verify]\nidentity = 'a'\nissuer = 'u'\n")
    with pytest.raises(UsageError, match="who vouches"):
        configured_rule({"identity": ["b"]}, NAME)


def test_the_option_may_only_ask_for_fresher_evidence(here: Path) -> None:
    (here / "lading.toml").write_text(TRUST)
    rule = configured_rule({}, NAME)
    assert demands(rule, None).max_age == timedelta(days=7)
    assert demands(rule, "1d").max_age == timedelta(days=1)
    assert demands(rule, "30d").max_age == timedelta(days=7)


def test_a_verifier_where_somebody_is_trusted(here: Path) -> None:
    (here / "release.pub").write_bytes(pair().public_pem)
    (here / "lading.toml").write_text(TRUST)
    assert configured_verifier({}, NAME) is not None
    assert configured_verifier({}, "other.example/x") is None
    with pytest.raises(VerificationError):
        configured_rule({}, "other.example/x")
