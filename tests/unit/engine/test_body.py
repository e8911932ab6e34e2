"""Answers that come in chunks, however they are cut; an end that nobody meant is never the end."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.engine import body as body_module
from lading.engine.body import Body, open_body
from lading.engine.client import Engine
from lading.engine.context import Endpoint
from lading.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\nTransfer-Encoding: chunked\r\n\r\n"
)
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"


def chunks(parts: Sequence[bytes]) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@contextlib.contextmanager
def answering(pieces: Sequence[bytes]) -> Iterator[socket.socket]:
    """Give a socket at whose other end these pieces are sent, one by one, and then no more."""
    here, there = socket.socketpair()
    here.settimeout(10)

    def send() -> None:
        with there, contextlib.suppress(OSError):
            for piece in pieces:
                there.sendall(piece)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        with here:
            yield here
    finally:
        thread.join()


def everything(body: Body, size: int) -> bytes:
    found, buffer = b"", memoryview(bytearray(size))
    while count := body.readinto(buffer):
        found += buffer[:count]
    assert body.readinto(buffer) == 0
    return found


@settings(deadline=None)
@given(
    parts=st.lists(st.binary(min_size=1, max_size=50), max_size=8),
    cuts=st.lists(st.integers(1, 40), max_size=30),
    size=st.integers(1, 64),
    room=st.integers(1, 60),
)
def test_chunks_are_put_together_however_they_arrive(
    parts: list[bytes], cuts: list[int], size: int, room: int
) -> None:
    whole, pieces = CHUNKED + chunks(parts), []
    for cut in cuts:
        pieces.append(whole[:cut])
        whole = whole[cut:]
    with pytest.MonkeyPatch.context() as patch, answering([*pieces, whole]) as connection:
        patch.setattr(body_module, "_BUFFER", room)
        body = Body(connection)
        assert body.status == 200
        assert everything(body, size) == b"".join(parts)


@settings(deadline=None)
@given(data=st.data())
def test_an_answer_that_is_cut_off_is_never_whole(data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.binary(min_size=1, max_size=9), max_size=3))
    whole = CHUNKED + chunks(parts)
    # the very last line end says nothing any more
    cut = data.draw(st.integers(0, len(whole) - len(b"\r\n") - 1))
    with answering([whole[:cut]]) as connection, pytest.raises(ConnectionError):
        everything(Body(connection), 5)


def test_an_answer_of_a_length() -> None:
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n"
    with answering([head + b"ab", b"cde and more"]) as connection:
        body = Body(connection)
        assert (body.status, body.rest()) == (404, b"abcde")
    with answering([head + b"abc"]) as connection:
        body = Body(connection)
        with pytest.raises(ConnectionError, match="hung up"):
            body.rest()
    with answering([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]) as connection:
        assert Body(connection).rest() == b""


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"", "hung up"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\nwhatever", "end cannot be told"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "end cannot be told"),
        (CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", "cannot be told"),
        (CHUNKED[:-2] + b"Content-Encoding: gzip\r\n\r\n0\r\n\r\n", "cannot be told"),
        (CHUNKED[:-2] + b"Content-Length: few\r\n\r\n0\r\n\r\n", "cannot be told"),
        (CHUNKED[:-2] + b"Transfer-Encoding : gzip\r\n\r\n0\r\n\r\n", "cannot be told"),
        (LENGTH + b"Content-Length: 6\r\n\r\nabcdef", "cannot be told"),
        (LENGTH + b"X: y\nTransfer-Encoding: chunked\r\n\r\nabcde", "cannot be told"),
        (LENGTH + b"X: y\r\n Content-Encoding: gzip\r\n\r\nabcde", "cannot be told"),
        (CHUNKED + b"\r\n", "without a size"),
        (CHUNKED + b"-1\r\n", "without a size"),
        (CHUNKED + b"5" * 16 + b"\r\n", "without a size"),
        (CHUNKED + b"5\r\nabcdefg\r\n0\r\n\r\n", "longer than it says|without an end"),
        (CHUNKED + b"1" * 5000, "without an end"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "without an end"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(answer: bytes, problem: str) -> None:
    with answering([answer]) as connection, pytest.raises(ConnectionError, match=problem):
        everything(Body(connection), 1000)


def test_a_short_body_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "LIMITS", body_module.LIMITS.__class__(image_config=10))
    with answering([CHUNKED + chunks([b"x" * 11])]) as connection:
        body = Body(connection)
        with pytest.raises(ConnectionError, match="more than 10"):
            body.rest()


def test_extensions_of_a_chunk_say_nothing() -> None:
    with answering([CHUNKED + b"3;name=value\r\nabc\r\n0\r\n\r\n"]) as connection:
        assert Body(connection).rest() == b"abc"


def test_nobody_there_leaves_no_socket_open(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        open_body("/x", f"unix://{tmp_path}/absent.sock", seconds=1)


def test_what_the_engine_says_of_a_failure_is_told(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    said = b'{"message": "no such container: abc"}'
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(2)
        asked: list[bytes] = []

        def serve() -> None:
            for _ in range(2):  # the first only tries to connect
                connection, _peer = server.accept()
                with connection:
                    asked.append(connection.recv(65536))
                    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(said)
                    with contextlib.suppress(OSError):
                        connection.sendall(head + said)

        thread = threading.Thread(target=serve)
        thread.start()
        engine = Engine(Endpoint(f"unix://{path}", "test"))
        with pytest.raises(EngineError, match="does not send its bytes") as refused:
            engine.archive("abc", "/a b?\udcff&c=1/.")
        thread.join()

    assert refused.value.got == "no such container: abc"
    assert asked[-1].startswith(b"GET /containers/abc/archive?path=/a%20b%3F%FF%26c%3D1/. HTTP/1.1")
