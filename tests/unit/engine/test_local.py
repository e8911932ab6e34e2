"""One request to an engine on a socket: its address, and answers that are whole or errors."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from lading.engine.local import ask, chosen_host
from lading.errors import EngineError
from support.raw_engine import saying

if TYPE_CHECKING:
    from pathlib import Path

    from lading.engine.local import Answer


def answered(tmp_path: Path, said: bytes, method: str = "GET") -> Answer | None:
    """Ask an engine that says just that."""
    path = tmp_path / "docker.sock"
    with saying(path, said):
        return ask("/x", f"unix://{path}", method=method)


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\nbody\r\n\r\n", (200, b"body\r\n\r\n")),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", (404, b"{}")),
        (b"HTTP/1.1 204\r\nCONTENT-LENGTH:\t0 \r\nX: y\r\n\r\n", (204, b"")),
        (b"HTTP/1.0 200 OK\r\nX-Transfer-Encoding: chunked\r\n\r\n", (200, b"")),
    ],
)
def test_whole_answers(tmp_path: Path, said: bytes, wanted: Answer) -> None:
    assert answered(tmp_path, said) == wanted


def test_an_answer_without_a_body_may_tell_the_length_of_one(tmp_path: Path) -> None:
    said = b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n"
    assert answered(tmp_path, said, "HEAD") == (200, b"")


@pytest.mark.parametrize(
    ("said", "got"),
    [
        (b"", "nothing"),
        (b"SSH-2.0-x\r\n", "no HTTP"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "no HTTP"),
        (b"HTTP/1.0 20 OK\r\n\r\n", "no HTTP"),
        (b"HTTP/1.0 +20 OK\r\n\r\n", "no HTTP"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n{}", "2 of 3 bytes"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: x\r\n\r\n{}", "2 of x bytes"),
        (b"HTTP/1.0 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n", "an encoding"),
        (b"HTTP/1.0 200 OK\r\ncontent-encoding: gzip\r\n\r\n", "an encoding"),
    ],
)
def test_others_are_errors(tmp_path: Path, said: bytes, got: str) -> None:
    with pytest.raises(EngineError, match=got):
        answered(tmp_path, said)


def test_nobody_there_is_no_error(tmp_path: Path) -> None:
    assert ask("/x", f"unix://{tmp_path}/none.sock") is None
    assert ask("/x", "tcp://127.0.0.1:1") is None


def test_the_address_is_the_environments_else_the_contexts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    default = "unix:///var/run/docker.sock"
    assert chosen_host() == default

    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"far").hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "tcp://far:1"}}}))
    config = tmp_path / "config.json"
    for content, wanted in (
        ('{"currentContext": "far"}', "tcp://far:1"),
        ('{"currentContext": "default"}', default),
        ('{"currentContext": "unknown"}', default),
        ("[]", default),
        ("{", default),
        ("{}", default),
    ):
        config.write_text(content)
        assert chosen_host() == wanted
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    assert chosen_host() == "tcp://far:1"
    monkeypatch.setenv("DOCKER_HOST", "unix:///mine.sock")
    assert chosen_host() == "unix:///mine.sock"
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert chosen_host() == default
