"""A signal while syft runs: the process ends at once, in order, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lading.exit_codes import ExitCode
from lading.packages import find_syft
from support.image_stores import docker_archive, tar_of

if TYPE_CHECKING:
    from pathlib import Path

STATUS = b"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n"
SECONDS = 10.0


@pytest.fixture
def slow_syft(tmp_path: Path) -> Path:
    """The real syft, which is asked for its version, and takes its time for anything else."""
    path = tmp_path / "syft"
    path.write_text(
        "#!/bin/sh\n"
        f'case "$1" in scan) echo $$ > {tmp_path}/pid; exec sleep 600;; esac\n'
        f'exec {find_syft().path} "$@"\n'
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, ExitCode.INTERRUPTED, b"interrupted"),
        (signal.SIGTERM, ExitCode.TERMINATED, b""),
        (signal.SIGHUP, ExitCode.HUNG_UP, b""),
    ],
)
def test_a_signal_leaves_nothing_behind(
    number: signal.Signals, status: ExitCode, said: bytes, slow_syft: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "a.tar"
    archive.write_bytes(docker_archive([tar_of({"var/lib/dpkg/status": STATUS})]))
    private = tmp_path / "private"
    private.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "lading", "inspect", f"docker-archive:{archive}"],
        env={
            **os.environ,
            "LADING_SYFT": str(slow_syft),
            "TMPDIR": str(private),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        stderr=subprocess.PIPE,
        # a run in the background starts with SIGINT ignored (POSIX sh)
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        try:
            pid = awaited(tmp_path / "pid")
            assert list(private.iterdir())
            process.send_signal(number)
            _, told = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == status
    assert said in told
    assert b"Traceback" not in told
    assert list(private.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def awaited(path: Path) -> int:
    """Return the number that a file will have."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if path.exists() and (text := path.read_text().strip()):
            return int(text)
        time.sleep(0.02)
    raise AssertionError(f"nothing wrote {path}")
