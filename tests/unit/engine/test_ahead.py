"""What an engine was asked ahead is not asked again; what it did not answer, is."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from lading.engine import ahead
from lading.engine.client import Engine
from lading.engine.context import Endpoint
from lading.engine.probe import engine_version

if TYPE_CHECKING:
    from pathlib import Path


ANSWERS = {
    "/info": {"ServerVersion": "27.1", "Driver": "overlay2"},
    "/version": {"Version": "27.1"},
}


class Talking:
    """Answers every request on a UNIX socket; ``asked`` are the paths."""

    def __init__(self, path: Path, status: str = "200 OK") -> None:
        self.host = f"unix://{path}"
        self.asked: list[str] = []
        self._status = status
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(path))
        self._server.listen(5)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._server.accept()
            with connection:
                words = connection.recv(65536).split()
                if not words:
                    continue  # whoever only tries to connect
                self.asked.append(words[1].decode())
                body = json.dumps(ANSWERS[self.asked[-1]]).encode()
                head = f"HTTP/1.1 {self._status}\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "_answers", {})


def test_what_was_asked_ahead_is_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Talking(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", there.host)
    ahead.ask_ahead()

    assert there.asked == ["/info"]
    assert engine_version() == "27.1"
    assert Engine(Endpoint(there.host, "test")).info()["Driver"] == "overlay2"
    assert there.asked == ["/info"]


def test_another_engine_is_asked_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = Talking(tmp_path / "one.sock"), Talking(tmp_path / "other.sock")
    ahead.ask_ahead(one.host)
    monkeypatch.setenv("DOCKER_HOST", other.host)

    assert engine_version() == "27.1"
    assert other.asked == ["/version"]


@pytest.mark.parametrize("there", [True, False])
def test_an_engine_that_did_not_say_is_asked_when_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    refusing = Talking(path, "500 Internal Server Error") if there else None
    ahead.ask_ahead()

    assert ahead.known(ahead.INFO) is None
    if refusing:
        engine_version()
        assert refusing.asked == ["/info", "/version"]


def test_what_was_asked_ahead_may_not_tell_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Talking(tmp_path / "docker.sock")
    monkeypatch.setenv("DOCKER_HOST", there.host)
    monkeypatch.setitem(ANSWERS, "/info", {"Driver": "overlay2"})
    ahead.ask_ahead()

    assert engine_version() == "27.1"
    assert there.asked == ["/info", "/version"]
