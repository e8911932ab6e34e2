"""Run lading as a process of its own that tells how much memory it took at its peak."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Ran", "run_lading"]

#: Its address space is bounded by the first argument, in bytes. On Linux the peak is the one of
#: the program alone: what getrusage tells there begins with the peak of the process that started
#: it, which for the tests is that of the whole run.
_PROGRAM = """
import pathlib, re, resource, sys
bound = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
from lading.cli import main
status = main(sys.argv[2:])
own = pathlib.Path("/proc/self/status")
if own.exists():
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", own.read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak, file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process ended, what it wrote, and its peak of resident memory in bytes."""

    status: int
    out: str
    err: str
    memory: int

    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out))


def run_lading(
    *arguments: str, scratch: Path, seconds: float = 300, address_space: int = 2 << 30
) -> Ran:
    """Run lading with its cache and its temporary directory, which exists, in ``scratch``."""
    environment = {
        **os.environ,
        "TMPDIR": str(scratch / "tmp"),
        "XDG_CACHE_HOME": str(scratch / "cache"),
        "LADING_TRACEBACK": "1",
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM, str(address_space), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
        cwd=scratch,
    )
    err, _, memory = done.stderr.rstrip().rpartition("\n")
    assert memory.isdigit(), done.stderr
    return Ran(done.returncode, done.stdout, err, int(memory))
