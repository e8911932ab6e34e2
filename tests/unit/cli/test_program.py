"""``lading`` as a process: how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lading.exit_codes import ExitCode

FULL = Path("/dev/full")
LADING = [sys.executable, "-m", "lading"]
NO_KEY = ("verify", "--key", "/nonexistent.pub", "registry:127.0.0.1:1/x:1")


def test_it_ends_with_the_status_and_has_written_everything() -> None:
    ran = subprocess.run([*LADING, *NO_KEY, "--json"], capture_output=True, text=True, check=False)

    assert ran.returncode == ExitCode.INPUT
    assert ran.stdout.rstrip().endswith("}")
    assert "/nonexistent.pub" in ran.stderr


def test_the_installed_program_is_the_same() -> None:
    program = Path(sys.executable).with_name("lading")
    ran = subprocess.run([program, *NO_KEY], capture_output=True, text=True, check=False)

    assert ran.returncode == ExitCode.INPUT


@pytest.mark.skipif(not FULL.exists(), reason="no full device here")
@pytest.mark.parametrize("words", [("--version",), (*NO_KEY, "--json"), ("verify", "--help")])
def test_output_that_cannot_be_written_is_no_success(words: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        ran = subprocess.run([*LADING, *words], stdout=full, stderr=subprocess.PIPE, check=False)

    assert ran.returncode != ExitCode.OK
    assert b"No space left on device" in ran.stderr
