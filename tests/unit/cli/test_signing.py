"""Who signs, when command line, environment and ``lading.toml`` say different things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lading.attest.signers.open import SigningOptions
from lading.cli import options
from lading.cli.build import HELP
from lading.cli.signing import configured_signer, signing_options
from lading.config import load_config
from lading.engine.argv import OWN_OPTIONS
from lading.errors import UsageError
from support.attest_samples import pair, public, statement

if TYPE_CHECKING:
    from pathlib import Path


def write(here: Path, **settings: Any) -> None:
    lines = [f"{name.replace('_', '-')} = {value!r}" for name, value in settings.items()]
    text = "\n".join(["[build]", *lines]).replace("True", "true").replace("False", "false")
    (here / "lading.toml").write_text(text)


def test_the_command_line_wins_over_the_environment_over_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, signing_key="file.key")
    assert signing_options({}).key == "file.key"
    monkeypatch.setenv("LADING_SIGNING_KEY", "environment.key")
    assert signing_options({}).key == "environment.key"
    assert signing_options({"signing-key": "own.key"}).key == "own.key"


@pytest.mark.parametrize(
    ("given", "environment", "file", "wanted"),
    [
        ({"keyless": True}, {}, {"signing_key": "f"}, SigningOptions(keyless=True)),
        ({"signing-key": "k"}, {}, {"keyless": True}, SigningOptions(key="k")),
        ({"keyless": "true"}, {"LADING_SIGNING_KEY": "e"}, {}, SigningOptions(keyless=True)),
        (
            {},
            {"LADING_IDENTITY_TOKEN": "t"},
            {"signing_key": "f"},
            SigningOptions(keyless=True, identity_token="t"),
        ),
        ({"signing-key": "k"}, {"LADING_IDENTITY_TOKEN": "t"}, {}, SigningOptions(key="k")),
        ({}, {"LADING_KEYLESS": "0"}, {"signing_key": "f"}, SigningOptions(key="f")),
        (
            {"tlog": True},
            {"LADING_TIMESTAMP": "1"},
            {"signing_key": "f", "trust_config": "t"},
            SigningOptions(key="f", trust_config="t", log=True, timestamp=True),
        ),
        ({}, {}, {"signing_key": "f", "certificate": "c"}, SigningOptions("f", certificate="c")),
        (
            {"signing-key": "k"},
            {},
            {"signing_key": "f", "certificate": "c"},
            SigningOptions(key="k"),
        ),
        (
            {"certificate": "c"},
            {"LADING_SIGNING_KEY": "e"},
            {},
            SigningOptions(key="e", certificate="c"),
        ),
        ({"keyless": True}, {}, {"certificate": "c"}, SigningOptions(keyless=True)),
    ],
)
def test_the_first_that_says_who_signs_decides(
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, Any],
    environment: dict[str, str],
    file: dict[str, Any],
    wanted: SigningOptions,
) -> None:
    write(here, **file)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert signing_options(given) == wanted


@pytest.mark.parametrize(
    "given",
    [
        {"signing-key": "k", "keyless": True},
        {"signing-key": "k", "identity-token": "t"},
        {"keyless": True, "certificate": "c"},
    ],
)
def test_two_ways_at_once(here: Path, given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="either a key or an identity"):
        signing_options(given)


def test_nothing_to_sign_with(here: Path) -> None:
    with pytest.raises(UsageError, match="nothing to sign with") as caught:
        signing_options({"tlog": True})
    assert "--keyless" in (caught.value.hint or "")


def test_a_log_entry_for_a_certificate(here: Path) -> None:
    (here / "alice.key").write_bytes(pair().private_pem)
    with pytest.raises(UsageError, match="log takes"):
        configured_signer({"signing-key": "alice.key", "certificate": "c", "tlog": True})


def test_a_key_file_signs(here: Path) -> None:
    from lading.attest.verifiers.key import KeyVerifier

    (here / "alice.key").write_bytes(pair().private_pem)
    bundle = configured_signer({"signing-key": "alice.key"}).sign(statement())
    assert KeyVerifier([public()]).verify(bundle).payload == statement()


@pytest.mark.parametrize("uri", ["awskms:///alias/x", "hashivault://x", "azurekms://x/keys/y"])
def test_a_key_services_uri_is_no_file(here: Path, uri: str) -> None:
    write(here, signing_key=uri)
    assert signing_options({}).key == uri


@pytest.mark.parametrize("uri", ["gcpkms:projects/p", "hashivault://a/b", "azurekms://x"])
def test_a_key_services_uri_is_read_as_one(here: Path, uri: str) -> None:
    write(here, signing_key=uri)
    with pytest.raises(UsageError, match="this URI names no"):
        configured_signer({})


def test_paths_in_the_file_are_relative_to_it(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "lading.toml").write_text("[build]\nsigning-key = 'a.key'\n")
    assert load_config(here / "sub").get("build", "signing-key") == str(here / "sub" / "a.key")


def test_each_option_of_build_is_in_its_help_and_can_be_set_in_the_file(here: Path) -> None:
    for name, takes_value in OWN_OPTIONS.items():
        assert f"--{name}" in HELP
        if name != "lading-help":
            value = "'x'" if takes_value else "true"
            (here / "lading.toml").write_text(f"[build]\n{name} = {value}\n")
            assert load_config().tables["build"][name]


def test_build_has_the_same_options_as_the_other_verbs() -> None:
    takes_value = {
        name: annotation.__origin__ is not bool for name, annotation in options.SIGNING.items()
    }
    assert takes_value.items() <= OWN_OPTIONS.items()


@pytest.mark.parametrize(
    ("table", "shared"), [("build", options.SIGNING), ("verify", options.TRUST)]
)
def test_every_option_can_be_set_in_the_file(here: Path, table: str, shared: Any) -> None:
    for name, annotation in shared.items():
        value = "true" if annotation.__origin__ is bool else "'x'"
        (here / "lading.toml").write_text(f"[{table}]\n{name} = {value}\n")
        assert load_config().tables[table][name]
