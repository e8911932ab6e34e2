"""What is loaded while docker builds is there, and is what a build needs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from lading.cli import build, warm
from lading.usecases.build import Built

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_everything_on_the_list_gets_loaded_beside_the_caller() -> None:
    code = (
        "import sys; from lading.cli.warm import NEEDED, warm_up;"
        "warm_up().join(); print(sorted(set(NEEDED) - set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.strip() == "[]"
    assert ran.stderr == ""
    assert "lading.usecases.inspect" in warm.NEEDED


@pytest.mark.parametrize("pushing", [True, False])
def test_a_push_finds_the_client_library_loaded(pushing: bool) -> None:
    """Without, nobody waits for it who reads the layers himself."""
    code = (
        "import sys; from lading.cli.warm import warm_up; from lading.image import docker_ways;"
        "docker_ways.sees_everything = lambda: True;"
        f"warm_up(pushing={pushing}).join(); print('docker' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.strip() == str(pushing)


def test_a_build_goes_on_when_everything_is_loaded(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads that load modules which load each other can meet half way."""
    loaded = threading.Event()

    def slow(*, pushing: bool) -> threading.Thread:
        assert not pushing
        thread = threading.Thread(target=lambda: (time.sleep(0.2), loaded.set()))
        thread.start()
        return thread

    def quick(command: object, before: Callable[[], None]) -> Built:
        before()
        return Built(7, "", (), None)

    monkeypatch.setattr(build, "warm_up", slow)
    monkeypatch.setattr(build, "build", quick)

    assert build.run(["--no-attest", "."]) == 7
    assert loaded.is_set()
