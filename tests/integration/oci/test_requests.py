"""How many requests everything takes: a part of the contract (docs/oci.md)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from lading_oci import copy_image
from support.oci_images import make_image, push_image
from support.oci_stores import Requests, open_at

if TYPE_CHECKING:
    from lading_oci.interface import Descriptor, Repository
    from lading_oci.registry import RegistryRepository
    from support.registries import Registry

KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"


def attach(repository: Repository, subject: Descriptor, text: str) -> None:
    repository.attach(
        subject,
        text.encode(),
        artifact_type=KIND,
        blob_media_type=KIND,
        annotations={"org.opencontainers.image.created": "2026-01-02T03:04:05Z"},
    )


class Bench:
    """A pushed image in a fresh repository; every measurement is by a client that knows nothing."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.name = f"counted/t{uuid.uuid4().hex[:12]}"
        self.image = push_image(self.fresh()[0], make_image(self.name), tag="v1")

    def fresh(self, name: str | None = None) -> tuple[RegistryRepository, Requests]:
        requests = Requests()
        opened = open_at(
            self.registry.host,
            name or self.name,
            requests=requests,
            login=self.registry.login,
        )
        return opened, requests


def short(lines: list[str]) -> list[str]:
    """``METHOD kind`` of every request."""
    return [f"{line.split()[0]} {_kind(line)}" for line in lines]


def _kind(line: str) -> str:
    path = line.partition(" ")[2]
    if "/manifests/sha256-" in path:
        return "referrers tag"
    for name in ("uploads", "blobs", "manifests", "referrers", "token"):
        if f"/{name}" in f"/{path}":
            return name
    return path


@pytest.fixture
def bench(registry_referrers: Registry) -> Bench:
    return Bench(registry_referrers)


@pytest.fixture
def old(registry_fallback: Registry) -> Bench:
    return Bench(registry_fallback)


def test_reading(bench: Bench) -> None:
    repository, requests = bench.fresh()
    repository.resolve("v1")
    repository.manifest("v1")
    repository.manifest(bench.image.digest)
    assert short(requests.seen) == ["HEAD manifests", "GET manifests", "GET manifests"]


def test_the_list_of_referrers_is_one_request(bench: Bench) -> None:
    attach(bench.fresh()[0], bench.image, "one")
    repository, requests = bench.fresh()
    assert len(repository.referrers(bench.image.digest)) == 1
    assert short(requests.seen) == ["GET referrers"]


def test_by_tag_it_is_two(bench: Bench) -> None:
    attach(bench.fresh()[0], bench.image, "one")
    repository, requests = bench.fresh()
    assert len(repository.referrers(repository.resolve("v1").digest)) == 1
    assert short(requests.seen) == ["HEAD manifests", "GET referrers"]


def test_without_the_api_it_is_asked_for_once(old: Bench) -> None:
    attach(old.fresh()[0], old.image, "one")
    repository, requests = old.fresh()
    for _ in range(2):
        assert len(repository.referrers(old.image.digest)) == 1
    assert short(requests.seen) == ["GET referrers", "GET referrers tag", "GET referrers tag"]


def test_attaching(bench: Bench) -> None:
    repository, requests = bench.fresh()
    attach(repository, bench.image, "one")
    sent = ["HEAD blobs", "POST uploads", "POST uploads", "PUT manifests", "GET referrers"]
    assert short(requests.seen) == sent
    with requests.counted() as second:
        attach(repository, bench.image, "two")
    assert short(second) == ["HEAD blobs", "POST uploads", "PUT manifests", "GET referrers"]
    with requests.counted() as again:
        attach(repository, bench.image, "two")
    assert short(again) == ["HEAD blobs", "GET referrers", "GET manifests"]


def test_attaching_without_the_api(old: Bench) -> None:
    """This registry takes no blob within a POST either."""
    repository, requests = old.fresh()
    attach(repository, old.image, "one")
    blob = ["POST uploads", "PUT uploads"]
    tag = ["GET referrers tag", "PUT referrers tag", "GET referrers tag"]
    assert short(requests.seen) == [
        "HEAD blobs",
        *blob,
        *blob,
        "PUT manifests",
        "GET referrers",
        *tag,
    ]
    with requests.counted() as second:
        attach(repository, old.image, "two")
    assert short(second) == ["HEAD blobs", *blob, "PUT manifests", *tag]


def test_attaching_with_the_referrers_tag_alone(registry_no_referrers: Registry) -> None:
    bench = Bench(registry_no_referrers)
    repository, requests = bench.fresh()
    attach(repository, bench.image, "one")
    tag = ["GET referrers tag", "PUT referrers tag", "GET referrers tag"]
    sent = ["HEAD blobs", "POST uploads", "POST uploads", "PUT manifests", "GET referrers"]
    assert short(requests.seen) == [*sent, *tag]
    with requests.counted() as second:
        attach(repository, bench.image, "two")
    assert short(second) == ["HEAD blobs", "POST uploads", "PUT manifests", *tag]
    with requests.counted() as again:
        attach(repository, bench.image, "two")
    assert short(again) == ["HEAD blobs", "GET referrers tag", "GET manifests"]
    fresh, requests = bench.fresh()
    attach(fresh, bench.image, "two")
    known = ["HEAD blobs", "GET referrers", "GET referrers tag", "GET manifests"]
    assert short(requests.seen) == known


def test_a_token_is_fetched_once_for_each_scope(registry_token: Registry) -> None:
    bench = Bench(registry_token)
    repository, requests = bench.fresh()
    for _ in range(2):
        repository.referrers(bench.image.digest)
    attach(repository, bench.image, "one")
    attach(repository, bench.image, "two")
    assert short(requests.seen).count("GET token") == 2
    assert short(requests.seen)[:4] == [
        "GET referrers",
        "GET token",
        "GET referrers",
        "GET referrers tag",
    ]


def test_copying_within_a_registry_moves_no_blob(bench: Bench) -> None:
    attach(bench.fresh()[0], bench.image, "one")
    source, requests = bench.fresh()
    target = source.sibling(f"{bench.name}-copy")
    report = copy_image(source, "v1", target, tag="v1")
    seen = short(requests.seen)
    assert report.blobs_sent == 0
    assert "GET blobs" not in seen
    assert "PATCH uploads" not in seen
    assert seen.count("POST uploads") == report.blobs_mounted == 4
    assert seen.count("PUT manifests") == 3  # the image, its referrer, the tag
