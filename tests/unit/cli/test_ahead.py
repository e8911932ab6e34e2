"""What is seen of an image before docker has ended is taken for that very image alone."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from lading.cli import ahead, wiring
from lading.cli.ahead import Ahead
from lading.errors import EngineError
from lading.image.cache import LayerCache
from lading.usecases import kept
from lading.usecases.footing import Footing
from lading.usecases.foresee import Foreseeing
from support import bom_inspections as samples
from support.images_in_memory import MemoryCache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lading.inventory import Inspection

ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


class Engine:
    """An engine whose images have inside what is said of them; which were looked into."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.told: list[bool | None] = []
        self.fails = False

    def inspect(
        self, target: str, *, name: str | None, contents: Any, told: Callable[[], bool] | None
    ) -> Inspection:
        self.asked.append((target, name))
        self.told.append(told and told())
        if self.fails:
            raise EngineError("the engine is away")
        return dataclasses.replace(samples.full(), target=target)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine, and contents that are kept of ``svc:1``."""
    results, names = MemoryCache(), MemoryCache()
    earlier = Foreseeing("svc:1", results, names)
    earlier.put(OTHER, kept.to_json(samples.full(), Footing(1, frozenset())))
    earlier.remember(OTHER)
    made = Engine()
    monkeypatch.setattr(wiring, "inspect", made.inspect)
    monkeypatch.setattr(wiring, "contents_of_name", lambda name: Foreseeing(name, results, names))
    return made


def test_an_image_is_looked_into_as_soon_as_docker_names_it(engine: Engine, here: Path) -> None:
    iid, over = here / "iid", threading.Event()
    seen = Ahead("svc:1")
    working = threading.Thread(target=seen.work, args=(iid, over))
    working.start()
    iid.write_text("sha256:12")  # half of it
    time.sleep(0.05)
    assert engine.asked == []
    iid.write_text(ONE)
    working.join(10)

    assert engine.asked == [(f"docker:{ONE}", "svc:1")]
    found = seen.inspect(ONE, "svc:1")
    assert (found.target, found.image.name) == (f"docker:{ONE}", "svc:1")
    assert len(engine.asked) == 1


@pytest.mark.parametrize(("image_id", "name"), [(OTHER, "svc:1"), (ONE, "svc:2")])
def test_another_image_or_name_is_looked_into_itself(
    engine: Engine, here: Path, image_id: str, name: str
) -> None:
    (here / "iid").write_text(ONE)
    seen = Ahead("svc:1")
    assert seen.work(here / "iid", threading.Event())

    assert seen.inspect(image_id, name).target == f"docker:{image_id}"
    assert engine.asked[1:] == [(f"docker:{image_id}", name)]


def test_nobody_waits_for_an_image_when_docker_has_ended(engine: Engine, here: Path) -> None:
    over = threading.Event()
    over.set()
    seen = Ahead("svc:1")

    assert seen.work(here / "iid", over)
    assert engine.asked == []
    assert seen.inspect(ONE, "svc:1").target == f"docker:{ONE}"


@pytest.mark.parametrize("told", [True, False])
def test_the_terminal_is_dockers_until_it_has_ended(engine: Engine, here: Path, told: bool) -> None:
    (here / "iid").write_text(ONE)
    seen = Ahead("svc:1", told=told)
    assert seen.work(here / "iid", threading.Event())
    seen.inspect(OTHER, "svc:1")

    assert engine.told == ([False, True] if told else [None, None])


def test_what_fails_ahead_is_done_again(engine: Engine, here: Path) -> None:
    (here / "iid").write_text(ONE)
    seen = Ahead("svc:1")
    engine.fails = True
    with pytest.raises(EngineError):
        seen.work(here / "iid", threading.Event())
    engine.fails = False

    assert seen.inspect(ONE, "svc:1").target == f"docker:{ONE}"
    assert len(engine.asked) == 2


@pytest.mark.parametrize("name", [None, "new"])
def test_of_a_new_name_nothing_is_known(engine: Engine, here: Path, name: str | None) -> None:
    (here / "iid").write_text(ONE)

    assert not Ahead(name).work(here / "iid", threading.Event())
    assert engine.asked == []


def test_looks_become_rarer(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """A build of minutes is not looked at every millisecond."""
    clock = iter([0.0, 0.05, 1.0, 100.0])
    monkeypatch.setattr(ahead.time, "monotonic", lambda: next(clock))
    pauses: list[float] = []

    class Over(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0)
            return len(pauses) == 4

    assert ahead._awaited(here / "iid", Over()) is None
    assert pauses == [0.001, 0.001, 0.01, 0.05]


def test_caches_are_swept_beside_docker_and_not_when_it_is_over(
    engine: Engine, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    monkeypatch.setattr(LayerCache, "sweep", lambda _: steps.append("swept"))
    monkeypatch.setattr(ahead, "_awaited", lambda *_: steps.append("docker named it") or ONE)
    assert Ahead("svc:1").work(here / "iid", threading.Event())
    assert steps == ["swept", "docker named it"]
    assert engine.asked
