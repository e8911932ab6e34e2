"""Listing and registering referrers against servers that do it in every way there is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lading_oci import mediatypes
from lading_oci.digest import digest_of, referrers_tag
from lading_oci.errors import ConflictError, LimitExceeded, MalformedError, ResponseError
from lading_oci.interface import Descriptor
from lading_oci.manifests import descriptor_json, index_manifest, referrer_manifest
from lading_oci.referrers import ReferrersApi
from support.oci_clients import FAST, repository_of
from support.oci_images import make_image
from support.oci_server import Reply, Request, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

SUBJECT = make_image("subject").descriptor
KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"
API = f"/v2/a/b/referrers/{SUBJECT.digest}"
TAG = f"/v2/a/b/manifests/{referrers_tag(SUBJECT.digest)}"


def entry(name: str, kind: str | None = KIND, **annotations: str) -> dict[str, Any]:
    return descriptor_json(
        Descriptor(mediatypes.OCI_MANIFEST, digest_of(name.encode()), 100, kind, annotations)
    )


def index(entries: Sequence[Any], **headers: str) -> Reply:
    return Reply(200, index_manifest(entries), {"Content-Type": mediatypes.OCI_INDEX, **headers})


def names(found: Sequence[Descriptor]) -> set[str]:
    return {one.digest for one in found}


def test_one_request_where_there_is_the_api() -> None:
    with serve(lambda _: index([entry("a")])) as server:
        repository = repository_of(server)
        assert names(repository.referrers(SUBJECT.digest)) == {digest_of(b"a")}
        assert server.lines == [f"GET {API}"]
        assert not server.requests[0].query, "the server is not asked to filter"
        assert repository.referrers_api is ReferrersApi.YES


def test_all_pages() -> None:
    def answer(request: Request) -> Reply:
        page = int(request.query.get("page", ["0"])[0])
        link = {"Link": f'<{API}?page={page + 1}>; rel="next"'} if page < 3 else {}
        return index([entry(f"p{page}")], **link)

    with serve(answer) as server:
        found = repository_of(server).referrers(SUBJECT.digest)
        assert len(found) == 4
        assert len(server.requests) == 4


def test_endless_pages_are_bounded() -> None:
    limits = replace(FAST, referrers_pages=5)
    reply = index([entry("a")], Link=f'<{API}?again>; rel="next"')
    with serve(lambda _: reply) as server:
        with pytest.raises(LimitExceeded):
            repository_of(server, limits=limits).referrers(SUBJECT.digest)
        assert len(server.requests) == 5


def test_a_flood_is_bounded() -> None:
    limits = replace(FAST, referrers=50)
    reply = index([entry(str(n)) for n in range(51)])
    with serve(lambda _: reply) as server, pytest.raises(LimitExceeded):
        repository_of(server, limits=limits).referrers(SUBJECT.digest)


def test_a_page_on_another_host_is_refused() -> None:
    reply = index([entry("a")], Link='<https://evil.example.com/x>; rel="next"')
    with serve(lambda _: reply) as server, pytest.raises(MalformedError, match="another host"):
        repository_of(server).referrers(SUBJECT.digest)


@pytest.mark.parametrize(
    "absence",
    [
        Reply(404),
        Reply(400),
        Reply(405),
        Reply(406),
        Reply(200, b"<html>", {"Content-Type": "text/html"}),
        Reply(200, b"{}", {"Content-Type": "application/json"}),
    ],
)
def test_the_tag_where_there_is_no_api(absence: Reply) -> None:
    def answer(request: Request) -> Reply:
        return absence if request.path == API else index([entry("a")])

    with serve(answer) as server:
        repository = repository_of(server)
        for _ in range(2):
            assert names(repository.referrers(SUBJECT.digest)) == {digest_of(b"a")}
        assert server.lines == [f"GET {API}", f"GET {TAG}", f"GET {TAG}"], "asked once"
        assert repository.referrers_api is ReferrersApi.NO


@pytest.mark.parametrize("code", ["NAME_UNKNOWN", "MANIFEST_UNKNOWN"])
def test_what_is_unknown_says_nothing_about_the_api(code: str) -> None:
    unknown = Reply(404, json.dumps({"errors": [{"code": code}]}).encode())
    with serve(lambda _: unknown) as server:
        repository = repository_of(server)
        assert repository.referrers(SUBJECT.digest) == []
        assert repository.referrers_api is ReferrersApi.UNKNOWN


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_failure_is_not_an_absence(status: int) -> None:
    """Otherwise whoever can make a request fail could hide the evidence."""
    with serve(lambda _: Reply(status)) as server, pytest.raises(ResponseError):
        repository_of(server).referrers(SUBJECT.digest)


def test_a_failure_to_read_the_tag_is_not_an_absence() -> None:
    def answer(request: Request) -> Reply:
        return Reply(404) if request.path == API else Reply(503)

    with serve(answer) as server, pytest.raises(ResponseError):
        repository_of(server).referrers(SUBJECT.digest)


def test_a_server_that_filters_wrongly_is_corrected() -> None:
    reply = index(
        [entry("a"), entry("b", "application/other")], **{"OCI-Filters-Applied": "artifactType"}
    )
    with serve(lambda _: reply) as server:
        found = repository_of(server).referrers(SUBJECT.digest, artifact_type=KIND)
        assert names(found) == {digest_of(b"a")}


def test_the_tag_is_read_too_when_the_api_knows_nothing_of_that_kind() -> None:
    """A registry that was upgraded to the API without indexing what it had."""

    def answer(request: Request) -> Reply:
        if request.path == API:
            return index([entry("new", "application/other")])
        return index([entry("old")])

    with serve(answer) as server:
        repository = repository_of(server)
        assert names(repository.referrers(SUBJECT.digest, artifact_type=KIND)) == {
            digest_of(b"old")
        }
        assert names(repository.referrers(SUBJECT.digest)) == {digest_of(b"new")}
        both = repository.referrers(SUBJECT.digest, exhaustive=True)
        assert names(both) == {digest_of(b"new"), digest_of(b"old")}


def test_a_broken_entry_hides_no_other() -> None:
    entries = [{"digest": "nonsense"}, 7, None, {}, entry("a"), {**entry("b"), "size": -1}]
    with serve(lambda _: index(entries)) as server:
        assert names(repository_of(server).referrers(SUBJECT.digest)) == {digest_of(b"a")}


@pytest.mark.parametrize("kind", [None, mediatypes.EMPTY, mediatypes.OCI_CONFIG])
def test_entries_that_do_not_say_what_they_are_are_looked_up(kind: str | None) -> None:
    """Other clients omit artifactType and annotations in the tag, or write the config's type."""
    blob = Descriptor(KIND, digest_of(b"blob"), 4)
    manifest = referrer_manifest(SUBJECT, blob, artifact_type=KIND, annotations={"a": "b"})
    listed = {**entry("x", kind), "digest": digest_of(manifest), "size": len(manifest)}

    def answer(request: Request) -> Reply:
        if request.path == API:
            return Reply(404)
        if request.path == TAG:
            return index([listed])
        return Reply(200, manifest, {"Content-Type": mediatypes.OCI_MANIFEST})

    with serve(answer) as server:
        (found,) = repository_of(server).referrers(SUBJECT.digest, artifact_type=KIND)
        assert found.artifact_type == KIND
        assert found.annotations == {"a": "b"}


def test_an_entry_whose_manifest_is_gone_hides_no_other() -> None:
    def answer(request: Request) -> Reply:
        if request.path in {API, TAG}:
            return index([entry("gone", None), entry("a")])
        return Reply(404)

    with serve(answer) as server:
        found = repository_of(server).referrers(SUBJECT.digest, artifact_type=KIND)
        assert names(found) == {digest_of(b"a")}


def test_lookups_are_bounded() -> None:
    limits = replace(FAST, referrers_settled=3)
    with (
        serve(
            lambda request: (
                index([entry(str(n), None) for n in range(9)])
                if request.path == API
                else Reply(404)
            )
        ) as server,
        pytest.raises(LimitExceeded),
    ):
        repository_of(server, limits=limits).referrers(SUBJECT.digest)


def test_newest_first() -> None:
    key = "org.opencontainers.image.created"
    entries = [
        entry("old", **{key: "2025-01-01T00:00:00Z"}),
        entry("none"),
        entry("new", **{key: "2026-01-01T00:00:00Z"}),
    ]
    with serve(lambda _: index(entries)) as server:
        found = repository_of(server).referrers(SUBJECT.digest)
        assert [one.digest for one in found] == [digest_of(n) for n in (b"new", b"old", b"none")]


REFERRER = referrer_manifest(
    SUBJECT, Descriptor(KIND, digest_of(b"blob"), 4), artifact_type=KIND, annotations={"a": "b"}
)


class TagRegistry:
    """Keeps one tag; ``steal`` is how many writes are overwritten by somebody else."""

    def __init__(self, *, steal: int = 0, entries: Sequence[Any] = ()) -> None:
        self.steal = steal
        self.tag: bytes | None = index_manifest(entries) if entries else None
        self.puts = 0

    def __call__(self, request: Request) -> Reply:
        if request.path == API:
            return Reply(404)
        if request.path != TAG:
            return Reply(201)
        if request.method == "PUT":
            self.puts += 1
            if self.puts > self.steal:
                self.tag = request.body
            else:
                self.tag = index_manifest([entry(f"thief{self.puts}")])
            return Reply(201)
        if self.tag is None:
            return Reply(404)
        return Reply(200, self.tag, {"Content-Type": mediatypes.OCI_INDEX})

    def digests(self) -> list[str]:
        assert self.tag is not None
        return [one["digest"] for one in json.loads(self.tag)["manifests"]]


def test_a_registry_that_registers_the_subject_gets_no_tag() -> None:
    reply = Reply(201, headers={"OCI-Subject": SUBJECT.digest})
    with serve(lambda _: reply) as server:
        repository = repository_of(server)
        repository.push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
        assert server.lines == [f"PUT /v2/a/b/manifests/{digest_of(REFERRER)}"]
        assert repository.referrers_api is ReferrersApi.YES


def test_a_registry_that_loses_the_header_but_has_the_api_gets_no_tag() -> None:
    listed = {**entry("x"), "digest": digest_of(REFERRER)}

    def answer(request: Request) -> Reply:
        return index([listed]) if request.path == API else Reply(201)

    with serve(answer) as server:
        repository_of(server).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
        assert len(server.requests) == 2


@pytest.mark.parametrize("header", [{}, {"OCI-Subject": digest_of(b"another")}])
def test_a_registry_without_the_api_gets_the_tag(header: dict[str, str]) -> None:
    registry = TagRegistry(entries=[{**entry("other"), "x-extra": [1]}])

    def answer(request: Request) -> Reply:
        reply = registry(request)
        return replace(reply, headers={**reply.headers, **header})

    with serve(answer) as server:
        repository_of(server).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
    assert registry.digests() == [digest_of(b"other"), digest_of(REFERRER)]
    assert registry.tag is not None
    kept, ours = json.loads(registry.tag)["manifests"]
    assert kept["x-extra"] == [1], "entries of others stay as they are"
    assert ours["artifactType"] == KIND
    assert ours["annotations"] == {"a": "b"}


def test_a_registered_referrer_is_not_written_again() -> None:
    registry = TagRegistry(entries=[{**entry("x"), "digest": digest_of(REFERRER)}])
    with serve(registry) as server:
        repository_of(server).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
    assert registry.puts == 0


def test_an_overwritten_tag_is_written_again() -> None:
    registry = TagRegistry(steal=3)
    with serve(registry) as server:
        repository_of(server).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
    assert registry.digests() == [digest_of(b"thief3"), digest_of(REFERRER)]


def test_a_tag_that_is_always_overwritten_is_a_conflict() -> None:
    limits = replace(FAST, tag_merge_seconds=0.2)
    with serve(TagRegistry(steal=10**9)) as server, pytest.raises(ConflictError):
        repository_of(server, limits=limits).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)


def test_something_else_under_the_tag_is_left_alone() -> None:
    image = make_image("somebody's image")

    def answer(request: Request) -> Reply:
        if request.path == API:
            return Reply(404)
        assert (request.method, request.path) != ("PUT", TAG)
        if request.method == "PUT":
            return Reply(201)
        return Reply(200, image.manifest, {"Content-Type": mediatypes.OCI_MANIFEST})

    with serve(answer) as server:
        repository = repository_of(server)
        with pytest.raises(MalformedError, match="not an image index"):
            repository.push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
        with pytest.raises(MalformedError, match="not an image index"):
            repository.referrers(SUBJECT.digest)


def test_what_is_listed_and_gone_is_attached_again() -> None:
    """Who deletes a manifest on such a registry leaves its entry under the referrers tag."""
    blob = b"blob"
    registry = TagRegistry(
        entries=[{**entry("x"), "digest": digest_of(REFERRER), "artifactType": KIND}]
    )
    pushed = []

    def answer(request: Request) -> Reply:
        if request.path.startswith("/v2/a/b/blobs/"):
            if request.method == "HEAD":
                return Reply(200, headers={"Content-Length": str(len(blob))})
            return Reply(201)
        if request.path == f"/v2/a/b/manifests/{digest_of(REFERRER)}":
            pushed.append(request.method)
            return Reply(201 if request.method == "PUT" else 404)
        return registry(request)

    with serve(answer) as server:
        attached = repository_of(server).attach(
            SUBJECT, blob, artifact_type=KIND, blob_media_type=KIND, annotations={"a": "b"}
        )
    assert not attached.existed
    assert attached.descriptor.digest == digest_of(REFERRER)
    assert pushed == ["GET", "PUT"]


def test_a_tag_that_gets_too_large_loses_long_annotations_first() -> None:
    long = {"dev.example.inlined": "x" * 5000, "short": "kept"}
    registry = TagRegistry(entries=[entry(str(n), **long) for n in range(10)])
    assert registry.tag is not None
    most = len(registry.tag) + 100  # there is no room for another entry as they are
    limits = replace(FAST, manifest=most, tag_annotation=1000)
    with serve(registry) as server:
        repository_of(server, limits=limits).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
    assert len(registry.tag) <= most
    written = json.loads(registry.tag)["manifests"]
    assert len(written) == 11
    assert all(one["annotations"]["short"] == "kept" for one in written[:-1])
    assert "dev.example.inlined" not in written[0]["annotations"]
    assert "dev.example.inlined" in written[-2]["annotations"]


def test_a_tag_that_is_full_is_an_error() -> None:
    registry = TagRegistry(entries=[entry(str(n)) for n in range(30)])
    assert registry.tag is not None
    limits = replace(FAST, manifest=len(registry.tag) + 10)
    with serve(registry) as server, pytest.raises(LimitExceeded, match="another entry"):
        repository_of(server, limits=limits).push_manifest(REFERRER, mediatypes.OCI_MANIFEST)
