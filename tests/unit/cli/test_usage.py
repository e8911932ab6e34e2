"""Mistakes that typer finds are told as every other error; words of other programs are known."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lading.cli import VERBS, main
from lading.cli.render import print_error
from lading.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.errors import FactsError


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["buld", "."], "No such command 'buld'. Did you mean 'build'? See `lading --help`."),
        (["verify"], "Missing argument 'IMAGE'. See `lading verify --help`."),
        (["verify", "a", "b"], "extra argument(s) (b). See `lading verify --help`."),
        (["verify", "--polcy", "p", "a"], "No such option: --polcy. Did you mean --policy? See"),
        (["--json", "verify", "a"], "No such option: --json. Options follow the verb: lading VERB"),
        (["keygen", "--kind", "rsa"], "value for '--kind': 'rsa' is not one of 'p256', 'p384'"),
        (["keygen", "-o"], "Option '-o' requires an argument. See `lading keygen --help`."),
        (["policy", "chek"], "No such command 'chek'. Did you mean 'check'"),
        (["buildx", "build", "."], "takes the options of `docker buildx build`, too."),
        (["compose", "build"], "Build with docker, then `lading push IMAGE`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_paragraph_that_says_what_to_do(
    words: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    text = said(capsys)
    assert text.startswith("lading: ")
    assert says in text
    assert "Usage:" not in text


@pytest.mark.parametrize("verb", sorted({*VERBS} - {"build", "policy", "init"}))
def test_a_mistake_is_a_document_under_json(
    verb: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, "--json", "--no-such-option"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "UsageError"
    assert error["what"] == "No such option: --no-such-option"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["help"], "Commands:"),
        (["help", "verify"], "Usage: lading verify"),
        (["help", "policy", "seal"], "Usage: lading policy seal"),
        (["help", "build"], "--signing-key FILE|URI"),
        (["version"], "lading "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_help_and_version_as_words(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 0
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["policy"]])
def test_who_asks_nothing_gets_the_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [60, 72, 100])
def test_an_error_fits_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    error: FactsError = UsageError("word " * 60, hint="word " * 30)
    print_error(error)
    lines = capsys.readouterr().err.splitlines()
    assert max(map(len, lines)) <= columns
    assert len(lines) > 2


def test_a_terminal_that_is_left_in_place_of_a_password(tmp_path: Path) -> None:
    terminal, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if "LADING" not in name}
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "lading", "keygen"],
            stdin=theirs,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env=environment,
            start_new_session=True,  # no other terminal to ask on
        ) as asking:
            assert asking.stderr is not None
            asked = b""
            while not asked.endswith(b": ") and (char := asking.stderr.read(1)):
                asked += char
            os.write(terminal, b"\x04")  # control-D
            answer = asking.stderr.read()
    finally:
        os.close(terminal)
        os.close(theirs)
    assert asked == b"New password of the private key: "
    assert asking.returncode == 2
    assert answer == b"\nlading: No password was given. Type it, or set LADING_KEY_PASSWORD.\n"
    assert list(tmp_path.iterdir()) == []
