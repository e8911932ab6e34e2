"""``lading keygen``: a new pair, or the public half of a key that there is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lading.attest.keys import key_id, load_private, load_public
from lading.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def test_a_pair_is_p256_and_encrypted_unless_said(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_KEY_PASSWORD", "correct horse")
    assert main(["keygen"]) == 0
    key = load_private(here / "lading.key", lambda: b"correct horse")
    assert getattr(key, "key_size", None) == 256
    assert key.public_key() == load_public(here / "lading.pub")


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519"])
def test_the_public_half_of_a_key(
    here: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    assert main(["keygen", "--no-password", "--kind", kind, "-o", "a"]) == 0
    assert "not encrypted" in said(capsys)
    assert main(["keygen", "--public-of", "a.key", "-o", "b"]) == 0
    assert "private key" not in said(capsys)
    assert (here / "b.pub").read_bytes() == (here / "a.pub").read_bytes()
    assert not (here / "b.key").exists()
    assert main(["keygen", "--public-of", "a.key", "-o", "c", "--json"]) == 0
    identity = key_id(load_public(here / "a.pub"))
    assert json.loads(capsys.readouterr().out) == {"public_key": "c.pub", "key_id": identity}


def test_the_password_of_a_key_is_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_KEY_PASSWORD", "correct horse")
    assert main(["keygen"]) == 0
    monkeypatch.setenv("LADING_KEY_PASSWORD", "wrong")
    assert main(["keygen", "--public-of", "lading.key", "-o", "b"]) == 22
    assert "password does not open" in said(capsys)
    assert not (here / "b.pub").exists()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["-o", "a"], 22, "keys are never overwritten (a.pub)"),
        (["-o", "b", "--kind", "p256"], 2, "--public-of with --kind"),
        (["-o", "b", "--no-password"], 2, "--public-of with --no-password"),
    ],
)
def test_what_is_refused(
    here: Path, capsys: pytest.CaptureFixture[str], words: list[str], status: int, says: str
) -> None:
    assert main(["keygen", "--no-password", "-o", "a"]) == 0
    before = (here / "a.pub").read_bytes()
    capsys.readouterr()
    assert main(["keygen", "--public-of", "a.key", *words]) == status
    assert says in said(capsys)
    assert (here / "a.pub").read_bytes() == before
    assert not (here / "b.pub").exists()


@pytest.mark.parametrize(("key", "status"), [("hashivault://a/b", 2), ("absent.key", 22)])
def test_keys_that_are_not_there(
    here: Path, capsys: pytest.CaptureFixture[str], key: str, status: int
) -> None:
    assert main(["keygen", "--public-of", key]) == status
    assert key.partition(":")[2].lstrip("/") in said(capsys)
    assert list(here.iterdir()) == []


def test_who_verifies_by_a_uri_is_told_to_keep_the_key(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", "--key", "awskms:alias/a", "registry:127.0.0.1:1/x:1"]) == 22
    assert "lading keygen --public-of 'awskms:alias/a'" in said(capsys)


def test_a_key_that_is_there_is_told_before_a_password_is_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "lading.pub").write_text("somebody's")
    assert main(["keygen"]) == 22
    text = said(capsys)
    assert "keys are never overwritten (lading.pub)" in text
    assert "-o NAME" in text


def test_a_password_in_another_encoding(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_KEY_PASSWORD", "gr\udcfcn")  # Latin-1, as Python hands it on
    assert main(["keygen"]) == 0
    assert load_private(here / "lading.key", lambda: b"gr\xfcn")
    assert main(["keygen", "--public-of", "lading.key", "-o", "b"]) == 0
