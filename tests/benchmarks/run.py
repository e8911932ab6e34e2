#!/usr/bin/env python3
"""Measure lading against its peers: whole processes, in turn, in one run; print the ratios.

    run.py [--small] [--syft FILE] [--only ROW,…] [--json FILE] [--remove]

Needs a Docker engine with BuildKit (tools/engine.py), syft, openssl and GNU tar. The reference
image (5 GB, see reference_image.py) is built when the engine does not have it; a run needs
some 15 GB of disk beside it. Nothing but the image is left behind; --remove removes that too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.measure import Run, in_turn, middle, run
from benchmarks.reference_image import (
    CONTEXT,
    build_arguments,
    buildkit,
    reference_image,
    use_engine,
)

__all__ = ["Row"]

MIB = 1024 * 1024
LADING = [sys.executable, "-m", "lading"]
#: Of lading's own, whatever the image's size.
MOST_MEMORY = 80 * MIB
#: As anybody but root is: without what the engine's directories need to be read.
UNPRIVILEGED = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result. ``target`` is the ratio that is wanted at most."""

    work: str
    ours: Run
    peer: Run
    peer_name: str
    target: float

    @property
    def ratio(self) -> float:
        """Our time over the peer's."""
        return self.ours.seconds / self.peer.seconds

    @property
    def met(self) -> bool:
        """Whether time and memory are what they should be."""
        return self.ratio <= self.target and self.ours.memory <= MOST_MEMORY

    def line(self) -> str:
        """Return the row as text."""
        mark = "ok" if self.ratio <= self.target else "MISSED"
        memory = f"{self.ours.memory / MIB:5.0f} MiB"
        if self.ours.memory > MOST_MEMORY:
            memory += f" (<= {MOST_MEMORY // MIB} MISSED)"
        disk = f"{self.ours.disk / MIB:5.0f} of {self.peer.disk / MIB:.0f} MiB temp"
        return (
            f"{self.work:34} {self.ours.seconds:7.3f} s  {self.peer_name:22} "
            f"{self.peer.seconds:7.3f} s  ratio {self.ratio:5.3f} (<= {self.target:4.2f} {mark:6})"
            f"  {memory}, {disk}"
        )


class Bench:
    """The measurements; each is a method that returns a row."""

    def __init__(self, image: str, syft: str, scratch: Path, *, small: bool) -> None:
        self.image = image
        self.syft = syft
        self.scratch = scratch
        self.small = small
        self.cache = scratch / "cache"
        self.environment = {**os.environ, "LADING_SYFT": syft}

    def _lading(self, *words: str, prefix: tuple[str, ...] = (), cold: bool = True) -> Run:
        """Run lading, with empty caches of its own when ``cold``; syft's version is known."""
        if cold:
            shutil.rmtree(self.cache, ignore_errors=True)
        environment = {**self.environment, "XDG_CACHE_HOME": str(self.cache)}
        return run([*prefix, *LADING, *words], environment)

    def _bom(self, target: str, *prefix: str) -> Run:
        return self._lading("bom", target, "-o", str(self.scratch / "bom.json"), prefix=prefix)

    def _syft(self, target: str) -> Run:
        home = {"HOME": str(self.scratch), "SYFT_CHECK_FOR_APP_UPDATE": "false"}
        output = f"--output=cyclonedx-json={self.scratch / 'syft.json'}"
        return run([self.syft, "scan", target, output, "--quiet"], {**self.environment, **home})

    def directories(self) -> Row:
        """A cold BOM, the engine's layer directories readable."""
        target = f"docker:{self.image}"
        ours, peer = in_turn(lambda: self._bom(target), lambda: self._syft(target))
        return Row("cold bom, layer directories", ours, peer, "syft docker:", 0.10)

    def api(self) -> Row:
        """A cold BOM through the engine's API alone."""
        target = f"docker:{self.image}"
        ours, peer = in_turn(lambda: self._bom(target, *UNPRIVILEGED), lambda: self._syft(target))
        return Row("cold bom, engine API only", ours, peer, "syft docker:", 0.25)

    def archive(self) -> Row:
        """A cold BOM of a saved image."""
        saved = self.scratch / "image.tar"
        subprocess.run(["docker", "save", "-o", str(saved), self.image], check=True)
        target = f"docker-archive:{saved}"
        try:
            ours, peer = in_turn(lambda: self._bom(target), lambda: self._syft(target))
        finally:
            saved.unlink()
        return Row("cold bom, docker-archive:", ours, peer, "syft docker-archive:", 0.25)

    def hashing(self) -> Row:
        """Two GiB of weights in a directory, inspected cold, against their digest alone."""
        hub = self.scratch / "hub"
        make = [sys.executable, str(CONTEXT / "make_models.py"), "hub", str(hub)]
        subprocess.run([*make, "64" if self.small else "2048"], check=True)
        weights = [str(path) for path in hub.rglob("blobs/*") if path.stat().st_size > MIB]
        digest = ["openssl", "dgst", "-sha256", *weights]
        try:
            ours, peer = in_turn(
                lambda: self._lading("inspect", f"dir:{hub}"),
                lambda: run(digest, self.environment),
                times=3,
            )
        finally:
            shutil.rmtree(hub)
        return Row("hashing models", ours, peer, "openssl dgst -sha256", 1.3)

    def headers(self) -> Row:
        """The names of a layer of 32,000 files."""
        tree, layer = self.scratch / "tree", self.scratch / "layer.tar"
        for number in range(32_000 // (10 if self.small else 1)):
            file = tree / f"usr/lib/python3/dist-packages/package{number // 100}/file{number}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"x" * (number % 8192))
        subprocess.run(["tar", "-cf", str(layer), "-C", str(tree), "."], check=True)
        shutil.rmtree(tree)
        try:
            ours, peer = in_turn(
                lambda: run(
                    [sys.executable, str(Path(__file__).with_name("walk.py")), str(layer)],
                    self.environment,
                ),
                lambda: run(["tar", "-tf", str(layer)], self.environment),
                times=5,
            )
        finally:
            layer.unlink()
        return Row("header walk of 32,000 files", ours, peer, "tar -t", 2.0)

    def rebuild(self) -> Row:
        """A build after a one-line change: all that is not docker's, against docker's."""
        context, key, log = (self.scratch / name for name in ("context", "key", "docker.log"))
        shutil.copytree(CONTEXT, context)
        keygen = [*LADING, "keygen", "--no-password", "-o", str(key)]
        subprocess.run(keygen, check=True, stderr=subprocess.DEVNULL)
        self._bom(f"docker:{self.image}")
        tag = f"{self.image}-changed"
        settings = build_arguments(small=self.small)
        command = [
            *(*LADING, "build", "--quiet", "--network=host", f"--tag={tag}", *settings),
            *("--signing-key", f"{key}.key", "--evidence", str(self.scratch / "evidence")),
            str(context),
        ]
        ours, peer = [], []
        with buildkit() as environment:
            saved, self.environment = self.environment, self._timed_docker(environment, log)
            for number in range(4):
                (context / "app.py").write_text(f"GREETING = {number}\n")
                log.unlink(missing_ok=True)
                whole = run(command, {**self.environment, "XDG_CACHE_HOME": str(self.cache)})
                start, end = map(float, log.read_text().split())
                ours.append(Run(whole.seconds - (end - start), whole.memory, whole.disk))
                peer.append(Run(end - start, 0, 0))
                subprocess.run(["docker", "rmi", tag], check=True, stdout=subprocess.DEVNULL)
            self.environment = saved
        # the first one is spent on what the engine and the caches have not seen before
        best = middle(ours[1:]), middle(peer[1:])
        return Row("rebuild after a one-line change", *best, "docker build", 0.10)

    def _timed_docker(self, environment: dict[str, str], log: Path) -> dict[str, str]:
        """Put a ``docker`` on PATH that notes when its builds start and end."""
        real, shims = shutil.which("docker"), self.scratch / "bin"
        shims.mkdir()
        (shims / "docker").write_text(
            f'#!/bin/sh\n[ "$1" = build ] || exec {real} "$@"\n'
            f'start=$(date +%s.%N); {real} "$@"; status=$?\n'
            f'echo "$start $(date +%s.%N)" >>{log}; exit $status\n'
        )
        (shims / "docker").chmod(0o755)
        return {**environment, "PATH": f"{shims}:{environment['PATH']}", "LADING_SYFT": self.syft}

    def unchanged(self) -> Row:
        """An image that was inspected before, against saying the version."""
        target = f"docker:{self.image}"
        self._lading("inspect", target)
        ours, peer = in_turn(
            lambda: self._lading("inspect", target, cold=False),
            lambda: self._lading("--version", cold=False),
            times=11,
        )
        return Row("unchanged image, inspect", ours, peer, "lading --version", 2.0)


ROWS = ("directories", "api", "archive", "hashing", "headers", "rebuild", "unchanged")


def machine() -> str:
    """Return what the figures are figures of."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (1024 * MIB)
    return f"{os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}"


def _found_syft(given: str | None) -> str:
    if given is None:
        from lading.packages import find_syft

        return str(find_syft().path)
    return given


def main() -> int:
    """Run the command line; exit status 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("--small", action="store_true", help="a 0.4 GB image: for trying this out")
    parser.add_argument("--syft", metavar="FILE", help="default: the newest that lading finds")
    parser.add_argument("--only", metavar="ROW,…", help=", ".join(ROWS))
    parser.add_argument("--json", metavar="FILE", type=Path)
    parser.add_argument("--remove", action="store_true", help="remove the image afterwards")
    options = parser.parse_args()
    use_engine()
    image = reference_image(small=options.small)
    syft = _found_syft(options.syft)
    wanted = options.only.split(",") if options.only else ROWS
    print(f"{image} on {machine()}; peer {_version(syft)}", flush=True)
    rows = []
    with tempfile.TemporaryDirectory(prefix="lading-bench-") as scratch:
        bench = Bench(image, syft, Path(scratch), small=options.small)
        for name in wanted:
            rows.append(getattr(bench, name)())
            print(rows[-1].line(), flush=True)
    if options.json:
        document = [{**asdict(row), "ratio": row.ratio} for row in rows]
        options.json.write_text(json.dumps({"machine": machine(), "rows": document}, indent=2))
    if options.remove:
        subprocess.run(["docker", "rmi", image], check=True, stdout=subprocess.DEVNULL)
    return int(not all(row.met for row in rows))


def _version(syft: str) -> str:
    from lading.packages.syft_find import find_syft

    return f"syft {find_syft({'LADING_SYFT': syft}).version}"


if __name__ == "__main__":
    sys.exit(main())
