"""What one thread freed is there for the next: buffers leave nothing behind in the process."""

from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from lading.cli.frugal import be_frugal

CODE = """
import re, sys, threading
from pathlib import Path
from lading.cli.frugal import be_frugal

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

def work(turn, over, pins):
    with turn:
        buffers = []
        for _ in range(32):
            buffers.append(bytearray(b"x") * (1024 * 1024))
            pins.append(bytes(100_000))  # so that nothing free is at the end
        del buffers
    over.wait()

if sys.argv[1] == "frugal":
    be_frugal()
before, pins = resident(), []
turn, over = threading.Lock(), threading.Barrier(7)
threads = [threading.Thread(target=work, args=(turn, over, pins)) for _ in range(6)]
for thread in threads:
    thread.start()
over.wait()
for thread in threads:
    thread.join()
print(resident() - before)
"""


def kept(how: str) -> int:
    """Return the MiB that stay resident after six threads used 32, one after the other."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed for each thread"
)
def test_threads_use_the_same_memory() -> None:
    assert kept("frugal") < 80
    assert kept("wasteful") > 120, "the C library is frugal by itself: this is not needed any more"


def test_another_c_library_has_no_such_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Bare:
        def __init__(self, name: object) -> None:
            asked.append(name)

    monkeypatch.setattr(ctypes, "CDLL", Bare)
    be_frugal()
    assert asked == [None]
