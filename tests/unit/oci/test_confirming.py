"""Registries that say they took a referrer and lose it to another push."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lading_oci import mediatypes
from lading_oci.errors import ConflictError
from lading_oci.manifests import descriptor_json, index_manifest
from support.oci_clients import FAST, repository_of
from support.oci_images import describe, make_image
from support.oci_server import Reply, Request, serve

if TYPE_CHECKING:
    from lading_oci.interface import Attached
    from lading_oci.registry import RegistryRepository

SUBJECT = make_image("subject").descriptor
KIND = "application/vnd.dev.sigstore.bundle.v0.3+json"


class Forgetful:
    """Has the API, answers ``OCI-Subject``, and keeps a referrer only when pushed often enough."""

    def __init__(self, losses: int) -> None:
        self.losses = losses
        self.puts = 0
        self.listed: list[dict[str, object]] = []

    def __call__(self, request: Request) -> Reply:
        if "/referrers/" in request.path:
            body = index_manifest(self.listed)
            return Reply(200, body, {"Content-Type": mediatypes.OCI_INDEX})
        if "/blobs/" in request.path:
            return Reply(404 if request.method == "HEAD" else 201)
        self.puts += 1
        if self.puts > self.losses:
            self.listed = [descriptor_json(describe(request.body, mediatypes.OCI_MANIFEST))]
        return Reply(201, headers={"OCI-Subject": SUBJECT.digest})


def attach(repository: RegistryRepository) -> Attached:
    return repository.attach(
        SUBJECT, b"evidence", artifact_type=KIND, blob_media_type=KIND, annotations={}
    )


def test_what_was_lost_is_pushed_again() -> None:
    registry = Forgetful(losses=2)
    with serve(registry) as server:
        done = attach(repository_of(server))
    assert registry.puts == 3
    assert [one["digest"] for one in registry.listed] == [done.descriptor.digest]
    assert not done.fallback


def test_what_is_never_listed_is_an_error() -> None:
    limits = replace(FAST, tag_merge_seconds=0.05)
    with (
        serve(Forgetful(losses=10**9)) as server,
        pytest.raises(ConflictError, match="does not list it"),
    ):
        attach(repository_of(server, limits=limits))


def test_what_is_listed_is_pushed_once() -> None:
    registry = Forgetful(losses=0)
    with serve(registry) as server:
        attach(repository_of(server))
        assert [line.split()[0] for line in server.lines] == ["HEAD", "POST", "POST", "PUT", "GET"]
    assert registry.puts == 1
