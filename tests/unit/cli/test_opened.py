"""A key that opened before is opened beside docker; any other mistake is told before docker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from lading.attest.keys import generate
from lading.attest.signers.options import SigningOptions
from lading.cli import build, main, opened

if TYPE_CHECKING:
    from pathlib import Path

DOCKER = """\
#!/bin/sh
touch "{here}/started"
exit 3
"""


@pytest.fixture
def key(here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A key in an otherwise empty directory, caches of its own, and a docker that only fails."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "cache"))
    monkeypatch.delenv("LADING_NO_CACHE", raising=False)
    (here / "bin").mkdir()
    (here / "bin" / "docker").write_text(DOCKER.format(here=here))
    (here / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{here / 'bin'}:/usr/bin:/bin")
    path = here / "own.key"
    path.write_bytes(generate("p256").private_pem)
    return path


def checked(key: Path, **own: str) -> build._Settings:
    settings = build._Settings({"signing-key": str(key), **own})
    settings.check()
    return settings


def test_a_key_is_opened_before_docker_until_it_is_known(key: Path) -> None:
    first = checked(key)
    assert first.signer is not None

    second = checked(key)
    assert second.signer is None
    assert second.open() is False
    assert second.signer is not None
    assert second.signer.sign is not None


def test_nothing_of_the_key_is_kept(key: Path, here: Path) -> None:
    checked(key)

    (kept,) = (here / "cache" / "lading").iterdir()
    assert kept.read_text() == f"{opened.mark_of(SigningOptions(key=str(key)))}\n"
    secret = key.read_text().splitlines()[1]
    assert secret not in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0


def test_a_key_that_changed_is_opened_before_docker(
    key: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "--signing-key", str(key), "."]) == 3
    assert (here / "started").exists()
    (here / "started").unlink()
    status = key.stat()
    key.write_bytes(key.read_bytes().replace(b"BEGIN", b"BEGUN"))
    os.utime(key, ns=(status.st_atime_ns, status.st_mtime_ns))  # the time of change stays

    assert main(["build", "--signing-key", str(key), "."]) == 22
    assert "key" in capsys.readouterr().err
    assert not (here / "started").exists()

    key.unlink()
    assert main(["build", "--signing-key", str(key), "."]) == 22
    assert not (here / "started").exists()


def test_a_known_key_that_fails_is_told_when_docker_has_ended(
    key: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody changes it in this very moment."""
    key.write_bytes(b"no key")
    monkeypatch.setattr(opened, "is_known", lambda _: True)

    assert main(["build", "--signing-key", str(key), "."]) == 22
    assert "not a key in PEM" in " ".join(capsys.readouterr().err.split())
    assert (here / "started").exists()


def test_a_key_with_a_password_is_never_known(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the password is right, too, is told before docker starts."""
    monkeypatch.setenv("LADING_KEY_PASSWORD", "secret")
    key.write_bytes(generate("p256", b"secret").private_pem)

    assert checked(key).signer is not None
    assert checked(key).signer is not None


def test_only_a_bare_file_is_known(key: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = str(key)
    assert opened.mark_of(SigningOptions(key=name)) is not None
    for other in (
        SigningOptions(keyless=True),
        SigningOptions(key="awskms:alias/x"),
        SigningOptions(key=str(here)),
        SigningOptions(key=name + "s"),
        SigningOptions(key=name, certificate="x.pem"),
        SigningOptions(key=name, log=True),
        SigningOptions(key=name, timestamp=True),
    ):
        assert opened.mark_of(other) is None
    monkeypatch.setenv("LADING_NO_CACHE", "1")
    assert opened.mark_of(SigningOptions(key=name)) is None


def test_where_nothing_can_be_kept_nothing_is_known(
    key: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(here / "file"))

    assert checked(key).signer is not None
    assert checked(key).signer is not None


def test_the_last_few_keys_are_known(key: Path) -> None:
    marks = [f"mark {number}" for number in range(20)]
    for mark in marks:
        opened.keep(mark)
    opened.keep("mark 10")

    assert [mark for mark in marks if opened.is_known(mark)] == marks[4:]
    assert key.exists()
