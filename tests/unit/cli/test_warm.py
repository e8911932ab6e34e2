"""What is loaded while docker builds is there, and is what a build needs."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from lading.cli import build, warm
from lading.usecases.build import Built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _garbage() -> Iterator[None]:
    """Leave the looking for garbage as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def ran(code: str) -> str:
    """Return what ``code`` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_everything_on_the_lists_gets_loaded_beside_the_caller() -> None:
    missing = ran(
        "import sys, time; from lading.cli import warm;"
        "up = warm.WarmUp(); [one.join() for one in up._threads]; up.end();"
        "print(sorted({*warm.NEEDED, *warm.OFTEN_NEEDED, 'jsonschema_rs'} - set(sys.modules)))"
    )

    assert missing == "[]"


def test_nothing_more_is_begun_once_the_caller_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing then is loaded when it is needed, if it is."""
    begun, go_on = threading.Event(), threading.Event()
    done = []

    def first() -> None:
        begun.set()
        go_on.wait(10)

    monkeypatch.setattr(warm, "_steps", lambda *_: iter([first, lambda: done.append("second")]))
    up = warm.WarmUp()
    assert begun.wait(10)
    threading.Timer(0.1, go_on.set).start()
    up.end()

    assert go_on.is_set(), "the end waits for what was begun"
    assert done == []


def test_a_step_that_fails_is_left_to_whoever_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def steps(pushing: bool, foresee: object) -> Iterator[Callable[[], object]]:
        yield lambda: 1 // 0
        yield lambda: done.append(pushing)

    monkeypatch.setattr(warm, "_steps", steps)
    up = warm.WarmUp(pushing=True)
    for thread in up._threads:
        thread.join()
    up.end()

    assert done == [True]
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize(
    ("pushing", "host", "loaded"),
    [
        (True, "unix:///nowhere.sock", True),
        (False, "unix:///nowhere.sock", False),
        (False, "tcp://127.0.0.1:1", True),
    ],
)
def test_who_needs_the_client_library_finds_it_loaded(
    pushing: bool, host: str, loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else waits for it."""
    monkeypatch.setenv("DOCKER_HOST", host)
    found = ran(
        "import sys; from lading.cli import warm;"
        f"up = warm.WarmUp(pushing={pushing}); [one.join() for one in up._threads]; up.end();"
        "print('docker' in sys.modules)"
    )

    assert found == str(loaded)


def test_a_build_goes_on_when_nothing_is_loaded_beside_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads that load modules which load each other can meet half way."""
    ended = threading.Event()

    class Slow:
        def __init__(self, *, pushing: bool, foresee: object) -> None:
            assert not pushing

        def end(self) -> None:
            ended.set()

    def quick(
        command: object, before: Callable[[], None], meanwhile: Callable[[Path], None]
    ) -> Built:
        before()
        meanwhile(here / "iid")
        assert not ended.is_set()
        return Built(7, "", (), None)

    monkeypatch.setattr(build, "WarmUp", Slow)
    monkeypatch.setattr(build, "build", quick)

    assert build.run(["--no-attest", "."]) == 7
    assert ended.is_set()
