"""Servers that tests start on loopback, wait for, and stop."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["PORTS", "ServerError", "free_port", "http_answers", "listens", "running"]

START_SECONDS = 30.0
STOP_SECONDS = 10.0
#: What :func:`free_port` returned in this process.
PORTS: set[int] = set()


class ServerError(Exception):
    """A server ended, or did not answer, before it was ready; the message holds its log."""


def free_port() -> int:
    """Return a loopback TCP port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    PORTS.add(port)
    return port


def http_answers(port: int, path: str = "/", *, address: str = "127.0.0.1") -> bool:
    """Return whether something at ``address`` answers ``GET path``, with whatever status."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def listens(port: int) -> bool:
    """Return whether something accepts connections on a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(
    command: list[str],
    *,
    ready: Callable[[], bool],
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = START_SECONDS,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` until the block ends; enter the block once ``ready()`` is true.

    Raises:
        ServerError: the command ended or was not ready within ``seconds``.
    """
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=env, cwd=cwd
        ) as process,
    ):
        try:
            _await(process, ready, log, seconds)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _await(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, seconds: float
) -> None:
    end = time.monotonic() + seconds
    while not ready():
        status = process.poll()
        if status is not None or time.monotonic() > end:
            what = "did not answer in time" if status is None else f"ended with status {status}"
            tail = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise ServerError(f"{process.args!r} {what}:\n{tail}")
        time.sleep(0.02)
