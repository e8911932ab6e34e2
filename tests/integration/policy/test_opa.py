"""Rego in the real opa: its values, and that whatever is not one clear value is an error."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import parts
from lading.errors import InputError
from lading.policy.opa import Opa
from lading_templates import TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def opa() -> Opa:
    return Opa(parts.require("opa"))


def test_the_rego_template_is_strict_and_in_opas_own_style(tmp_path: Path) -> None:
    program = parts.require("opa")
    files = {file.path: file for file in TEMPLATES["policy-license-rego"].files}
    (tmp_path / "license.rego").write_bytes(files["policy/license.rego"].content())

    for words in (["check", "--strict"], ["fmt", "--fail", "--list"]):
        done = subprocess.run(
            [str(program), *words, "license.rego"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def run(opa: Opa, body: str, query: str = "data.lading.deny", given: Any = None) -> Any:
    return opa(f"package lading\n\n{body}\n", query, given or {"models": [{"name": "a"}]})


def test_sets_come_back_as_lists_and_booleans_as_they_are(opa: Opa) -> None:
    deny = "deny contains msg if { some m in input.models; msg := m.name }"
    assert run(opa, deny) == ["a"]
    assert run(opa, deny, given={"models": []}) == []
    assert run(opa, "allow if count(input.models) == 1", "data.lading.allow") is True


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("other := 1", "data.lading.deny"),
        ("allow if input.nothing", "data.lading.allow"),
        ("deny contains 1 / 0", "data.lading.deny"),
        ("deny contains to_number(input.models[0].name)", "data.lading.deny"),
        ("deny contains unheard_of(1)", "data.lading.deny"),
        ("deny contains x if { y == 1 }", "data.lading.deny"),
        ("this is not rego", "data.lading.deny"),
        ("deny := 1\n\ndeny := 2", "data.lading.deny"),
    ],
)
def test_undefined_failing_and_broken_rules_are_errors(opa: Opa, body: str, query: str) -> None:
    with pytest.raises(InputError):
        run(opa, body, query)


@pytest.mark.parametrize(
    "body",
    [
        'deny contains http.send({"method": "GET", "url": "http://127.0.0.1:9/"})',
        'deny contains net.lookup_ip_addr("localhost")',
        "deny contains opa.runtime().env",
    ],
)
def test_network_and_environment_are_not_there(opa: Opa, body: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(opa, body)

    assert "undefined function" in str(refusal.value.got)


@pytest.mark.parametrize("call", ["json.verify_schema(s)", "json.match_schema({}, s)"])
def test_a_schema_fetches_nothing(opa: Opa, call: str) -> None:
    """By itself, opa fetches what a schema refers to, whatever hosts it is told to allow."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.2)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/schema.json"
        body = f'deny contains x if {{ s := {{"$ref": "{url}"}}; x := {call} }}'

        with pytest.raises(InputError) as refusal:
            run(opa, body)
        with pytest.raises(TimeoutError):
            listening.accept()

    assert "undefined function" in str(refusal.value.got)


@pytest.mark.parametrize("call", ['rand.intn("a", 9)', 'uuid.rfc4122("a")'])
def test_nothing_is_random(opa: Opa, call: str) -> None:
    with pytest.raises(InputError):
        run(opa, f"deny contains {call}")


def test_the_environment_does_not_steer_it(
    opa: Opa, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPA_EVAL_FORMAT", "raw")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "input.json").write_text('{"models": []}')

    assert run(opa, "deny contains input.models[0].name") == ["a"]


def test_a_rule_that_runs_for_ever_is_stopped(opa: Opa, monkeypatch: pytest.MonkeyPatch) -> None:
    from lading import limits
    from lading.policy import opa as module

    monkeypatch.setattr(module, "LIMITS", limits.Limits(opa_seconds=2.0))
    slow = "deny contains x if { some x in numbers.range(1, 100000000); x < 0 }"

    with pytest.raises(InputError, match="too long"):
        run(opa, slow)


def test_a_program_that_is_not_opa_is_an_error(tmp_path: Path) -> None:
    for program in (tmp_path / "nothing", parts.ROOT / "README.md"):
        with pytest.raises(InputError):
            run(Opa(program), "deny := set()")
