#!/usr/bin/env python3
"""Build the pinned Go programs that tests and the demo run against, into a cache of their own.

``gotools.json`` pins each program: its module, version, the module's ``h1:`` checksum and the
package to build. A program is built once, inside the module's verified directory (so that the
module's own ``go.sum`` pins everything below it), and put in place by one rename. A program of
ours over a module's packages names its files in ``add``: they are built inside a copy of that
directory, under the same ``go.sum``. Needs only the standard library and a ``go`` on PATH.

    gotools.py install light|heavy|sigstore|NAME…    build what is not there yet
    gotools.py path NAME                             print where the program is (exit 1: not there)
    gotools.py list                                  what is pinned and what is there

The cache is ``$LADING_TOOLS``, else ``$XDG_CACHE_HOME/lading/tools``, else
``~/.cache/lading/tools``. When a program cannot be built, the reason is kept beside it in
``NAME-VERSION.reason``: a skipped test says it.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PINS = Path(__file__).with_name("gotools.json")
ROOT = PINS.parent.parent
BUILD_SECONDS = 2400
DOWNLOAD_SECONDS = 300


class ToolError(Exception):
    """A program could not be built; the message is the reason, in one line."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One pinned program. ``checksum`` empty: only Go's own checksum database vouches for it.

    ``add`` maps paths in the module to files of this repository.
    """

    name: str
    group: str
    module: str
    version: str
    package: str
    checksum: str = ""
    ldflags: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The directory of this version, which holds only the program."""
        return cache_directory() / self._label

    @property
    def _label(self) -> str:
        """Name and version, and what was added: another source is another program."""
        label = f"{self.name}-{self.version}"
        if not self.add:
            return label
        sources = b"".join((ROOT / source).read_bytes() for source in self.add.values())
        return f"{label}-{hashlib.sha256(sources).hexdigest()[:8]}"

    @property
    def path(self) -> Path:
        """Where the program is, once built."""
        return self.directory / self.name

    @property
    def reason_file(self) -> Path:
        """Where the reason of a failed build is kept."""
        return cache_directory() / f"{self._label}.reason"


def cache_directory() -> Path:
    """Return the directory that all programs are kept in."""
    if own := os.environ.get("LADING_TOOLS"):
        return Path(own)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "lading" / "tools"


def pinned() -> dict[str, Tool]:
    """Return every pinned program by name."""
    entries = json.loads(PINS.read_text(encoding="utf-8"))["tools"]
    return {name: Tool(name=name, **entry) for name, entry in entries.items()}


def _run(command: list[str], env: Mapping[str, str], cwd: Path, seconds: int) -> str:
    try:
        done = subprocess.run(
            command, env=env, cwd=cwd, timeout=seconds, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        raise ToolError(f"`{' '.join(command[:3])}` took more than {seconds} s") from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.strip() or done.stdout.strip()
    if command[1:4] == ["mod", "download", "-json"]:
        with contextlib.suppress(ValueError):
            said = json.loads(done.stdout).get("Error", said)
    lines = [line for line in said.splitlines() if not line.startswith(("#", "go: downloading"))]
    what = lines[0] if lines else f"exit status {done.returncode}"
    raise ToolError(re.sub(r"https?://[^/\s]+/", "", what))  # which proxy it was says nothing


def _environment(tool: Tool) -> dict[str, str]:
    flags = f"{os.environ.get('GOFLAGS', '')} -buildvcs=false".strip()
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": flags, "GOWORK": "off", **tool.env}


def _build(tool: Tool, go: str, target: Path) -> None:
    env = _environment(tool)
    # Not `go install PATH@VERSION`: that asks a module proxy for every prefix of the path, and
    # a proxy that refuses one of them fails the whole command.
    where = f"{tool.module}@{tool.version}"
    answer = _run([go, "mod", "download", "-json", where], env, target, DOWNLOAD_SECONDS)
    module = json.loads(answer)
    if tool.checksum and module["Sum"] != tool.checksum:
        raise ToolError(f"checksum of {where} is {module['Sum']}, pinned is {tool.checksum}")
    command = [go, "build", "-ldflags", f"-s -w {tool.ldflags}".strip()]
    command += ["-o", str(target / tool.name), tool.package]
    _run(command, env, _sources(tool, Path(module["Dir"]), target.parent), BUILD_SECONDS)


def _sources(tool: Tool, module: Path, scratch: Path) -> Path:
    """Return the module's directory, or a copy of it with what the program adds.

    Not `go build -overlay`: that refuses to replace anything in the module cache.
    """
    if not tool.add:
        return module
    copy = scratch / "module"
    shutil.copytree(module, copy, copy_function=shutil.copyfile)
    for directory in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
        directory.chmod(0o755)  # the module cache's are read-only
    for path, source in tool.add.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, copy / path)
    return copy


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    with (cache_directory() / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install(tool: Tool) -> Path:
    """Build ``tool`` unless it is there; return its path.

    Raises:
        ToolError: no Go, the module cannot be had, its checksum differs, or it does not build.
    """
    if tool.path.is_file():
        return tool.path
    cache_directory().mkdir(parents=True, exist_ok=True)
    with _lock():
        if tool.path.is_file():  # built by another process while this one waited
            return tool.path
        try:
            go = shutil.which("go")
            if go is None:
                raise ToolError("no Go toolchain (`go`) on PATH to build it with")
            with tempfile.TemporaryDirectory(dir=cache_directory()) as scratch:
                target = Path(scratch) / "out"
                target.mkdir()
                _build(tool, go, target)
                target.rename(tool.directory)
        except ToolError as error:
            tool.reason_file.write_text(f"{error}\n", encoding="utf-8")
            raise
        tool.reason_file.unlink(missing_ok=True)
    return tool.path


def _select(names: list[str]) -> list[Tool]:
    tools = pinned()
    groups = {tool.group for tool in tools.values()}
    for name in names:
        if name not in tools and name not in groups:
            raise SystemExit(f"gotools: {name!r} is neither a pinned program nor a group")
    return [tool for tool in tools.values() if {tool.name, tool.group} & set(names)]


def _install_all(names: list[str]) -> int:
    failed = 0
    for tool in _select(names):
        there = tool.path.is_file()
        start = time.monotonic()
        try:
            path = install(tool)
        except ToolError as error:
            failed += 1
            print(f"gotools: {tool.name} {tool.version} not built: {error}", flush=True)
            continue
        took = "already there" if there else f"built in {time.monotonic() - start:.0f} s"
        print(f"gotools: {tool.name} {tool.version} {took}: {path}", flush=True)
    return 1 if failed else 0


def _list() -> int:
    for tool in pinned().values():
        state = str(tool.path) if tool.path.is_file() else "not built"
        print(f"{tool.name:18} {tool.version:10} {tool.group:9} {state}")
    return 0


def main() -> int:
    """Run the command line; the exit status is 1 when something is not there."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("install").add_argument("names", nargs="+")
    verbs.add_parser("path").add_argument("names", nargs=1)
    verbs.add_parser("list")
    arguments = parser.parse_args()
    if arguments.verb == "install":
        return _install_all(arguments.names)
    if arguments.verb == "list":
        return _list()
    tool = pinned()[arguments.names[0]]
    if not tool.path.is_file():
        return 1
    print(tool.path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
