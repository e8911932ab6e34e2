"""What was freed is gone: large buffers leave nothing behind in the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

CODE = """
import re, sys
from pathlib import Path
from lading.cli.frugal import be_frugal

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

if sys.argv[1] == "frugal":
    be_frugal()
before, pins = resident(), []
for _ in range(3):
    buffers = []
    for _ in range(64):
        buffers.append(bytearray(b"x") * (1024 * 1024))
        pins.append(bytes(100_000))  # so that nothing free is at the end
    del buffers
print(resident() - before)
"""


def growth(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", CODE, how], capture_output=True, text=True, check=True
    )
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_large_buffers_leave_nothing_behind() -> None:
    pinned = 3 * 64 * 100_000 // (1024 * 1024)

    assert growth("frugal") < pinned + 16
    assert growth("as it is") > pinned + 40, "or there is no need to be frugal any more"


def test_another_c_library_has_no_such_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    import ctypes

    from lading.cli.frugal import be_frugal

    asked = []

    class Bare:
        def __init__(self, name: object) -> None:
            asked.append(name)

    monkeypatch.setattr(ctypes, "CDLL", Bare)
    be_frugal()

    assert asked == [None]
