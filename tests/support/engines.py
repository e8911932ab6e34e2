"""A Docker engine for tests, and the images that they build on."""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import parts
from support.processes import PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "BUSYBOX",
    "EXAMPLE",
    "NAMESPACE",
    "DockerEngine",
    "down",
    "import_busybox",
    "python_base",
    "up",
]

BUSYBOX = "lading-test/busybox:latest"
EXAMPLE = "lading-test/ml-service:latest"
#: What the names of this process's images begin with: others may test on the same engine.
NAMESPACE = f"lading-test-{secrets.token_hex(4)}"
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost):(\d+)/")
_PULL_SECONDS = 60
_APPLETS = ("sh", "cat", "cp", "dd", "echo", "ln", "ls", "mkdir", "mv", "rm", "sleep", "touch")


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """An engine that answers. ``env`` is a whole environment for subprocesses.

    In it the docker CLI reaches this engine and has an empty configuration of its own: no
    credentials, no context, no plug-ins of the user's.
    """

    host: str
    env: Mapping[str, str]
    started: bool

    def docker(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run the docker CLI; return what it wrote to standard output, stripped.

        Raises:
            AssertionError: it failed; the message holds what it wrote to standard error.
        """
        done = subprocess.run(
            [str(parts.require("docker")), *arguments],
            env=self.env,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {said[-2000:]}"
        return done.stdout.decode(errors="replace").strip()

    def forget(self) -> None:
        """Take the names away that this process gave to images, those of its registries too."""
        listed = self.docker(
            "images", "--digests", "--format", "{{.Repository}} {{.Tag}} {{.Digest}}"
        )
        names = set()
        for line in listed.splitlines():
            repository, tag, digest = line.split(" ")
            registry = _LOOPBACK.match(repository)
            if repository.startswith(f"{NAMESPACE}/") or (registry and int(registry[1]) in PORTS):
                names |= {f"{repository}:{tag}"} if tag != "<none>" else set()
                names |= {f"{repository}@{digest}"} if digest != "<none>" else set()
        if names:
            self.docker("rmi", "--force", *sorted(names))

    def has_image(self, name: str) -> bool:
        """Return whether the engine has an image of that name."""
        return bool(self.docker("images", "--quiet", name))


def up(config: Path) -> DockerEngine:
    """Find or start an engine (``tools/engine.py``); ``config`` becomes its CLI's directory."""
    command = [sys.executable, str(parts.ROOT / "tools" / "engine.py"), "up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        parts.missing("docker", done.stderr.strip())
    found = json.loads(done.stdout)
    parts.require("docker")
    env = {**os.environ, "DOCKER_HOST": found["host"], "DOCKER_CONFIG": str(config)}
    env.pop("DOCKER_CONTEXT", None)
    return DockerEngine(found["host"], env, started=found["started"])


def down() -> None:
    """Stop the engine that :func:`up` started."""
    command = [sys.executable, str(parts.ROOT / "tools" / "engine.py"), "down"]
    subprocess.run(command, capture_output=True, check=True)


def import_busybox(engine: DockerEngine) -> str:
    """Return the name of a real, small (2 MB) image with a shell; make or pull it once."""
    if engine.has_image(BUSYBOX):
        return BUSYBOX
    program = parts.find("busybox")
    if program is None:
        pull = [str(parts.require("docker")), "pull", "busybox:stable"]
        try:
            subprocess.run(
                pull, env=engine.env, capture_output=True, timeout=_PULL_SECONDS, check=True
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            parts.missing("busybox", f"{parts.reason('busybox')}; busybox:stable cannot be pulled")
        engine.docker("tag", "busybox:stable", BUSYBOX)
        return BUSYBOX
    archive = _busybox_tar(program.read_bytes())
    engine.docker("import", "--change", 'CMD ["/bin/sh"]', "-", BUSYBOX, stdin=archive)
    return BUSYBOX


def _busybox_tar(program: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("bin/busybox")
        member.size, member.mode = len(program), 0o755
        tar.addfile(member, io.BytesIO(program))
        for name in _APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        directory = tarfile.TarInfo("tmp")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(directory)
    return archive.getvalue()


def python_base(engine: DockerEngine) -> str:
    """Return the name of an image with Python and pip (``tools/base_image.py``)."""
    command = [sys.executable, str(parts.ROOT / "tools" / "base_image.py")]
    done = subprocess.run(command, env=engine.env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        parts.missing("python-base", done.stderr.strip())
    return done.stdout.strip()
