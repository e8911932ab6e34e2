"""Use case: every attestation of an image, of its platforms and of those attestations themselves.

What an unverified bundle says of itself is shown as a claim; with a verifier, each one is checked
on its own and the reason of a refusal is part of the answer.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from lading.attest.bundle import parse_bundle
from lading.attest.statement import parse_statement
from lading.attest.times import claimed_time
from lading.errors import VerificationError
from lading.limits import LIMITS
from lading.usecases.bundles import fetch_bundle, is_bundle
from lading.usecases.digests import every_entry
from lading_oci.errors import LimitExceeded, NotFound, OciError
from lading_oci.platforms import platform_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from lading.attest.bundle import Bundle
    from lading.attest.interface import Verifier
    from lading.usecases.locate import Located, Place
    from lading_oci.interface import Descriptor, Repository

__all__ = ["Attached", "Branch", "Tree", "list_attached"]

_MOST_SIGNER = 512  # characters of a claimed name that are worth showing


@dataclass(frozen=True, slots=True)
class Attached:
    """One referrer, and what is attached to it in turn.

    ``signer`` is what was verified, or a claim when ``verified`` is None. ``created`` is the
    unsigned annotation; ``time`` is a timestamp's or log's when ``time_trusted``, else what the
    statement says.
    """

    digest: str
    artifact_type: str
    size: int
    created: str | None
    predicate_type: str | None = None
    signer: str | None = None
    subjects: int = 0
    verified: bool | None = None
    reason: str | None = None
    time: str | None = None
    time_trusted: bool = False
    referrers: tuple[Attached, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``tree``'s document."""
        facts = {name: getattr(self, name) for name in self.__slots__ if name != "referrers"}
        return {**facts, "referrers": [one.to_json() for one in self.referrers]}


@dataclass(frozen=True, slots=True)
class Branch:
    """A manifest (an image's, or a platform's of it) and what is attached to it."""

    digest: str
    platform: str | None
    referrers: tuple[Attached, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``tree``'s document."""
        referrers = [one.to_json() for one in self.referrers]
        return {"digest": self.digest, "platform": self.platform, "referrers": referrers}


@dataclass(frozen=True, slots=True)
class Tree:
    """What is attached to an image, where, and to the manifests that its index lists."""

    place: Place
    root: Branch
    platforms: tuple[Branch, ...]


def list_attached(located: Located, verifier: Verifier | None = None) -> Tree:
    """Return everything that is attached, newest first, in the first place that has any.

    Raises:
        LimitExceeded: there is more than ``attestations_read``, or nested deeper than
            ``tree_depth``.
        OciError: the registry failed. A single unreadable referrer is listed with its reason.
    """
    for place in located.everywhere():
        reader = _Reader(place.repository, verifier)
        found = reader.attached(place.subject, located.wanted, depth=0)
        platforms = tuple(reader.platforms(place.subject))
        if found or any(one.referrers for one in platforms):
            break
    return Tree(place, Branch(place.subject, None, found), platforms)


class _Reader:
    """One store, and what was read of it."""

    def __init__(self, repository: Repository, verifier: Verifier | None) -> None:
        self._repository = repository
        self._verifier = verifier
        self._seen: set[str] = set()

    def platforms(self, digest: str) -> Iterator[Branch]:
        """Yield the parts of an index with what is attached to each."""
        try:
            document = self._repository.manifest(digest).json()
        except NotFound:
            return  # an anchor or an image that was removed; its evidence may be there still
        for part in every_entry(self._repository, digest, document):
            found = self.attached(part.digest, frozenset({part.digest}), depth=0)
            yield Branch(part.digest, platform_name(part), found)

    def attached(self, digest: str, wanted: frozenset[str], *, depth: int) -> tuple[Attached, ...]:
        """Return what refers to ``digest``; evidence must be about all of ``wanted``."""
        listed = self._repository.referrers(digest, exhaustive=depth == 0)
        fresh = [one for one in listed if one.digest not in self._seen]
        self._seen.update(one.digest for one in fresh)
        if len(self._seen) > LIMITS.attestations_read or (fresh and depth >= LIMITS.tree_depth):
            raise LimitExceeded(
                "more is attached to the image than is listed",
                where=f"{self._repository.name}@{digest}",
                wanted=f"at most {LIMITS.attestations_read}, {LIMITS.tree_depth} deep",
            )
        return tuple(self._whole(one, wanted, depth) for one in fresh)

    def _whole(self, referrer: Descriptor, wanted: frozenset[str], depth: int) -> Attached:
        own = _read(self._repository, referrer, self._verifier, wanted)
        nested = self.attached(referrer.digest, frozenset({referrer.digest}), depth=depth + 1)
        return dataclasses.replace(own, referrers=nested)


def _read(
    repository: Repository, referrer: Descriptor, verifier: Verifier | None, wanted: frozenset[str]
) -> Attached:
    listed = Attached(
        referrer.digest,
        referrer.artifact_type or referrer.media_type,
        referrer.size,
        referrer.annotations.get("org.opencontainers.image.created"),
    )
    if not is_bundle(referrer):
        return listed
    try:
        content = fetch_bundle(repository, referrer)
        bundle = parse_bundle(content)
        statement = parse_statement(bundle.envelope.payload)
    except (VerificationError, OciError) as error:
        return dataclasses.replace(listed, verified=False if verifier else None, reason=str(error))
    claimed = dataclasses.replace(
        listed,
        predicate_type=statement.predicate_type,
        subjects=len(statement.subjects),
        signer=_claimed_signer(bundle),
        time=_written(claimed_time(statement)),
    )
    if verifier is None:
        return claimed
    try:
        verified = verifier.verify(content)
    except VerificationError as error:
        return dataclasses.replace(claimed, verified=False, reason=str(error))
    if not wanted <= statement.sha256:
        return dataclasses.replace(claimed, verified=False, reason="it is about something else")
    return dataclasses.replace(
        claimed,
        verified=True,
        signer=str(verified.signer),
        time=_written(verified.time) or claimed.time,
        time_trusted=verified.time is not None,
    )


def _written(time: datetime | None) -> str | None:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z") if time else None


def _claimed_signer(bundle: Bundle) -> str:
    """Say whom a bundle names as its signer; nobody has checked it."""
    if bundle.certificate is None:
        hint = bundle.key_hint or ""
        try:
            raw = base64.b64decode(hint, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        return f"sha256:{raw.hex()}" if raw else "a key that is not named"
    from cryptography import x509

    try:
        certificate = x509.load_der_x509_certificate(bundle.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return ", ".join(str(name.value) for name in names)[:_MOST_SIGNER]
    except (ValueError, x509.ExtensionNotFound):
        return "a certificate that names nobody"
