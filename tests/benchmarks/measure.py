"""Run whole processes one after the other, and measure time, own memory and temporary disk."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Run", "in_turn", "middle", "run"]

_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_POLL_SECONDS = 0.02
_DISK_EVERY = 10  # polls


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds by the wall; bytes of its own memory, of what it put into TMPDIR."""

    seconds: float
    memory: int
    disk: int


def run(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Run a command with a TMPDIR of its own; its output goes nowhere.

    Raises:
        RuntimeError: it failed; the message ends with what it wrote to standard error.
    """
    with tempfile.TemporaryDirectory(prefix="lading-bench-") as scratch:
        temporary, errors = Path(scratch) / "tmp", Path(scratch) / "stderr"
        temporary.mkdir()
        start = time.monotonic()
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                list(command),
                env={**environment, "TMPDIR": str(temporary)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        watch = _Watch(process.pid, temporary)
        try:
            status = process.wait()
            seconds = time.monotonic() - start
        finally:
            watch.end()
        if status:
            said = errors.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)}: exit status {status}: {said}")
    return Run(seconds, watch.memory, watch.disk)


class _Watch:
    """Looks at a process and its directory until :meth:`end`."""

    def __init__(self, pid: int, directory: Path) -> None:
        self.memory = self.disk = 0
        self._status = Path(f"/proc/{pid}/status")
        self._directory = directory
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        count = 0
        while not self._over.wait(_POLL_SECONDS):
            try:
                peak = _PEAK.search(self._status.read_text())
            except OSError:
                peak = None
            self.memory = max(self.memory, int(peak[1]) * 1024 if peak else 0)
            if count % _DISK_EVERY == 0:
                self.disk = max(self.disk, _allocated(self._directory))
            count += 1

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def _allocated(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += Path(folder, name).lstat().st_blocks * 512
            except OSError:
                continue
    return total


def in_turn(
    first: Callable[[], Run], second: Callable[[], Run], *, times: int = 1
) -> tuple[Run, Run]:
    """Run both alternately; return for each the median time, the largest memory and disk."""
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(times):
        runs[0].append(first())
        runs[1].append(second())
    return middle(runs[0]), middle(runs[1])


def middle(runs: Sequence[Run]) -> Run:
    """Return the median time, the largest memory and disk."""
    return Run(
        median(each.seconds for each in runs),
        max(each.memory for each in runs),
        max(each.disk for each in runs),
    )
