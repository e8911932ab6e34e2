"""Referrers of a registry: the API, and the referrers tag where there is no API.

OCI distribution-spec 1.1: "Listing Referrers", "Referrers Tag Schema", "Pushing Manifests with
Subject", "Unavailable Referrers API".
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from lading_oci import mediatypes
from lading_oci.digest import check_digest, referrers_tag
from lading_oci.errors import LimitExceeded, MalformedError, NotFound, OciError
from lading_oci.jsontext import parse_object
from lading_oci.links import next_page
from lading_oci.manifests import parse_descriptor
from lading_oci.records import changed
from lading_oci.responses import error_code
from lading_oci.urls import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading_oci.auth import Scopes
    from lading_oci.interface import Descriptor, Manifest
    from lading_oci.responses import Answer
    from lading_oci.transport import Transport

__all__ = [
    "Capability",
    "ReferrersApi",
    "from_api",
    "newest_first",
    "readable",
    "says_too_little",
    "settle",
    "tag_entries",
]

CREATED = "org.opencontainers.image.created"
_NOT_THERE = frozenset({400, 404, 405, 406, 501})
_UNKNOWN = frozenset({"NAME_UNKNOWN", "MANIFEST_UNKNOWN"})
#: What clients that know no artifactType write in its place.
_GENERIC = frozenset({mediatypes.EMPTY, mediatypes.OCI_CONFIG, *mediatypes.MANIFESTS})


class ReferrersApi(Enum):
    """Whether a registry has the referrers API."""

    UNKNOWN = "unknown"
    YES = "yes"
    NO = "no"


class Capability:
    """What has been learned about one registry; shared by its repositories."""

    __slots__ = ("referrers_api",)

    def __init__(self) -> None:
        self.referrers_api = ReferrersApi.UNKNOWN


def from_api(
    transport: Transport, repository: str, digest: str, scopes: Scopes, capability: Capability
) -> list[Descriptor] | None:
    """Return all pages of the referrers API, or None when the registry has none.

    The server is never asked to filter: some filter wrongly, and some say they did and did not.

    Raises:
        OciError: the registry did not answer, or answered more than the bounds allow.
    """
    if capability.referrers_api is ReferrersApi.NO:
        return None
    limits = transport.limits
    url: str | None = f"/v2/{repository}/referrers/{check_digest(digest)}"
    found: dict[str, Descriptor] = {}
    size = 0
    for _ in range(limits.referrers_pages):
        answer = transport.request(
            "GET",
            str(url),
            scopes=scopes,
            what="the registry does not list the referrers",
            ok=_NOT_THERE | {200},
            headers={"Accept": mediatypes.OCI_INDEX},
            limit=limits.manifest,
        )
        if not _is_index(answer):
            _absent(answer, capability)
            return None
        capability.referrers_api = ReferrersApi.YES
        size += len(answer.body)
        for descriptor in _entries(answer):
            found.setdefault(descriptor.digest, descriptor)
        if len(found) > limits.referrers or size > limits.referrers_bytes:
            raise LimitExceeded(
                "an image has too many referrers",
                where=redact(answer.url),
                wanted=f"at most {limits.referrers}",
            )
        url = next_page(answer.url, answer.header_all("Link"))
        if url is None:
            return list(found.values())
    raise LimitExceeded("the list of referrers has too many pages", where=redact(str(url)))


def _is_index(answer: Answer) -> bool:
    content_type = answer.header("Content-Type").partition(";")[0].strip().lower()
    return answer.status == 200 and content_type == mediatypes.OCI_INDEX


def _absent(answer: Answer, capability: Capability) -> None:
    # That a repository or subject is unknown says nothing about the API.
    if capability.referrers_api is ReferrersApi.UNKNOWN and error_code(answer) not in _UNKNOWN:
        capability.referrers_api = ReferrersApi.NO


def _entries(answer: Answer) -> list[Descriptor]:
    where = redact(answer.url)
    document = parse_object(answer.body, where=where)
    return readable(document.get("manifests"), where)


def readable(entries: object, where: str) -> list[Descriptor]:
    """Return the descriptors that can be read; a broken one must not hide the others.

    Raises:
        MalformedError: there is no list at all.
    """
    if not isinstance(entries, list):
        raise MalformedError("an index has no list of manifests", where=where)
    found = []
    for entry in entries:
        try:
            found.append(parse_descriptor(entry, where=where))
        except OciError:
            continue
    return found


def tag_entries(
    read: Callable[[str], Manifest], digest: str, *, where: str
) -> tuple[list[dict[str, Any]], Manifest | None]:
    """Return the entries of the referrers tag verbatim, and its manifest (None: no tag yet).

    Raises:
        MalformedError: the tag holds something that is not an image index.
        OciError: the registry did not answer.
    """
    tag = referrers_tag(digest)
    try:
        manifest = read(tag)
    except NotFound:
        return [], None
    document = manifest.json()
    entries = document.get("manifests")
    if manifest.descriptor.media_type not in mediatypes.INDEXES or not isinstance(entries, list):
        raise MalformedError(
            "the referrers tag is not an image index",
            where=f"{where}:{tag}",
            got=manifest.descriptor.media_type,
            hint="another program used this tag for something else; move it away",
        )
    return [entry for entry in entries if isinstance(entry, dict)], manifest


def says_too_little(descriptor: Descriptor, wanted: str | None) -> bool:
    """Say whether a list's entry leaves open what the referrer is.

    Other clients write fallback entries without ``artifactType``, or with the config's type in
    its place; their manifests have to be read, so that a filter does not lose them.
    """
    said = descriptor.artifact_type
    return said is None or (said in _GENERIC and said != wanted)


def settle(descriptor: Descriptor, read: Callable[[str], Manifest]) -> Descriptor | None:
    """Return the descriptor with what its manifest says; None when the manifest is gone.

    Raises:
        OciError: the registry did not answer, or the manifest is not what its digest says.
    """
    from lading_oci.manifests import describe  # rare

    try:
        manifest = read(descriptor.digest)
    except NotFound:
        return None
    actual = describe(manifest.json(), manifest.content, manifest.descriptor.media_type)
    return changed(
        descriptor,
        artifact_type=actual.artifact_type,
        annotations={**descriptor.annotations, **actual.annotations},
    )


def newest_first(descriptors: Iterable[Descriptor]) -> list[Descriptor]:
    """Sort by ``org.opencontainers.image.created`` (a hint), newest first, then by digest."""
    ordered = sorted(descriptors, key=lambda one: one.digest)
    return sorted(ordered, key=lambda one: one.annotations.get(CREATED, ""), reverse=True)
