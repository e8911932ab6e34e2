#!/usr/bin/env python3
"""Measure `lading verify --key` beside `cosign verify-attestation --key`: same image, same run.

    verify.py [--packages N] [--times N] [--json FILE]

Starts a registry on loopback (olareg, in memory), pushes an image with N Python packages and a
model, attests it, and lets both verify it by its digest in turn. Needs olareg and cosign
(`tools/gotools.py install olareg cosign`) and syft; no Docker engine, no network.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import parts
from lading_oci import open_registry, parse_reference
from support import registries
from support.oci_images import make_image, push_image
from support.product import MODEL

__all__ = ["main"]

LADING = [sys.executable, "-m", "lading"]
NOWHERE = "unix:///nonexistent/docker.sock"  # an engine's copy is none of cosign's business


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: seconds by the wall and of the processors, peak memory in bytes."""

    wall: float
    processor: float
    memory: int


def _cost(command: list[str], environment: dict[str, str]) -> Cost:
    """Run a command; the kernel's own account of it is what counts.

    Raises:
        RuntimeError: it failed.
    """
    start = time.monotonic()
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=null, stderr=null)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _middle(costs: list[Cost]) -> Cost:
    return Cost(
        median(one.wall for one in costs),
        median(one.processor for one in costs),
        max(one.memory for one in costs),
    )


def _layer(packages: int) -> bytes:
    """Return a layer with a model and installed Python packages."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:

        def add(name: str, content: bytes) -> None:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

        model = parts.ROOT / "examples" / "ml-service" / MODEL
        add(f"srv/{MODEL}", model.read_bytes())
        for number in range(packages):
            info = f"usr/lib/python3/dist-packages/package_{number}-1.0.dist-info"
            text = f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.0\nLicense: MIT\n"
            add(f"{info}/METADATA", text.encode())
            add(f"{info}/RECORD", f"package_{number}-1.0.dist-info/METADATA,,\n".encode())
    return layer.getvalue()


def _commands(host: str, scratch: Path, packages: int) -> dict[str, list[str]]:
    """Push and attest the image; return the commands that verify it."""
    name = f"{host}/bench/verify"
    image = make_image("benchmark", layer=_layer(packages))
    digest = push_image(open_registry(parse_reference(name)), image, tag="1").digest
    key = scratch / "key"
    for words in (
        ("keygen", "--no-password", "-o", str(key)),
        ("attest", "--signing-key", f"{key}.key", f"registry:{name}@{digest}"),
    ):
        subprocess.run([*LADING, *words], check=True, capture_output=True)
    trusted = ("--key", f"{key}.pub")
    pinned = f"{name}@{digest}"
    lading = [*LADING, "verify", *trusted]
    cosign = [str(parts.require("cosign")), "verify-attestation", *trusted]
    insecure = ["--insecure-ignore-tlog", "--allow-http-registry"]
    return {
        "lading verify": [*lading, pinned],
        "lading verify --full": [*lading, "--full", pinned],
        "cosign verify-attestation": [*cosign, *insecure, "--type", "cyclonedx", pinned],
    }


def _measure(packages: int, times: int, scratch: Path) -> dict[str, Cost]:
    with registries.start("olareg", scratch) as registry:
        commands = _commands(registry.host, scratch, packages)
        environment = {**os.environ, "DOCKER_HOST": NOWHERE, "DOCKER_CONFIG": str(scratch)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for _ in range(times + 1):
            for name, command in commands.items():
                costs[name].append(_cost(command, environment))
        # the first of each is spent on the disk's cache
        return {name: _middle(found[1:]) for name, found in costs.items()}


def main() -> int:
    """Run the command line; exit status 1 when lading took more than cosign."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--packages", type=int, default=300)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--json", metavar="FILE", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lading-bench-") as scratch:
        found = _measure(options.packages, options.times, Path(scratch))
    peer = found["cosign verify-attestation"]
    for name, one in found.items():
        print(
            f"{name:28} wall {one.wall:6.3f} s ({one.wall / peer.wall:4.2f})  "
            f"processor {one.processor:6.3f} s ({one.processor / peer.processor:4.2f})  "
            f"{one.memory / 2**20:4.0f} MiB"
        )
    if options.json:
        document = {name: asdict(one) for name, one in found.items()}
        options.json.write_text(json.dumps(document, indent=2))
    return int(found["lading verify"].processor > peer.processor)


if __name__ == "__main__":
    sys.exit(main())
