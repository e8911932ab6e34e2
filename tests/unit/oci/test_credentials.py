"""Where credentials come from: files of Docker and podman, helpers, the environment."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from lading_oci.credentials import Credential, find_credential
from lading_oci.errors import MalformedError

if TYPE_CHECKING:
    from pathlib import Path

HELPER = """#!/bin/sh
[ "$1" = get ] || exit 3
read server
case "$server" in
  helped.example.com) echo '{"ServerURL":"x","Username":"helper","Secret":"hs"}' ;;
  token.example.com) echo '{"Username":"<token>","Secret":"refresh"}' ;;
  https://index.docker.io/v1/) echo '{"Username":"hub","Secret":"hubs"}' ;;
  nonsense.example.com) echo 'top-secret nonsense' ;;
  broken.example.com) echo 'a backend failed with top-secret'; exit 1 ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


def auth(username: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, and a helper on PATH."""
    for name in (
        "DOCKER_CONFIG",
        "REGISTRY_AUTH_FILE",
        "XDG_RUNTIME_DIR",
        "XDG_CONFIG_HOME",
        "LADING_REGISTRY_USERNAME",
        "LADING_REGISTRY_PASSWORD",
        "LADING_REGISTRY_HOST",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    tools = tmp_path / "bin"
    tools.mkdir()
    helper = tools / "docker-credential-fake"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    return tmp_path


def write(path: Path, config: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))


def test_nothing_is_anonymous(home: Path) -> None:
    assert find_credential("r.example.com") is None


@pytest.mark.parametrize(
    "key", ["r.example.com", "https://r.example.com", "https://r.example.com/v2/", "r.example.com/"]
)
def test_dockers_file(home: Path, key: str) -> None:
    write(home / ".docker" / "config.json", {"auths": {key: auth("u", "p:with:colons")}})
    assert find_credential("r.example.com", "a/b") == Credential("u", "p:with:colons")
    assert find_credential("other.example.com", "a/b") is None
    assert find_credential("r.example.com:5000", "a/b") is None


def test_docker_config_names_a_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".docker" / "config.json", {"auths": {"r.example.com": auth("wrong", "p")}})
    write(home / "elsewhere" / "config.json", {"auths": {"r.example.com": auth("right", "p")}})
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "elsewhere"))
    assert find_credential("r.example.com") == Credential("right", "p")


def test_docker_hub_has_a_name_of_its_own(home: Path) -> None:
    key = "https://index.docker.io/v1/"
    write(home / ".docker" / "config.json", {"auths": {key: auth("hub", "p")}})
    assert find_credential("docker.io", "library/ubuntu") == Credential("hub", "p")


def test_identity_tokens(home: Path) -> None:
    entry = {**auth("00000000-0000-0000-0000-000000000000", ""), "identitytoken": "refresh"}
    write(home / ".docker" / "config.json", {"auths": {"r.example.com": entry}})
    found = find_credential("r.example.com")
    assert found is not None
    assert found.identity_token == "refresh"


def test_an_entry_without_a_secret_falls_through_to_the_store(home: Path) -> None:
    config = {"auths": {"helped.example.com": {}}, "credsStore": "fake"}
    write(home / ".docker" / "config.json", config)
    assert find_credential("helped.example.com") == Credential("helper", "hs")


def test_helpers(home: Path) -> None:
    config = {"credHelpers": {"helped.example.com": "fake", "token.example.com": "fake"}}
    write(home / ".docker" / "config.json", config)
    assert find_credential("helped.example.com") == Credential("helper", "hs")
    assert find_credential("token.example.com") == Credential("", "", "refresh")
    assert find_credential("other.example.com") is None


def test_a_store_that_has_nothing(home: Path) -> None:
    write(home / ".docker" / "config.json", {"credsStore": "fake"})
    assert find_credential("other.example.com") is None
    assert find_credential("docker.io") == Credential("hub", "hubs")


@pytest.mark.parametrize("registry", ["nonsense.example.com", "broken.example.com"])
def test_a_helper_that_fails_is_an_error_without_its_output(home: Path, registry: str) -> None:
    write(home / ".docker" / "config.json", {"credsStore": "fake"})
    with pytest.raises(MalformedError) as caught:
        find_credential(registry)
    assert "top-secret" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["absent", "../evil", "a b", "x/y"])
def test_a_helper_that_cannot_be_is_an_error(home: Path, suffix: str) -> None:
    write(home / ".docker" / "config.json", {"credHelpers": {"r.example.com": suffix}})
    with pytest.raises(MalformedError):
        find_credential("r.example.com")


def test_podmans_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "run" / "containers" / "auth.json", {"auths": {"r.example.com": auth("a", "p")}})
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    assert find_credential("r.example.com") == Credential("a", "p")
    write(home / "file.json", {"auths": {"r.example.com": auth("b", "p")}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "file.json"))
    assert find_credential("r.example.com") == Credential("b", "p")


def test_podmans_more_specific_keys_win(home: Path) -> None:
    auths = {
        "r.example.com": auth("registry", "p"),
        "r.example.com/team": auth("team", "p"),
        "r.example.com/team/app": auth("app", "p"),
    }
    write(home / ".config" / "containers" / "auth.json", {"auths": auths})
    for repository, username in (
        ("team/app", "app"),
        ("team/app/sub", "app"),
        ("team/other", "team"),
        ("teamster/app", "registry"),
        ("x", "registry"),
    ):
        found = find_credential("r.example.com", repository)
        assert found is not None
        assert found.username == username


def test_the_environment_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / ".docker" / "config.json", {"auths": {"r.example.com": auth("file", "p")}})
    monkeypatch.setenv("LADING_REGISTRY_USERNAME", "env")
    assert find_credential("r.example.com") == Credential("file", "p"), "half a pair is none"
    monkeypatch.setenv("LADING_REGISTRY_PASSWORD", "p")
    assert find_credential("r.example.com") == Credential("env", "p")
    monkeypatch.setenv("LADING_REGISTRY_HOST", "only.example.com")
    assert find_credential("r.example.com") == Credential("file", "p")
    assert find_credential("only.example.com") == Credential("env", "p")


@pytest.mark.parametrize(
    "text", ["not json", "[]", '{"auths":{"r.example.com":{"auth":"%%%"}}}', "x" * 2_000_000]
)
def test_a_damaged_file_is_an_error_not_anonymity(home: Path, text: str) -> None:
    path = home / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(MalformedError if len(text) < 1000 else Exception) as caught:
        find_credential("r.example.com")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "config", [{}, {"auths": []}, {"auths": {"r.example.com": 7}}, {"credsStore": 7}]
)
def test_odd_but_harmless_files(home: Path, config: dict[str, Any]) -> None:
    write(home / ".docker" / "config.json", config)
    assert find_credential("r.example.com") is None


def test_an_empty_file_is_no_file(home: Path) -> None:
    path = home / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text("")
    assert find_credential("r.example.com") is None
