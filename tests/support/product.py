"""Run ``lading`` as a user does: a process, its environment, its streams and its exit status."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import parts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["MODEL", "PASSWORD", "Lading", "Ran", "cosign_verify", "write_context"]

PASSWORD = "correct horse"
MODEL = "models/ticket-router-tiny/model.safetensors"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Standard output as the one JSON document it must be."""
        return dict(json.loads(self.out))


@dataclass(frozen=True, slots=True)
class Lading:
    """``lading`` in a working directory, with caches, evidence and keys of its own.

    ``under`` are words of a command that runs it, such as ``unshare``'s.
    """

    cwd: Path
    env: Mapping[str, str]
    under: tuple[str, ...] = ()

    def __call__(self, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        """Run it; standard input is closed, so that nothing can wait for an answer."""
        done = subprocess.run(
            [*self.under, sys.executable, "-W", "error", "-m", "lading", *words],
            cwd=self.cwd,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ran(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str) -> Ran:
        """Run it and insist on success."""
        ran = self(*words)
        assert ran.status == 0, f"lading {' '.join(words)}: {ran.status}\n{ran.out}\n{ran.err}"
        return ran


def cosign_verify(lading: Lading, name: str, kind: str = "cyclonedx") -> Ran:
    """Let cosign verify an attestation by the user's key; no log, a registry on loopback."""
    done = subprocess.run(
        [
            *(str(parts.require("cosign")), "verify-attestation", "--key", "lading.pub"),
            *("--type", kind, "--insecure-ignore-tlog", "--allow-http-registry", name),
        ],
        cwd=lading.cwd,
        env=lading.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def write_context(directory: Path, *, base: str = "scratch") -> Path:
    """Write a build context with the example's models and a Debian package database."""
    models = parts.ROOT / "examples" / "ml-service" / "models"
    shutil.copytree(models, directory / "models")
    (directory / "status").write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\n"
        "Version: 2.36-9\nMaintainer: GNU Libc <libc@example.org>\nDescription: C library\n\n"
    )
    (directory / "os-release").write_text('ID=debian\nVERSION_ID="12"\nNAME="Debian"\n')
    info = directory / "site-packages" / "tiny_pkg-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tiny-pkg\nVersion: 1.2\nLicense: MIT\n"
    )
    (info / "RECORD").write_text("tiny_pkg-1.2.dist-info/METADATA,,\n")
    (directory / "Dockerfile").write_text(
        f"FROM {base}\n"
        "COPY models /srv/models\n"
        "COPY os-release /etc/os-release\n"
        "COPY status /var/lib/dpkg/status\n"
        "COPY site-packages /usr/lib/python3/dist-packages\n"
    )
    return directory
