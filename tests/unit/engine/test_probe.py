"""The engine is asked over its socket; one that does not answer is not taken for none."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import TYPE_CHECKING

import pytest

from lading.engine.local import ask
from lading.engine.probe import EngineImage, engine_image, engine_version
from lading.errors import EngineError
from support.raw_engine import saying

if TYPE_CHECKING:
    from pathlib import Path

ID = "sha256:" + "a" * 64


def _answer(status: str, document: object) -> bytes:
    body = json.dumps(document).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    return tmp_path / "docker.sock"


def test_what_the_engine_has(path: Path) -> None:
    document = {"Id": ID, "RepoDigests": ["a@b"], "RootFS": {"Layers": [ID]}}

    with saying(path, _answer("200 OK", document)):
        assert engine_image("svc:1") == EngineImage(ID, ("a@b",), (ID,))


def test_no_such_image(path: Path) -> None:
    with saying(path, _answer("404 Not Found", {"message": "No such image"})):
        assert engine_image("svc:1") is None


def test_no_engine(path: Path) -> None:
    assert engine_image("svc:1") is None
    assert engine_version() is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        _answer("500 Internal Server Error", {"message": "no"}),
        _answer("200 OK", []),
        _answer("200 OK", {"RepoDigests": []}),
    ],
)
def test_an_engine_that_does_not_answer_is_an_error(path: Path, answer: bytes) -> None:
    with saying(path, answer), pytest.raises(EngineError):
        engine_image("svc:1")


def test_an_engine_that_this_user_may_not_ask_is_not_taken_for_none(path: Path) -> None:
    """`sudo docker run` would start what it has under the name, whatever the registry has."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        path.chmod(0)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(EngineError, match="may not talk") as caught:
                engine_image("svc:1")
        finally:
            os.seteuid(was)
    assert "registry:NAME" in str(caught.value.hint)


def test_an_engine_whose_queue_is_full_is_not_taken_for_none(path: Path) -> None:
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(str(path))
        server.listen(0)
        waiting = opened.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(str(path))
        with pytest.raises(EngineError, match="does not answer"):
            ask("/version", seconds=0.2)


def test_the_version(path: Path) -> None:
    with saying(path, _answer("200 OK", {"Version": "28.2.2"})):
        assert engine_version() == "28.2.2"


def test_an_answer_in_chunks_was_not_asked_for(path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with saying(path, chunked), pytest.raises(EngineError, match="does not answer"):
        engine_image("svc:1")
