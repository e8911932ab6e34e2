"""``lading copy``, ``download`` and ``tree`` as a user runs them, without a Docker engine."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import jsonschema_rs
import pytest

import parts
from lading.attest.predicates import CYCLONEDX, SLSA_VSA_V1
from lading.attest.statement import Subject, build_statement
from lading.attest.vsa import ATTESTED_POLICY, build_vsa
from lading.usecases.attest import attach_statement
from lading_oci import Layout
from support.attest_samples import pair, signer
from support.oci_images import make_image, push_image, push_index
from support.oci_stores import open_at
from support.product import Lading

if TYPE_CHECKING:
    from pathlib import Path

    from lading_oci.interface import Descriptor, Repository
    from support.registries import Registry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    """``lading`` with two public keys in its directory, and no engine."""
    for name in ("alice", "mallory"):
        (tmp_path / f"{name}.pub").write_bytes(pair(name).public_pem)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "DOCKER_CONFIG": str(tmp_path),
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
    if "PYTHONPATH" in os.environ:
        env["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return Lading(tmp_path, env)


@dataclass(frozen=True, slots=True)
class Shelf:
    """An index of two platforms: a BOM and a seal on it, a BOM on one platform, one on a BOM."""

    repository: Repository
    host: str
    index: Descriptor
    amd64: Descriptor

    @property
    def name(self) -> str:
        return f"registry:{self.repository.name}:v1"


def sign(
    repository: Repository, subject: Descriptor, text: str, *, by: str = "alice"
) -> tuple[str, str]:
    """Attach a BOM; return the digests of its bundle and its referrer."""
    subjects = [Subject("svc", dict([subject.digest.split(":")]))]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"timestamp": "2026-01-02T03:04:05Z", "component": {"name": text}},
    }
    done = attach_statement(
        build_statement(subjects, CYCLONEDX, document),
        CYCLONEDX,
        signer=signer(by),
        store=repository,
        subject=subject,
        now=NOW,
    )
    return done.digest, done.referrer


@pytest.fixture(params=["registry_referrers", "registry_fallback"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    registry: Registry = request.getfixturevalue(request.param)
    repository = open_at(registry.host, f"verbs/t{uuid.uuid4().hex[:12]}")
    images = {one: make_image("shelved", architecture=one) for one in ("amd64", "arm64")}
    index = push_index(repository, images, tag="v1")
    bundle, referrer = sign(repository, index, "on the index")
    summary = build_vsa(
        resource_uri="svc",
        policy=ATTESTED_POLICY,
        passed=True,
        inputs=[bundle],
        verifier_version="0",
        now=NOW,
    )
    attach_statement(
        build_statement([Subject("svc", dict([index.digest.split(":")]))], SLSA_VSA_V1, summary),
        SLSA_VSA_V1,
        signer=signer(),
        store=repository,
        subject=index,
        now=NOW,
    )
    amd64 = images["amd64"].descriptor
    sign(repository, amd64, "on amd64", by="mallory")
    sign(repository, repository.manifest(referrer).descriptor, "on the BOM")
    return Shelf(repository, registry.host, index, amd64)


def conforms(name: str, document: object) -> None:
    schema = json.loads((parts.ROOT / "docs" / "schemas" / f"{name}.schema.json").read_text())
    jsonschema_rs.validator_for(schema).validate(document)


def test_tree_shows_who_signed_what_when_and_what_hangs_on_it(lading: Lading, shelf: Shelf) -> None:
    document = lading.ok("tree", "--key", "alice.pub", shelf.name, "--json").json()

    conforms("tree", document)
    assert document["digest"] == shelf.index.digest
    by_type = {one["predicate_type"]: one for one in document["referrers"]}
    assert by_type.keys() == {CYCLONEDX, SLSA_VSA_V1}
    bom = by_type[CYCLONEDX]
    assert (bom["verified"], bom["time"], bom["time_trusted"]) == (
        True,
        "2026-01-02T03:04:05Z",
        False,
    )
    (nested,) = bom["referrers"]
    assert nested["verified"] is True
    assert [one["platform"] for one in document["platforms"]] == ["linux/amd64", "linux/arm64"]
    (on_amd64,) = document["platforms"][0]["referrers"]
    assert on_amd64["verified"] is False
    assert document["platforms"][1]["referrers"] == []


def test_tree_draws_it(lading: Lading, shelf: Shelf) -> None:
    text = lading.ok("tree", shelf.name).out

    assert text.splitlines()[0].endswith(f"@{shelf.index.digest}")
    assert text.count("not checked") == 4
    assert f"linux/amd64 {shelf.amd64.digest}" in text
    assert "    └── " in text or "│   └── " in text


def test_tree_of_what_is_not_there(lading: Lading, shelf: Shelf) -> None:
    ran = lading("tree", shelf.name.replace(":v1", ":v2"))
    assert ran.status == 20
    assert "does not resolve" in ran.err


def test_download_prints_the_verified_predicate(
    lading: Lading, shelf: Shelf, tmp_path: Path
) -> None:
    ran = lading.ok("download", "--key", "alice.pub", "--type", "cyclonedx", shelf.name)
    assert ran.json()["metadata"]["component"]["name"] == "on the index"
    assert "signed by sha256:" in ran.err

    lading.ok("download", "--key", "alice.pub", shelf.name, "-o", "bom.json")
    assert json.loads((tmp_path / "bom.json").read_text()) == ran.json()

    document = lading.ok("download", "--key", "alice.pub", shelf.name, "--json").json()
    conforms("download", document)
    assert document["verified"] is True
    assert document["predicate"] == ran.json()


def test_download_gives_nothing_that_does_not_verify(lading: Lading, shelf: Shelf) -> None:
    pinned = f"{shelf.name.removesuffix(':v1')}@{shelf.amd64.digest}"

    refused = lading("download", "--key", "alice.pub", pinned)
    assert (refused.status, refused.out) == (10, "")
    nobody = lading("download", pinned)
    assert (nobody.status, nobody.out) == (2, "")
    absent = lading("download", "--unverified", "--type", "sarif", pinned)
    assert (absent.status, absent.out) == (11, "")
    both = lading("download", "--unverified", "--key", "alice.pub", pinned)
    assert (both.status, both.out) == (2, "")

    unverified = lading.ok("download", "--unverified", pinned)
    assert unverified.json()["metadata"]["component"]["name"] == "on amd64"
    assert "NOT VERIFIED" in unverified.err
    document = lading.ok("download", "--unverified", pinned, "--json").json()
    conforms("download", document)
    assert (document["verified"], document["signer"]) == (False, None)


def test_copy_to_a_layout_and_back(lading: Lading, shelf: Shelf, tmp_path: Path) -> None:
    ran = lading.ok("copy", "--verify", "--key", "alice.pub", shelf.name, "oci-dir:./out")
    assert shelf.index.digest in ran.out
    assert "verified  signed by sha256:" in ran.out
    assert "attached  3 x bom" in ran.out
    assert "attached  1 x seal" in ran.out
    assert "0 mounted" in ran.out
    layout = Layout(tmp_path / "out")
    assert layout.resolve("v1").digest == shelf.index.digest

    back = f"{shelf.repository.name}-back"
    document = lading.ok(
        "copy", "--verify", "--key", "alice.pub", "oci-dir:./out", f"{back}:again", "--json"
    ).json()
    conforms("copy", document)
    assert (document["digest"], document["tag"]) == (shelf.index.digest, "again")
    assert [one["role"] for one in document["manifests"]].count("referrer") == 4
    assert document["verification"]["verified"] is True
    before = lading.ok("tree", "--key", "alice.pub", shelf.name, "--json").json()
    after = lading.ok("tree", "--key", "alice.pub", f"registry:{back}:again", "--json").json()
    assert after["platforms"] == before["platforms"]
    assert after["referrers"] == before["referrers"]
    again = lading.ok("copy", "oci-dir:./out:v1", f"{back}:again", "--json").json()
    assert again["blobs"]["sent"] == 0
    assert again["verification"] is None


def test_copy_writes_nothing_that_does_not_verify(
    lading: Lading, shelf: Shelf, tmp_path: Path
) -> None:
    ran = lading("copy", "--verify", "--key", "mallory.pub", shelf.name, "oci-dir:./out")
    assert (ran.status, ran.out) == (10, "")
    assert not (tmp_path / "out").exists()
    platform = lading(
        *("copy", "--verify", "--key", "alice.pub", "--platform", "linux/arm64"),
        *(shelf.name, "oci-dir:./out"),
    )
    assert platform.status == 11, "what is attached to the index says nothing of one platform"
    assert not (tmp_path / "out").exists()


def test_copy_of_one_platform(lading: Lading, shelf: Shelf, tmp_path: Path) -> None:
    ran = lading.ok("copy", "--platform", "linux/amd64", shelf.name, "oci-dir:./out:one")
    assert Layout(tmp_path / "out").resolve("one").digest == shelf.amd64.digest
    assert "attached  1 x" in ran.out
    assert "skipped   sha256:" in ran.out


def test_the_tag_of_a_copy(lading: Lading, registry_referrers: Registry, tmp_path: Path) -> None:
    """Its own, else the source's; none when the source was named by digest."""
    name = f"{registry_referrers.host}/verbs/t{uuid.uuid4().hex[:12]}"
    image = push_image(Layout(tmp_path / "source"), make_image("tagged"), tag="v7")

    def copied(source: str, target: str) -> str | None:
        document = lading.ok("copy", source, target, "--json").json()
        assert document["digest"] == image.digest
        tag: str | None = document["tag"]
        return tag

    assert copied("oci-dir:source", name) == "v7"
    assert copied("oci-dir:source:v7", f"{name}:other") == "other"
    assert copied(f"oci-dir:source@{image.digest}", f"{name}-untagged") is None
    assert copied(f"{name}@{image.digest}", "oci-dir:out:v8") == "v8"
    assert copied(f"{name}:v7", f"{name}:latest") == "latest"
    assert copied(name, "oci-dir:out") == "latest"
    assert Layout(tmp_path / "out").tags() == ["v8", "latest"]
    many = lading("copy", "oci-dir:out", name)
    assert (many.status, many.out) == (22, "")
    assert "v8, latest" in many.err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("docker:x", "oci-dir:./out"), 2, "lading push"),
        (("hf:a/b", "oci-dir:./out"), 2, "takes images"),
        (("oci-dir:./nowhere", "oci-dir:./out"), 22, "no OCI layout"),
        (("oci-dir:", "oci-dir:./out"), 2, "needs a path"),
        (("oci-dir:./x", f"127.0.0.1:1/x@sha256:{'0' * 64}"), 2, "by digest"),
        (("--key", "alice.pub", "oci-dir:./x", "oci-dir:./out"), 2, "--verify"),
        (("127.0.0.1:1/x:1", "oci-dir:./out"), 20, "nothing listens"),
    ],
)
def test_copies_that_cannot_be_meant(
    lading: Lading, tmp_path: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    ran = lading("copy", *words)
    assert (ran.status, ran.out) == (status, "")
    assert said.lower() in " ".join(ran.err.split()).lower()
    assert not (tmp_path / "out").exists()


def test_a_copy_shows_its_progress_on_a_terminal_only(
    lading: Lading, registry_referrers: Registry, tmp_path: Path
) -> None:
    source = Layout(tmp_path / "source")
    push_image(source, make_image("large", layer=b"l" * 20_000_000), tag="v1")
    target = f"{registry_referrers.host}/verbs/progress"
    terminal, theirs = pty.openpty()
    with (
        open(terminal, "rb", buffering=0) as screen,  # noqa: PTH123 - a descriptor
        open(theirs, "wb", buffering=0) as stderr,  # noqa: PTH123 - a descriptor
    ):
        done = subprocess.run(
            [sys.executable, "-m", "lading", "copy", "oci-dir:source", f"{target}:1"],
            cwd=tmp_path,
            env=dict(lading.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            check=False,
            timeout=120,
        )
        shown = screen.read(100_000)
    assert done.returncode == 0, shown
    assert b"copying oci-dir:source" in shown
    assert b"MiB" in shown
    assert b"2 sent (19.1 MiB)" in done.stdout
    assert lading.ok("copy", "oci-dir:source", f"{target}:2").err == ""
