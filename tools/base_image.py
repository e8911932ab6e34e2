#!/usr/bin/env python3
"""See to a base image with Python and print its name, for ``--build-arg BASE_IMAGE=…``.

It is ``python:3.12-slim`` where the engine has it or can pull it. Elsewhere, as root on Debian, it
is made from Debian's packages by debootstrap and imported into the engine as
``lading-demo/python:local``, once. So that ``pip install`` works in it wherever it works on this
machine, it gets the machine's CA bundle and pip's settings (package index, trusted hosts; never an
address that holds a password).

Needs an engine (``engine.py up``; DOCKER_HOST is honoured). Standard library only.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PULLED = "python:3.12-slim"
LOCAL = "lading-demo/python:local"
PULL_SECONDS = 60
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
PIP_KEYS = frozenset({"index-url", "extra-index-url", "trusted-host", "default-timeout", "timeout"})
DEBIAN = Path(__file__).with_name("debian.sh")


class BaseImageError(Exception):
    """No base image can be had; the message says why."""


def say(text: str) -> None:
    """Tell the user what takes time."""
    print(f"base image: {text}", file=sys.stderr, flush=True)


def docker(*arguments: str, seconds: float | None = None) -> bool:
    """Run the docker CLI quietly; return whether it succeeded in time."""
    command = ["docker", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def base_image() -> str:
    """Return the name of an image with Python and pip that the engine has.

    Raises:
        BaseImageError: it can be neither pulled nor built here.
    """
    with _one_at_a_time():
        for name in (PULLED, LOCAL):
            if docker("image", "inspect", name):
                return name
        say(f"pulling {PULLED}")
        if docker("pull", PULLED, seconds=PULL_SECONDS):
            return PULLED
        say("it cannot be pulled here; building one from Debian's packages, about a minute, once")
        _build()
        return LOCAL


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lading"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".base-image.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise BaseImageError(f"{PULLED} cannot be pulled, and building one needs root on Debian")
    if shutil.which("debootstrap") is None:
        subprocess.run([str(DEBIAN), "install", "debootstrap"], check=False, stdout=sys.stderr)
    found = subprocess.run([str(DEBIAN), "site"], capture_output=True, text=True, check=False)
    site = found.stdout.split()
    if len(site) != 2:
        raise BaseImageError("apt on this machine names no package mirror")
    with tempfile.TemporaryDirectory(prefix="lading-base-") as scratch:
        root = Path(scratch) / "root"
        _debootstrap(root, mirror=site[0], suite=site[1])
        _clean(root)
        _adopt_settings(root)
        _import(root)


def _debootstrap(root: Path, *, mirror: str, suite: str) -> None:
    include = "--include=python3,python3-pip,ca-certificates"
    command = ["debootstrap", "--variant=minbase", include, suite, str(root), mirror]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BaseImageError("debootstrap is not here and could not be installed") from None
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise BaseImageError(f"debootstrap failed: {' '.join(last)}")


def _clean(root: Path) -> None:
    for pattern in ("var/cache/apt/archives/*.deb", "var/cache/apt/*.bin", "var/lib/apt/lists/*_*"):
        for path in root.glob(pattern):
            path.unlink()
    # An image is not a machine whose packages a user might break: the official Python images
    # have no such mark either.
    for mark in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        mark.unlink()
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")


def _adopt_settings(root: Path) -> None:
    names = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    for bundle in (*(os.environ.get(name) for name in names), BUNDLE):
        if bundle and Path(bundle).is_file():
            (root / BUNDLE.lstrip("/")).write_bytes(Path(bundle).read_bytes())
            break
    lines = [f"{key} = {value}\n" for key, value in sorted(_pip_settings().items())]
    (root / "etc/pip.conf").write_text("".join(["[global]\n", *lines]), encoding="utf-8")


def _pip_settings() -> dict[str, str]:
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    settings: dict[str, str] = {}
    for line in listed.splitlines():
        key, _, quoted = line.partition("=")
        name = key.rpartition(".")[2]
        value = str(ast.literal_eval(quoted)) if quoted.startswith(("'", '"')) else quoted
        if name in PIP_KEYS and not any(urlsplit(part).username for part in value.split()):
            settings[name] = value.replace("\n", " ")
    return settings


def _import(root: Path) -> None:
    pip = f"ENV PIP_CERT={BUNDLE} PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1"
    command = ["docker", "import", "--change", pip, "--change", 'CMD ["python3"]', "-", LOCAL]
    pack = ["tar", "--create", "--numeric-owner", "--directory", str(root), "."]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
        done = subprocess.run(
            command, stdin=tar.stdout, capture_output=True, text=True, check=False
        )
    if done.returncode != 0 or tar.returncode != 0:
        raise BaseImageError(f"docker import failed: {done.stderr.strip()}")


def main() -> int:
    """Print the image's name; exit status 1 with the reason when there is none."""
    try:
        print(base_image())
    except BaseImageError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
