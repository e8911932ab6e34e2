"""The builder of pinned Go programs: nothing unpinned is built, nothing half-built is found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import parts

GOTOOLS = parts.ROOT / "tools" / "gotools.py"
PINS = json.loads(GOTOOLS.with_suffix(".json").read_text(encoding="utf-8"))["tools"]

# Stands in for the toolchain: answers `go mod download -json` and writes what `go build` is asked
# for (what is in the file `built`), or fails after having written half of it.
FAKE_GO = """#!/bin/sh
case "$1" in
    mod) echo '{{"Dir": "{directory}", "Sum": "{checksum}"}}' ;;
    build)
        while [ "$1" != -o ]; do shift; done
        /bin/cat {built} >"$2"
        /bin/chmod +x "$2"
        exit {status} ;;
esac
"""


def _gotools(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"LADING_TOOLS": str(tmp_path / "tools"), "PATH": str(tmp_path / "bin")}
    return subprocess.run(
        [sys.executable, str(GOTOOLS), *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def _fake_go(
    tmp_path: Path,
    *,
    checksum: str,
    status: int = 0,
    directory: Path | None = None,
    built: str = "/dev/null",
) -> None:
    program = tmp_path / "bin" / "go"
    program.parent.mkdir(exist_ok=True)
    script = FAKE_GO.format(
        directory=directory or tmp_path, checksum=checksum, status=status, built=built
    )
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)


def test_a_program_is_built_once(tmp_path: Path) -> None:
    _fake_go(tmp_path, checksum=PINS["olareg"]["checksum"])
    first = _gotools(tmp_path, "install", "olareg")
    assert (first.returncode, "built in" in first.stdout) == (0, True), first
    _fake_go(tmp_path, checksum="h1:never-asked", status=1)
    assert "already there" in _gotools(tmp_path, "install", "olareg").stdout
    path = _gotools(tmp_path, "path", "olareg").stdout.strip()
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize(
    ("checksum", "status", "reason"),
    [
        ("h1:of-something-else", 0, "pinned is " + PINS["olareg"]["checksum"]),
        (PINS["olareg"]["checksum"], 1, "exit status 1"),
    ],
)
def test_a_failed_build_leaves_its_reason_and_no_program(
    tmp_path: Path, checksum: str, status: int, reason: str
) -> None:
    _fake_go(tmp_path, checksum=checksum, status=status)
    done = _gotools(tmp_path, "install", "olareg")
    assert done.returncode == 1
    assert reason in done.stdout
    assert _gotools(tmp_path, "path", "olareg").returncode == 1
    left = {path.name for path in (tmp_path / "tools").iterdir()}
    assert left == {".lock", f"olareg-{PINS['olareg']['version']}.reason"}


def test_what_a_program_adds_is_built_in_a_copy_of_the_module(tmp_path: Path) -> None:
    ((added, source),) = PINS["trillian"]["add"].items()
    module = tmp_path / "module"
    (module / "log").mkdir(parents=True)
    (module / "log" / "log.go").write_text("package log", encoding="utf-8")
    for directory in (module / "log", module):
        directory.chmod(0o555)
    _fake_go(tmp_path, checksum=PINS["trillian"]["checksum"], directory=module, built=added)
    done = _gotools(tmp_path, "install", "trillian")
    assert done.returncode == 0, done
    program = _gotools(tmp_path, "path", "trillian").stdout.strip()
    assert Path(program).read_bytes() == (parts.ROOT / source).read_bytes()
    assert [one.name for one in module.iterdir()] == ["log"]


def test_without_go_the_reason_says_so(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = _gotools(tmp_path, "install", "light")
    assert done.returncode == 1
    assert "no Go toolchain" in done.stdout


def test_every_pin_is_whole() -> None:
    for name, pin in PINS.items():
        assert pin["group"] in {"light", "heavy", "sigstore"}, name
        assert pin["version"].startswith("v"), name
        # What no build has seen yet has no checksum of ours: Go's checksum database vouches.
        assert pin.get("checksum", "h1:").startswith("h1:"), name
