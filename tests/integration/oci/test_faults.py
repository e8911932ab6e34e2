"""A bad network at every request of a push and of a verification, between us and real registries.

Whatever is cut, lost, late or changed on the way: no yes that should be a no, no referrer lost,
nothing half attached, an error that is documented, and repeating it completes it.
"""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from lading.attest.predicates import CYCLONEDX, SLSA_VSA_V1
from lading.attest.statement import Subject, build_statement
from lading.attest.verifiers.key import KeyVerifier
from lading.attest.vsa import ATTESTED_POLICY, build_vsa
from lading.errors import exit_code
from lading.exit_codes import ExitCode
from lading.usecases.attest import attach_statement
from lading.usecases.locate import Ports
from lading.usecases.targets import parse_image
from lading.usecases.verify import verify_image
from lading_oci.errors import FactsError, IntegrityError, NotFound, OciError
from lading_oci.limits import LIMITS
from lading_oci.manifests import parse_descriptor
from lading_oci.platforms import contained_blobs
from support.attest_samples import public, signer
from support.oci_images import describe, make_image, push_image
from support.oci_proxy import Fault, Faults, proxied
from support.oci_stores import open_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading_oci.interface import Descriptor, Repository
    from lading_oci.registry import RegistryRepository
    from support.oci_images import Image
    from support.registries import Registry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KIND = "application/vnd.example.before+json"
#: The real bounds with waits that a test can afford, and a layer that goes up in chunks.
HASTY = replace(
    LIMITS,
    attempts=3,
    backoff_first=0.002,
    backoff_most=0.01,
    read_seconds=0.4,
    total_seconds=4.0,
    settle_least=0.02,
    settle_most=0.05,
    settle_quiet=0.02,
    tag_merge_seconds=4.0,
    whole_put=20_000,
    chunk=30_000,
)
LAYER = bytes(range(256)) * 300  # three chunks
#: What a second attempt gets over, when it happens once.
PASSING = (
    Fault.REFUSED,
    Fault.CUT_REQUEST,
    Fault.LOST_ANSWER,
    Fault.CUT_ANSWER,
    Fault.DELAYED,
    Fault.UNAVAILABLE,
)
CORRUPTING = (Fault.CORRUPT_REQUEST, Fault.CORRUPT_ANSWER, Fault.CORRUPT_HEAD)
_NO = {ExitCode.NOT_VERIFIED, ExitCode.NO_ATTESTATION, ExitCode.REGISTRY}
FOR_GOOD = (Fault.REFUSED, Fault.CUT_ANSWER, Fault.LOST_ANSWER, *CORRUPTING)

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Line:
    """A registry, directly and through the proxy."""

    direct: str
    faults: Faults

    def repository(self, name: str) -> RegistryRepository:
        return open_at(self.direct, name, limits=HASTY)

    def through(self, name: str) -> RegistryRepository:
        return open_at(self.faults.host, name, limits=HASTY)


@pytest.fixture(scope="module", params=["registry_referrers", "registry_fallback"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    registry: Registry = request.getfixturevalue(request.param)
    with proxied(registry.host, delay=0.6) as faults:
        yield Line(registry.host, faults)


def image_of(name: str) -> Image:
    return make_image(name, layer=name.encode() + LAYER)


def release(repository: Repository, name: str) -> None:
    """Push an image with a BOM and a seal; the same bytes every time for the same name."""
    image = push_image(repository, image_of(name), tag="v1")
    subjects = [Subject(name, dict([image.digest.split(":")]))]
    statement = build_statement(subjects, CYCLONEDX, {"bomFormat": "CycloneDX", "name": name})
    bom = attach_statement(
        statement,
        CYCLONEDX,
        signer=signer(kind="ed25519"),
        store=repository,
        subject=image,
        now=NOW,
    )
    summary = build_vsa(
        resource_uri=name,
        policy=ATTESTED_POLICY,
        passed=True,
        inputs=[bom.digest],
        verifier_version="0",
        now=NOW,
    )
    attach_statement(
        build_statement(subjects, SLSA_VSA_V1, summary),
        SLSA_VSA_V1,
        signer=signer(kind="ed25519"),
        store=repository,
        subject=image,
        now=NOW,
    )


def attach_before(repository: Repository, name: str) -> Descriptor:
    """Attach somebody else's evidence, which must survive all that follows."""
    return repository.attach(
        image_of(name).descriptor,
        b"somebody's",
        artifact_type=KIND,
        blob_media_type=KIND,
        annotations={"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    ).descriptor


def check_nothing_is_half_there(repository: Repository, name: str) -> set[str]:
    """What can be found can be read to its last byte; return the referrers' digests."""
    with contextlib.suppress(NotFound):
        _read_all(repository, repository.resolve("v1").digest)
    listed = {one.digest for one in repository.referrers(image_of(name).descriptor.digest)}
    for digest in listed:
        _read_all(repository, digest)
    return listed


def _read_all(repository: Repository, digest: str) -> None:
    document = repository.manifest(digest).json()
    for blob in contained_blobs(document, where=digest):
        repository.read_blob(parse_descriptor({**_plain(blob)}), limit=1_000_000)


def _plain(blob: Descriptor) -> dict[str, object]:
    """Without its embedded data, so that it is really read."""
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}


def verify(repository: Repository, name: str) -> str:
    ports = Ports(registry=lambda _: repository, local=lambda: repository, engine=lambda _: None)
    image = parse_image(f"registry:{name}:v1")
    verifier = KeyVerifier([public(kind="ed25519")])
    return verify_image(image, ports, verifier=verifier, full=True).digest


def check_every_request(line: Line, fault: Fault, *, always: bool, may_fail: bool) -> None:
    """Push again and again, breaking one request further each time, until none is left."""
    for at in itertools.count():
        if check_push(line, fault, at, always=always, may_fail=may_fail) is None:
            break
    assert at >= 14, "blobs, manifests and both attestations"


def check_push(line: Line, fault: Fault, at: int, *, always: bool, may_fail: bool) -> str | None:
    """Push with one fault, look at what is there, repeat, look again; return what was broken."""
    name = f"faults/p{next(_numbers)}"
    before = attach_before(line.repository(name), name)
    line.faults.plan(fault, at, always=always)
    error: OciError | None = None
    try:
        release(line.through(name), name)
    except OciError as caught:
        error = caught
    broken = line.faults.lines[at] if line.faults.broken else None
    line.faults.plan(None)
    story = f"{fault.name} at {at} ({broken}), then: {error}"
    assert error is None or (may_fail and exit_code(error) is ExitCode.REGISTRY), story
    direct = line.repository(name)
    listed = check_nothing_is_half_there(direct, name)
    assert before.digest in listed, story
    if error is None:
        assert len(listed) == 3, story
    release(direct, name)
    assert len(check_nothing_is_half_there(direct, name)) == 3, story
    assert verify(direct, name) == image_of(name).descriptor.digest, story
    return broken


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name.lower())
def test_a_push_gets_over_what_breaks_once(line: Line, fault: Fault) -> None:
    check_every_request(line, fault, always=False, may_fail=False)


@pytest.mark.parametrize("fault", CORRUPTING, ids=lambda fault: fault.name.lower())
def test_a_push_leaves_nothing_corrupt(line: Line, fault: Fault) -> None:
    check_every_request(line, fault, always=False, may_fail=True)


@pytest.mark.parametrize("fault", FOR_GOOD, ids=lambda fault: fault.name.lower())
def test_a_push_that_ends_anywhere_is_repeated(line: Line, fault: Fault) -> None:
    check_every_request(line, fault, always=True, may_fail=True)


@dataclass(frozen=True, slots=True)
class Shelf:
    """An image with evidence that holds, and one with evidence that was moved to it."""

    line: Line
    good: str
    bad: str

    def exchanges(self, name: str) -> range:
        self.line.faults.plan(None)
        with contextlib.suppress(FactsError):
            verify(self.line.through(name), name)
        return range(len(self.line.faults.lines))

    def check(self, fault: Fault, at: int, *, always: bool, may_fail: bool) -> None:
        self.line.faults.plan(fault, at, always=always)
        outcome = self._outcome(self.good)
        story = f"{fault.name} at {at} of {self.line.faults.lines}: {outcome}"
        if isinstance(outcome, FactsError):
            assert may_fail, story
            assert exit_code(outcome) in _NO, story
        else:
            assert outcome == image_of(self.good).descriptor.digest, story

    def _outcome(self, name: str) -> str | FactsError:
        try:
            return verify(self.line.through(name), name)
        except FactsError as error:
            return error

    def check_refusal(self, fault: Fault, at: int, *, always: bool) -> None:
        self.line.faults.plan(fault, at, always=always)
        outcome = self._outcome(self.bad)
        assert isinstance(outcome, FactsError), f"{fault.name} at {at}: a yes to {outcome}"


@pytest.fixture(scope="module")
def shelf(line: Line) -> Shelf:
    good, bad = f"faults/good{next(_numbers)}", f"faults/bad{next(_numbers)}"
    source, target = line.repository(good), line.repository(bad)
    release(source, good)
    subject = push_image(target, image_of(bad), tag="v1")
    for one in source.referrers(image_of(good).descriptor.digest):
        (layer,) = source.manifest(one.digest).json()["layers"]
        target.attach(
            subject,
            source.read_blob(parse_descriptor(layer), limit=100_000),
            artifact_type=one.artifact_type or "",
            blob_media_type=layer["mediaType"],
            annotations=one.annotations,
        )
    return Shelf(line, good, bad)


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name.lower())
def test_a_verification_gets_over_what_breaks_once(shelf: Shelf, fault: Fault) -> None:
    numbers = shelf.exchanges(shelf.good)
    assert len(numbers) >= 4  # the tag, the list, a manifest and a bundle
    for at in numbers:
        shelf.check(fault, at, always=False, may_fail=False)


@pytest.mark.parametrize("always", [False, True], ids=["once", "for-good"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
def test_no_fault_makes_a_yes_of_a_no(shelf: Shelf, fault: Fault, always: bool) -> None:
    for at in shelf.exchanges(shelf.good):
        shelf.check(fault, at, always=always, may_fail=True)
    for at in shelf.exchanges(shelf.bad):
        shelf.check_refusal(fault, at, always=always)


def test_a_changed_byte_is_never_read(shelf: Shelf) -> None:
    """Not even where the signature would notice it later."""
    repository, image = shelf.line.through(shelf.good), image_of(shelf.good)
    digest = image.descriptor.digest
    shelf.line.faults.plan(Fault.CORRUPT_ANSWER, always=True)
    with pytest.raises(IntegrityError):
        repository.manifest(digest)
    with pytest.raises(IntegrityError):
        repository.read_blob(describe(image.layer, "layer"), limit=len(image.layer))
    shelf.line.faults.plan(Fault.CORRUPT_HEAD, always=True)
    assert repository.manifest(digest).content == image.manifest
