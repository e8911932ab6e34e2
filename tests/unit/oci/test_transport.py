"""Corner cases of HTTP: retries, redirects, cut and slow answers."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest

from lading_oci import mediatypes
from lading_oci.credentials import Credential
from lading_oci.digest import digest_of
from lading_oci.errors import (
    BrokenStream,
    IntegrityError,
    LimitExceeded,
    MalformedError,
    NotFound,
    RateLimited,
    ResponseError,
    TransportError,
    Unauthorized,
)
from lading_oci.interface import Descriptor
from lading_oci.urls import is_loopback, redact
from support.oci_clients import FAST, repository_of
from support.oci_images import make_image
from support.oci_server import Reply, Request, serve

IMAGE = make_image("transport")
BLOB = Descriptor("application/octet-stream", digest_of(b"b" * 5000), 5000)
HANGS = 20.0  # seconds: far above every limit set here, far below what the servers would take


def manifest_reply(_: Request) -> Reply:
    return Reply(200, IMAGE.manifest, {"Content-Type": mediatypes.OCI_MANIFEST})


def test_a_connection_is_kept() -> None:
    with serve(manifest_reply) as server:
        repository = repository_of(server)
        for _ in range(5):
            repository.manifest("v1")
        assert len(server.connections) == 1


def test_a_connection_that_the_server_closed_while_idle_costs_nothing() -> None:
    def answer(request: Request) -> Reply | None:
        return manifest_reply(request) if len(server.requests) != 2 else None

    once = replace(FAST, attempts=1)
    with serve(answer) as server:
        repository = repository_of(server, limits=once)
        repository.manifest("v1")
        repository.manifest("v1")  # cut on the kept connection, repeated on a new one
        assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_change_is_tried_again(status: int) -> None:
    def answer(request: Request) -> Reply:
        return Reply(status) if len(server.requests) < 3 else manifest_reply(request)

    with serve(answer) as server:
        assert repository_of(server).manifest("v1").content == IMAGE.manifest
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ResponseError), (404, NotFound), (403, Unauthorized), (418, ResponseError)],
)
def test_what_will_not_change_is_not_tried_again(status: int, kind: type[Exception]) -> None:
    body = b'{"errors":[{"code":"DENIED","message":"no\\u001b[31m way"}]}'
    with serve(lambda _: Reply(status, body)) as server:
        with pytest.raises(kind, match=r"DENIED: no \[31m way") as caught:
            repository_of(server).manifest("v1")
        assert len(server.requests) == 1
        assert isinstance(caught.value, ResponseError)
        assert (caught.value.status, caught.value.code) == (status, "DENIED")


def test_retry_after_is_honoured() -> None:
    def answer(request: Request) -> Reply:
        if len(server.requests) == 1:
            return Reply(429, headers={"Retry-After": "1"})
        return manifest_reply(request)

    with serve(answer) as server:
        start = time.monotonic()
        repository_of(server).manifest("v1")
        assert time.monotonic() - start >= 1.0


def test_a_retry_after_that_is_too_long_is_an_error_at_once() -> None:
    with serve(lambda _: Reply(429, headers={"Retry-After": "3600"})) as server:
        with pytest.raises(RateLimited):
            repository_of(server).manifest("v1")
        assert len(server.requests) == 1


def test_the_number_of_attempts_is_bounded() -> None:
    with serve(lambda _: Reply(503)) as server:
        with pytest.raises(ResponseError):
            repository_of(server).manifest("v1")
        assert len(server.requests) == FAST.attempts


def test_an_answer_that_is_cut_is_fetched_again() -> None:
    def answer(request: Request) -> Reply:
        reply = manifest_reply(request)
        return replace(reply, cut=10) if len(server.requests) == 1 else reply

    with serve(answer) as server:
        assert repository_of(server).manifest("v1").content == IMAGE.manifest


def test_an_answer_that_is_always_cut_is_an_error() -> None:
    reply = Reply(200, IMAGE.manifest, {"Content-Type": mediatypes.OCI_MANIFEST}, cut=10)
    with serve(lambda _: reply) as server, pytest.raises(BrokenStream):
        repository_of(server).manifest("v1")


def test_no_answer_at_all() -> None:
    with serve(lambda _: None) as server, pytest.raises(BrokenStream):
        repository_of(server).manifest("v1")


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError, match="nothing listens"):
        repository_of(f"127.0.0.1:{port}").manifest("v1")


def test_a_silent_server_does_not_hang_us() -> None:
    limits = replace(FAST, read_seconds=0.1, attempts=2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        start = time.monotonic()
        with pytest.raises(TransportError, match="no answer in time"):
            repository_of(f"127.0.0.1:{port}", limits=limits).manifest("v1")
        assert time.monotonic() - start < HANGS


def test_a_dripping_server_does_not_hang_us() -> None:
    """Each byte comes within the read timeout, the whole never within the total one."""
    limits = replace(FAST, total_seconds=0.4, attempts=1)
    reply = Reply(200, b"x" * 1000, {"Content-Type": mediatypes.OCI_MANIFEST}, drip=0.05)
    with serve(lambda _: reply) as server:
        start = time.monotonic()
        with pytest.raises(TransportError):
            repository_of(server, limits=limits).manifest("v1")
        assert time.monotonic() - start < HANGS


def test_dripping_headers_do_not_hang_us() -> None:
    limits = replace(FAST, total_seconds=0.3, attempts=1)
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-A: ")
            while not stop.wait(0.02):
                try:
                    connection.sendall(b"a")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        start = time.monotonic()
        with pytest.raises(TransportError):
            repository_of(f"127.0.0.1:{listener.getsockname()[1]}", limits=limits).manifest("v1")
        assert time.monotonic() - start < HANGS
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "raw",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: ftp://x/y\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\xff\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999/\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
)
def test_nonsense_is_our_error_and_nothing_else(raw: bytes) -> None:
    def talk(listener: socket.socket) -> None:
        listener.settimeout(5)
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(raw)

    limits = replace(FAST, attempts=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,))
        thread.start()
        with pytest.raises((TransportError, MalformedError)):
            repository_of(f"127.0.0.1:{listener.getsockname()[1]}", limits=limits).manifest("v1")
        thread.join()


def test_a_redirect_to_another_host_gets_no_credentials() -> None:
    body = b"b" * 5000
    with serve(lambda _: Reply(200, body)) as storage:

        def answer(request: Request) -> Reply:
            if "authorization" not in request.headers:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            url = f"http://{storage.host}/blob?signature=secret"
            return Reply(307, headers={"Location": url})

        with serve(answer) as server:
            repository = repository_of(server, credential=Credential("u", "p"))
            assert repository.read_blob(BLOB, limit=5000) == body
            assert "authorization" in server.requests[-1].headers
            assert "authorization" not in storage.requests[0].headers


def test_a_redirect_on_the_same_host_keeps_credentials() -> None:
    def answer(request: Request) -> Reply:
        if "authorization" not in request.headers:
            return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        if request.path.endswith("/blob"):
            return Reply(200, b"b" * 5000)
        return Reply(302, headers={"Location": "/elsewhere/blob"})

    with serve(answer) as server:
        repository = repository_of(server, credential=Credential("u", "p"))
        assert repository.read_blob(BLOB, limit=5000) == b"b" * 5000


def test_redirects_are_bounded() -> None:
    with serve(lambda _: Reply(302, headers={"Location": "/again"})) as server:
        with pytest.raises(TransportError, match="redirects"):
            repository_of(server).manifest("v1")
        assert len(server.requests) == FAST.redirects + 1


def test_a_manifest_has_a_bound() -> None:
    limits = replace(FAST, manifest=100)
    with serve(manifest_reply) as server, pytest.raises(LimitExceeded):
        repository_of(server, limits=limits).manifest("v1")


def test_a_manifest_without_a_declared_length_has_a_bound_too() -> None:
    limits = replace(FAST, manifest=1000)
    chunk = b"400\r\n" + b"x" * 0x400 + b"\r\n"
    reply = Reply(200, chunk * 50, {"Transfer-Encoding": "chunked", "Content-Length": ""})
    with serve(lambda _: reply) as server, pytest.raises(LimitExceeded):
        repository_of(server, limits=limits).manifest("v1")


def test_a_blob_continues_where_it_broke() -> None:
    body = bytes(range(250)) * 20
    blob = Descriptor("application/octet-stream", digest_of(body), len(body))

    def answer(request: Request) -> Reply:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        if start == 0:
            return Reply(200, body, cut=1000)
        headers = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
        return Reply(206, body[start:], headers, cut=1000 if start < 4000 else None)

    with serve(answer) as server:
        assert repository_of(server).read_blob(blob, limit=len(body)) == body
        assert len(server.requests) == 5


def test_a_blob_continues_where_ranges_are_ignored() -> None:
    body = bytes(range(250)) * 20
    blob = Descriptor("application/octet-stream", digest_of(body), len(body))
    with serve(
        lambda _: Reply(200, body, cut=3000 if len(server.requests) == 1 else None)
    ) as server:
        assert repository_of(server).read_blob(blob, limit=len(body)) == body


def test_a_blob_that_breaks_without_progress_is_an_error() -> None:
    with serve(lambda _: Reply(200, b"b" * 5000, cut=0)) as server:
        with pytest.raises(BrokenStream):
            repository_of(server).read_blob(BLOB, limit=5000)
        assert len(server.requests) == FAST.attempts


@pytest.mark.parametrize("body", [b"c" * 5000, b"b" * 4999, b"b" * 5001, b""])
def test_other_bytes_than_promised(body: bytes) -> None:
    with serve(lambda _: Reply(200, body)) as server, pytest.raises(IntegrityError):
        repository_of(server).read_blob(BLOB, limit=5000)


def test_other_bytes_are_noticed_by_a_reader_who_reads_exactly_the_size() -> None:
    with serve(lambda _: Reply(200, b"c" * 5000)) as server:
        stream = repository_of(server).blob(BLOB)
        with stream, pytest.raises(IntegrityError):
            stream.read(5000)


def test_a_manifest_with_another_digest() -> None:
    with serve(manifest_reply) as server, pytest.raises(IntegrityError):
        repository_of(server).manifest(digest_of(b"another"))


def test_a_tag_whose_header_says_another_digest() -> None:
    headers = {"Docker-Content-Digest": digest_of(b"another")}
    reply = Reply(200, IMAGE.manifest, {"Content-Type": mediatypes.OCI_MANIFEST, **headers})
    with serve(lambda _: reply) as server, pytest.raises(IntegrityError):
        repository_of(server).manifest("v1")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Docker-Content-Digest": "sha256:zz", "Content-Type": mediatypes.OCI_MANIFEST},
        {"Docker-Content-Digest": digest_of(b"x"), "Content-Type": "text/html"},
    ],
)
def test_a_head_that_says_too_little_costs_a_get(headers: dict[str, str]) -> None:
    def answer(request: Request) -> Reply:
        return Reply(200, b"", headers) if request.method == "HEAD" else manifest_reply(request)

    with serve(answer) as server:
        assert repository_of(server).resolve("v1") == IMAGE.descriptor
        assert server.lines == ["HEAD /v2/a/b/manifests/v1", "GET /v2/a/b/manifests/v1"]


@pytest.mark.parametrize("status", [400, 405, 501])
def test_a_head_that_is_not_allowed_costs_a_get(status: int) -> None:
    def answer(request: Request) -> Reply:
        return Reply(status) if request.method == "HEAD" else manifest_reply(request)

    with serve(answer) as server:
        assert repository_of(server).resolve("v1") == IMAGE.descriptor


def test_errors_show_no_secrets_of_urls() -> None:
    assert redact("https://u:p@h/x?sig=1#f") == "https://h/x?…"
    assert redact("https://h/x") == "https://h/x"
    assert "\x1b" not in redact("https://h/\x1b[31m")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("127.0.0.1.example.com", False),
        ("127.evil", False),
        ("localhost.example.com", False),
        ("128.0.0.1", False),
        ("10.0.0.1", False),
        ("::2", False),
    ],
)
def test_what_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_plain_http_is_for_loopback_unless_told() -> None:
    assert repository_of("127.0.0.1:1").origin.scheme == "http"
    assert repository_of("r.example.com").origin.scheme == "https"
    assert repository_of("r.example.com", insecure=True).origin.scheme == "https", "at first"
