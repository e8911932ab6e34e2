"""Upload sessions against servers that run them in every way there is."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from lading_oci.credentials import Credential
from lading_oci.digest import digest_of
from lading_oci.errors import (
    BrokenStream,
    IntegrityError,
    OciError,
    ResponseError,
    TransportError,
    Unauthorized,
)
from lading_oci.interface import Descriptor
from lading_oci.urls import origin_of
from support.oci_clients import FAST, repository_of
from support.oci_server import Reply, Request, serve

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = replace(FAST, single_post=16, whole_put=64, chunk=100)
UPLOADS = "/v2/a/b/blobs/uploads/"


def describe(content: bytes) -> Descriptor:
    return Descriptor("application/octet-stream", digest_of(content), len(content))


class UploadRegistry:
    """Sessions in memory. ``fault`` may answer instead of it, or return None to let it."""

    def __init__(
        self,
        *,
        single_post: bool = False,
        location: str = "/v2/a/b/blobs/uploads/id",
        fault: Callable[[UploadRegistry, Request], Reply | str | None] | None = None,
    ) -> None:
        self.single_post = single_post
        self.location = location
        self.fault = fault
        self.session = bytearray()
        self.blobs: dict[str, bytes] = {}
        self.count = 0

    def __call__(self, request: Request) -> Reply | None:
        self.count += 1
        fault = self.fault(self, request) if self.fault else None
        if fault == "cut before":
            return None
        reply = self.work(request)
        if fault == "cut after":
            return None
        return fault if isinstance(fault, Reply) else reply

    def work(self, request: Request) -> Reply:
        method = request.method
        if method == "HEAD":
            return Reply(200 if request.path.rpartition("/")[2] in self.blobs else 404)
        if method == "POST":
            self.session = bytearray()
            if self.single_post and "digest" in request.query:
                return self.finish(request)
            return Reply(202, headers={"Location": self.location})
        if method == "PATCH":
            start = int(request.headers["content-range"].partition("-")[0])
            if start != len(self.session):
                return Reply(416)
            self.session += request.body
            return Reply(202, headers={"Location": self.location})
        if method == "GET":
            reached = max(len(self.session) - 1, 0)
            return Reply(204, headers={"Range": f"0-{reached}", "Location": self.location})
        return self.finish(request)

    def finish(self, request: Request) -> Reply:
        content = bytes(self.session) + request.body
        digest = request.query["digest"][0]
        if digest_of(content) != digest:
            return Reply(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')
        self.blobs[digest] = content
        return Reply(201, headers={"Location": "/v2/a/b/blobs/" + digest})


@pytest.mark.parametrize("size", [0, 1, 16, 17, 64, 65, 100, 199, 200, 201, 1000])
@pytest.mark.parametrize("single_post", [True, False])
def test_every_way_of_sending(size: int, single_post: bool) -> None:
    content = bytes(n % 251 for n in range(size))
    registry = UploadRegistry(single_post=single_post)
    with serve(registry) as server:
        repository = repository_of(server, limits=SMALL)
        assert repository.push_blob(describe(content), content)
        assert registry.blobs == {digest_of(content): content}
        methods = [line.split()[0] for line in server.lines]
    if size <= 16:
        assert methods == (["HEAD", "POST"] if single_post else ["HEAD", "POST", "PUT"])
    elif size <= 64:
        assert methods == ["HEAD", "POST", "PUT"]
    else:
        assert methods == ["HEAD", "POST", *["PATCH"] * -(-size // 100), "PUT"]


def test_a_source_is_opened_again_for_a_second_attempt() -> None:
    content = bytes(150)
    opened = []

    def source() -> io.BytesIO:
        opened.append(io.BytesIO(content))
        return opened[-1]

    def fault(self: UploadRegistry, request: Request) -> Reply | None:
        lost = request.method == "PATCH" and len(opened) == 1
        return Reply(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}') if lost else None

    registry = UploadRegistry(fault=fault)
    with serve(registry) as server:
        assert repository_of(server, limits=SMALL).push_blob(describe(content), source)
    assert registry.blobs == {digest_of(content): content}
    assert len(opened) == 2
    assert all(stream.closed for stream in opened)


@pytest.mark.parametrize("when", ["cut before", "cut after"])
@pytest.mark.parametrize("size", [10, 50, 350])
def test_a_connection_that_is_cut_at_any_request(size: int, when: str) -> None:
    content = bytes(n % 251 for n in range(size))
    for position in range(1, 9):

        def fault(self: UploadRegistry, request: Request, at: int = position) -> str | None:
            return when if self.count == at else None

        registry = UploadRegistry(fault=fault)
        with serve(registry) as server:
            repository_of(server, limits=SMALL).push_blob(describe(content), content)
        assert registry.blobs == {digest_of(content): content}, f"cut at request {position}"


def test_a_chunk_that_arrived_in_part_is_continued() -> None:
    content = bytes(n % 251 for n in range(300))

    def fault(self: UploadRegistry, request: Request) -> str | None:
        if request.method == "PATCH" and len(self.session) == 100 and not self.blobs.get("done"):
            self.blobs["done"] = b"once"
            self.session += request.body[:37]
            return "cut before"
        return None

    registry = UploadRegistry(fault=fault)
    with serve(registry) as server:
        repository_of(server, limits=SMALL).push_blob(describe(content), content)
        ranges = [one.headers.get("content-range") for one in server.requests]
    assert [one for one in ranges if one] == ["0-99", "100-199", "137-199", "200-299"]
    assert registry.blobs[digest_of(content)] == content


@pytest.mark.parametrize("status", [416, 500, 502, 503, 504])
@pytest.mark.parametrize("arrived", [0, 37, 100])
def test_a_chunk_that_the_registry_failed_on_is_continued(status: int, arrived: int) -> None:
    content = bytes(n % 251 for n in range(300))
    failed = []

    def fault(self: UploadRegistry, request: Request) -> Reply | None:
        if request.method == "PATCH" and len(self.session) == 100 and not failed:
            failed.append(request)
            self.session += request.body[:arrived]
            return Reply(status)
        return None

    class Registry(UploadRegistry):
        def work(self, request: Request) -> Reply:
            skip = failed and request is failed[0]
            return Reply(status) if skip else super().work(request)

    registry = Registry(fault=fault)
    with serve(registry) as server:
        repository_of(server, limits=SMALL).push_blob(describe(content), content)
        methods = [line.split()[0] for line in server.lines]
    assert methods.count("POST") == 1, "the session goes on: what arrived is not sent again"
    assert registry.blobs == {digest_of(content): content}


def test_a_chunk_may_break_as_often_as_it_comes_further() -> None:
    content = bytes(n % 251 for n in range(100))

    def fault(self: UploadRegistry, request: Request) -> str | None:
        if request.method == "PATCH" and len(request.body) > 10:
            self.session += request.body[:10]
            return "cut before"
        return None

    registry = UploadRegistry(fault=fault)
    limits = replace(SMALL, chunk=100, attempts=3)
    with serve(registry) as server:
        repository_of(server, limits=limits).push_blob(describe(content), content)
        methods = [line.split()[0] for line in server.lines]
    assert methods.count("PATCH") == 10
    assert methods.count("POST") == 1
    assert registry.blobs == {digest_of(content): content}


def test_a_registry_that_never_takes_it_is_an_error() -> None:
    def fault(self: UploadRegistry, request: Request) -> str | None:
        return "cut before" if request.method == "PUT" else None

    with serve(UploadRegistry(fault=fault)) as server:
        with pytest.raises(BrokenStream):
            repository_of(server, limits=SMALL).push_blob(describe(bytes(50)), bytes(50))
        assert len(server.requests) < 40


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_refusal_is_not_repeated(status: int) -> None:
    def fault(self: UploadRegistry, request: Request) -> Reply | None:
        return Reply(status) if request.method == "PUT" else None

    with serve(UploadRegistry(fault=fault)) as server:
        with pytest.raises(ResponseError) as caught:
            repository_of(server, limits=SMALL).push_blob(describe(bytes(50)), bytes(50))
        assert caught.value.status == status
        assert server.lines.count(f"PUT {UPLOADS}id") == 1


def test_a_session_without_an_address() -> None:
    with serve(UploadRegistry(location="")) as server, pytest.raises(OciError):
        repository_of(server, limits=SMALL).push_blob(describe(bytes(50)), bytes(50))


def test_a_registry_that_does_not_know_single_posts() -> None:
    def fault(self: UploadRegistry, request: Request) -> Reply | None:
        return Reply(405) if request.method == "POST" and "digest" in request.query else None

    registry = UploadRegistry(fault=fault)
    with serve(registry) as server:
        repository_of(server, limits=SMALL).push_blob(describe(b"x"), b"x")
    assert registry.blobs == {digest_of(b"x"): b"x"}


def test_an_upload_to_another_host_gets_no_credentials() -> None:
    storage_side = UploadRegistry(location="/elsewhere?token=1")
    with serve(storage_side) as storage:
        registry = UploadRegistry(location=f"http://{storage.host}/elsewhere?token=1")

        def answer(request: Request) -> Reply | None:
            if "authorization" not in request.headers:
                return Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
            return registry(request)

        with serve(answer) as server:
            repository = repository_of(server, credential=Credential("u", "p"), limits=SMALL)
            repository.push_blob(describe(bytes(150)), bytes(150))
        assert storage_side.blobs == {digest_of(bytes(150)): bytes(150)}
        assert storage.requests
        assert all("authorization" not in one.headers for one in storage.requests)
        assert all(one.query["token"] == ["1"] for one in storage.requests)


def test_an_https_registry_that_wants_an_upload_over_http() -> None:
    from lading_oci.orassession import _Bridge

    class Secure:
        origin = origin_of("https://r.example.com")

    bridge = _Bridge(Secure(), frozenset(), describe(b""), None)  # type: ignore[arg-type]
    with pytest.raises(TransportError, match="plain HTTP"):
        bridge("http://r.example.com/v2/a/blobs/uploads/id", "PUT", b"")


def test_a_source_with_other_bytes_leaves_nothing() -> None:
    registry = UploadRegistry()
    with serve(registry) as server:
        repository = repository_of(server, limits=SMALL)
        for content in (bytes(149), bytes(151), b"x" * 150):
            with pytest.raises(OciError):
                repository.push_blob(describe(bytes(150)), partial(io.BytesIO, content))
        with pytest.raises(IntegrityError):
            repository.push_blob(describe(bytes(150)), b"x" * 150)
    assert registry.blobs == {}


@pytest.mark.parametrize("got", [0, 49, 51])
def test_a_blob_of_another_size_than_announced_is_not_begun(got: int) -> None:
    """The registry would wait for the rest of its bytes until the connection times out."""
    registry = UploadRegistry()
    with serve(registry) as server:
        repository = repository_of(server, limits=SMALL)
        with pytest.raises(IntegrityError, match=f"{got} bytes"):
            repository.push_blob(describe(bytes(50)), partial(io.BytesIO, bytes(got)))
        assert not any(line.startswith("PUT") for line in server.lines)
    assert registry.blobs == {}


def test_a_source_that_fails_raises_its_own_error() -> None:
    class Broken(io.BytesIO):
        def read(self, *_: object) -> bytes:
            raise IntegrityError("the source is broken")

    registry = UploadRegistry()
    for size in (50, 150):  # whole, and by chunks
        with serve(registry) as server, pytest.raises(IntegrityError, match="source is broken"):
            repository_of(server, limits=SMALL).push_blob(describe(bytes(size)), Broken)
    assert registry.blobs == {}


def test_mounting() -> None:
    def answer(request: Request) -> Reply:
        if request.method == "HEAD":
            return Reply(404)
        assert request.query == {"mount": [digest_of(b"x")], "from": ["c/d"]}
        return Reply(201)

    with serve(answer) as server:
        repository = repository_of(server, limits=SMALL)
        assert not repository.push_blob(describe(b"x"), b"x", mount_from="c/d"), "nothing was sent"
        assert [line.split()[0] for line in server.lines] == ["HEAD", "POST"]


def test_a_mount_that_is_not_done_becomes_an_upload() -> None:
    registry = UploadRegistry()
    with serve(registry) as server:
        repository = repository_of(server, limits=SMALL)
        assert repository.push_blob(describe(bytes(50)), bytes(50), mount_from="c/d")
        assert [line.split()[0] for line in server.lines] == ["HEAD", "POST", "PUT"], "one session"
    assert registry.blobs == {digest_of(bytes(50)): bytes(50)}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_mount_that_is_refused_becomes_an_upload(status: int) -> None:
    def fault(self: UploadRegistry, request: Request) -> Reply | None:
        return Reply(status) if "mount" in request.query else None

    registry = UploadRegistry(fault=fault)
    with serve(registry) as server:
        repository = repository_of(server, limits=SMALL)
        assert repository.push_blob(describe(bytes(50)), bytes(50), mount_from="c/d")
    assert registry.blobs == {digest_of(bytes(50)): bytes(50)}


def test_no_permission_to_push() -> None:
    with serve(lambda _: Reply(403, b'{"errors":[{"code":"DENIED"}]}')) as server:
        with pytest.raises(Unauthorized) as caught:
            repository_of(server).push_blob(describe(b"x"), b"x")
        assert caught.value.code is None, "a HEAD has no body"


def test_a_blob_of_another_size_is_not_there() -> None:
    with serve(lambda _: Reply(200, b"", {"Content-Length": "7"})) as server:
        assert not repository_of(server).has_blob(describe(b"x"))


def test_a_blob_that_lies_in_storage_elsewhere_is_there() -> None:
    with serve(lambda _: Reply(307, headers={"Location": "http://x.example.com/"})) as server:
        assert repository_of(server).has_blob(describe(b"x"))
        assert len(server.requests) == 1
