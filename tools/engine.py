#!/usr/bin/env python3
"""See to a Docker engine: use the one that answers, else start one of our own.

    engine.py up       print one JSON object {"host", "started", "own"}; starts nothing if the
                       engine of DOCKER_HOST, of the docker CLI's context or of the default socket
                       answers. Otherwise, as root on Debian: installs docker.io when there is no
                       dockerd, and starts one on a socket, a pid file, a log and a data directory
                       of its own
    engine.py env      the same, as a line for a shell's eval
    engine.py down     stop the engine that `up` started; what it stored stays for the next time
    engine.py purge    down, and delete what it stored

Everything of our own engine lies in ``$LADING_ENGINE``, else ``$XDG_CACHE_HOME/lading/engine``,
else ``~/.cache/lading/engine``. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_HOST = "unix:///var/run/docker.sock"
START_SECONDS = 60
STOP_SECONDS = 30
ASK_SECONDS = 10
# The second set is for machines where a process may not program the packet filter: containers
# then have only the host's network, which is all that our builds and tests ask for.
NETWORKS: tuple[list[str], ...] = ([], ["--iptables=false", "--bridge=none"])


class EngineError(Exception):
    """No engine, and none could be started; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that answers. ``own``: its data is ours; ``started``: by this very call."""

    host: str
    started: bool
    own: bool


def state_directory() -> Path:
    """Return the directory of our own engine."""
    if own := os.environ.get("LADING_ENGINE"):
        return Path(own).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lading" / "engine"


def own_host() -> str:
    """Return our own engine's address."""
    return f"unix://{state_directory() / 'docker.sock'}"


def answers(host: str) -> bool:
    """Return whether an engine answers at ``host`` (any address that the docker CLI takes)."""
    if not host.startswith("unix://"):
        return _ask(["docker", "-H", host, "version", "--format", "{{.Server.Version}}"]) != ""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(ASK_SECONDS)
        client.connect(host.removeprefix("unix://"))
        client.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        return client.recv(64).split(b" ")[1:2] == [b"200"]
    return False


def _ask(command: list[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def running_host() -> str | None:
    """Return the address of an engine that answers already, or None.

    Raises:
        EngineError: DOCKER_HOST names an engine, and it does not answer.
    """
    if chosen := os.environ.get("DOCKER_HOST"):
        if answers(chosen):
            return chosen
        raise EngineError(
            f"DOCKER_HOST is {chosen}, and no engine answers there: start it, or unset it"
        )
    context = _ask(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    for host in dict.fromkeys(filter(None, (context, DEFAULT_HOST))):
        if answers(host):
            return host
    return None


def up() -> Engine:
    """Return an engine that answers, starting our own when there is no other.

    Raises:
        EngineError: there is none and none can be started here.
    """
    if host := running_host():
        return Engine(host, started=False, own=host == own_host())
    if answers(own_host()):
        return Engine(own_host(), started=False, own=True)
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise EngineError(
            "no Docker engine answers. Start yours (Docker Desktop, `systemctl start docker`), "
            "set DOCKER_HOST, or run this as root on Debian to have one installed and started"
        )
    state_directory().mkdir(parents=True, exist_ok=True)
    with _lock():
        if answers(own_host()):
            return Engine(own_host(), started=False, own=True)
        if shutil.which("dockerd") is None:
            _install()
            if answers(DEFAULT_HOST):  # the package's own service is up
                return Engine(DEFAULT_HOST, started=False, own=False)
        _start()
    return Engine(own_host(), started=True, own=True)


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    with (state_directory() / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _install() -> None:
    debian = str(Path(__file__).with_name("debian.sh"))
    subprocess.run(
        [debian, "install", "docker.io", "iptables", "ca-certificates"],
        check=False,
        stdout=sys.stderr,
    )
    if shutil.which("docker") is None:  # a package of its own since Debian 13
        subprocess.run([debian, "install", "docker-cli"], check=False, stdout=sys.stderr)
    if shutil.which("dockerd") is None:
        raise EngineError("no dockerd on this machine, and docker.io could not be installed by apt")


def _start() -> None:
    state = state_directory()
    log = state / "log"
    (state / "daemon.json").write_text("{}\n", encoding="utf-8")
    for network in NETWORKS:
        _discard_stale_pid()
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*_command(state), *network],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and time.monotonic() < end:
            if answers(own_host()):
                return
            time.sleep(0.1)
        process.terminate()
        process.wait(STOP_SECONDS)
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise EngineError(f"dockerd does not start here; its log {log} ends:\n" + "\n".join(tail))


def _command(state: Path) -> list[str]:
    return [
        *("dockerd", "--host", own_host(), "--pidfile", str(state / "pid")),
        *("--data-root", str(state / "data"), "--exec-root", str(state / "exec")),
        *("--config-file", str(state / "daemon.json"), "--log-level", "warn"),
    ]


def _own_pid() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        pid = int((state_directory() / "pid").read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if os.fsencode(str(state_directory() / "pid")) in command:
            return pid
    return None


def _discard_stale_pid() -> None:
    if _own_pid() is None:
        for name in ("pid", "exec/containerd/containerd.pid"):
            (state_directory() / name).unlink(missing_ok=True)


def down() -> bool:
    """Stop our own engine; return whether one was running."""
    pid = _own_pid()
    if pid is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        os.kill(pid, number)
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end:
            if _own_pid() is None:
                return True
            time.sleep(0.1)
    raise EngineError(f"process {pid} does not end")


def main() -> int:
    """Run the command line; exit status 1 with one paragraph when there is no engine."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", 1)[0])
    parser.add_argument("verb", choices=["up", "env", "down", "purge"])
    verb = parser.parse_args().verb
    try:
        if verb in {"down", "purge"}:
            print("engine: stopped" if down() else "engine: ours is not running", file=sys.stderr)
            if verb == "purge":
                shutil.rmtree(state_directory(), ignore_errors=True)
            return 0
        engine = up()
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 1
    env = f"export DOCKER_HOST={shlex.quote(engine.host)}"
    print(json.dumps(asdict(engine)) if verb == "up" else env)
    return 0


if __name__ == "__main__":
    sys.exit(main())
