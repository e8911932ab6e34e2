"""What was printed of an image is printed again only of the very same image and question."""

from __future__ import annotations

import dataclasses
import json
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from lading.cli import main, printed, quick, wiring
from lading.cli.summary import inspection_json, inspection_text
from support import bom_inspections as samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading.inventory import Inspection

FOUND = samples.full()
IMAGE = {"Id": FOUND.image.config_digest, "RepoTags": ["svc:1"]}


class Engine:
    """Answers every question on a UNIX socket with one document, as an engine does."""

    def __init__(self, path: Path) -> None:
        self.document: Any = IMAGE
        self.status = "200 OK"
        self.asked: list[str] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection:
                request = connection.recv(65536)
                if not request:
                    return
                self.asked.append(request.split()[1].decode())
                head = f"HTTP/1.0 {self.status}\r\nContent-Type: application/json\r\n\r\n"
                connection.sendall(head.encode() + json.dumps(self.document).encode())

    def close(self, path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(str(path))
        self._thread.join(timeout=10)
        self._server.close()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LADING_NO_CACHE", raising=False)
    engine = Engine(path)
    try:
        yield engine
    finally:
        engine.close(path)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for looking into an image: which targets were."""
    found: list[str] = []

    def inspect(target: str, **_: object) -> Inspection:
        found.append(target)
        return dataclasses.replace(FOUND, target=target)

    monkeypatch.setattr(wiring, "inspect", inspect)
    return found


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["inspect", *words]) == 0
    return capsys.readouterr().out


def as_cached(target: str) -> Inspection:
    image = FOUND.image
    layers = tuple(dataclasses.replace(layer, cached=True) for layer in image.layers)
    return dataclasses.replace(
        FOUND, target=target, image=dataclasses.replace(image, layers=layers)
    )


@pytest.mark.parametrize("target", ["svc:1", "docker:svc:1"])
def test_the_second_answer_is_the_first_with_every_layer_from_the_cache(
    engine: Engine, looked: list[str], capsys: pytest.CaptureFixture[str], target: str
) -> None:
    assert (
        answer(capsys, target) == inspection_text(dataclasses.replace(FOUND, target=target)) + "\n"
    )
    assert answer(capsys, target) == inspection_text(as_cached(target)) + "\n"
    assert json.loads(answer(capsys, target, "--json"))["target"] == target
    assert json.loads(answer(capsys, "--json", target)) == inspection_json(as_cached(target))
    assert looked == [target, target]  # once for each form
    assert set(engine.asked) == {"/images/svc:1/json"}


def test_an_image_that_the_engine_describes_otherwise_is_looked_into_again(
    engine: Engine, looked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answer(capsys, "svc:1")
    engine.document = {**IMAGE, "RepoDigests": ["svc@sha256:" + "1" * 64]}
    answer(capsys, "svc:1")

    assert len(looked) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setenv("LADING_NO_CACHE", "1"),
        lambda patch: patch.setenv("LADING_SYFT", sys.executable),
        lambda patch: patch.setattr(printed, "code_state", lambda: "other code"),
    ],
)
def test_nor_is_it_the_same_question_with_other_code_or_another_syft(
    engine: Engine,
    looked: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
) -> None:
    answer(capsys, "svc:1")
    change(monkeypatch)
    answer(capsys, "svc:1")
    answer(capsys, "--all-layers", "svc:1")

    assert len(looked) == 3


def test_nothing_is_kept_of_a_name_that_moved_meanwhile(engine: Engine) -> None:
    before = printed.ask("svc:1", json_wanted=False, all_layers=False)
    engine.document = {**IMAGE, "Id": "sha256:" + "e" * 64}
    after = printed.ask("svc:1", json_wanted=False, all_layers=False)
    assert before is not None
    assert after is not None

    printed.keep(before, after, FOUND, inspection_text)
    printed.keep(before, None, FOUND, inspection_text)
    printed.keep(after, after, FOUND, inspection_text)  # another image than was looked into

    assert printed.recall(before) is None
    assert printed.recall(after) is None


@pytest.mark.parametrize("target", ["dir:x", "registry:svc:1", "oci-dir:x", "", "../x", "a b", "é"])
def test_only_an_engines_image_has_such_an_answer(engine: Engine, target: str) -> None:
    assert printed.ask(target, json_wanted=False, all_layers=False) is None
    assert not engine.asked


def test_an_engine_without_the_image_has_no_answer(engine: Engine) -> None:
    engine.status = "404 Not Found"
    assert printed.ask("svc:1", json_wanted=False, all_layers=False) is None
    engine.status = "nonsense"
    assert printed.ask("svc:1", json_wanted=False, all_layers=False) is None


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("",),
        ("--help",),
        ("a:1", "b:1"),
        ("a:1", "--platform"),
        ("a:1", "--platform="),
        ("a:1", "--platform", "--json"),
        ("a:1", "--platform", "a/b", "--platform", "c/d"),
        ("a:1", "--insecure=true"),
        ("a:1", "--unknown"),
        ("a:1", "--json", "--json"),
        ("--", "a:1"),
    ],
)
def test_what_is_not_plain_is_left_to_the_declared_options(words: tuple[str, ...]) -> None:
    assert quick.parse_inspect(words) is None


@pytest.mark.usefixtures("engine")
def test_printing_again_loads_next_to_nothing() -> None:
    asked = printed.ask("svc:1", json_wanted=False, all_layers=False)
    assert asked is not None
    printed.keep(asked, asked, FOUND, inspection_text)
    code = (
        "import sys; from lading.cli import main;"
        "status = main(['inspect', 'svc:1']);"
        "print(status, *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    status, *loaded = ran.stderr.split()

    assert status == "0"
    assert ran.stdout == inspection_text(as_cached(FOUND.target)) + "\n"
    slow = {"typer", "docker", "requests", "http", "dataclasses", "subprocess", "tempfile", "yaml"}
    assert not slow & set(loaded)
