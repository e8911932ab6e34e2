"""Every digest by which an image is known: its index's, its manifests', its configurations'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.image.platforms import (
    choose,
    parse_platform,
    read_platform,
    too_deep,
    too_many_platforms,
)
from lading.limits import LIMITS
from lading_oci.jsontext import parse_object
from lading_oci.manifests import parse_descriptor
from lading_oci.mediatypes import INDEXES
from lading_oci.platforms import contained_manifests, platform_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lading_oci.interface import Descriptor, Repository

__all__ = [
    "all_digests",
    "config_digest",
    "every_entry",
    "platform_manifest",
    "platform_manifests",
    "platforms_and_indexes",
]

_NO_PLATFORM = "unknown/unknown"  # what BuildKit calls its own attestations


def platform_manifests(repository: Repository, digest: str) -> tuple[str, ...]:
    """Return the manifests of an index's platforms, indexes within it gone down into.

    Of an image manifest, itself.

    Raises:
        LimitError: there are too many, or too deep.
        OciError: it cannot be read.
    """
    entries = list(every_entry(repository, digest, repository.manifest(digest).json()))
    return tuple(one.digest for one in _platforms(entries)) if entries else (digest,)


def platforms_and_indexes(
    repository: Repository, digest: str
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return :func:`platform_manifests`, and each index within with those that it leads to.

    Raises:
        LimitError: there are too many, or too deep.
        OciError: they cannot be read.
    """
    entries = list(every_entry(repository, digest, repository.manifest(digest).json()))
    inner = {}
    for entry in entries:
        if entry.media_type in INDEXES and platform_name(entry) != _NO_PLATFORM:
            document = repository.manifest(entry.digest).json()
            below = _platforms(every_entry(repository, entry.digest, document))
            inner[entry.digest] = tuple(one.digest for one in below)
    platforms = tuple(one.digest for one in _platforms(entries)) if entries else (digest,)
    return platforms, {index: there for index, there in inner.items() if there}


def every_entry(
    repository: Repository, digest: str, document: Mapping[str, Any]
) -> Iterator[Descriptor]:
    """Yield what an index lists, each once, and what the indexes among that list.

    ``document`` is the manifest of that digest; nothing is yielded of an image's.

    Raises:
        LimitError: there are too many for platforms, or too deep.
        OciError: it cannot be read.
    """
    where = f"{repository.name}@{digest}"
    level = contained_manifests(document, where=digest)
    seen, counted = {digest}, 0
    for _ in range(LIMITS.image_index_depth + 1):
        below: list[Descriptor] = []
        for entry in level:
            if entry.digest in seen:
                continue
            seen.add(entry.digest)
            yield entry
            if platform_name(entry) == _NO_PLATFORM:
                continue
            counted += 1
            if counted > LIMITS.image_platforms:
                raise too_many_platforms(where)
            if entry.media_type in INDEXES:
                inner = repository.manifest(entry.digest).json()
                below += contained_manifests(inner, where=entry.digest)
        if not below:
            return
        level = below
    raise too_deep(where)


def _platforms(entries: Iterable[Descriptor]) -> list[Descriptor]:
    return [
        entry
        for entry in entries
        if entry.media_type not in INDEXES and platform_name(entry) != _NO_PLATFORM
    ]


def platform_manifest(repository: Repository, digest: str, platform: str) -> str:
    """Return the manifest for ``os/architecture[/variant]``; of an image manifest, itself.

    Raises:
        UsageError: ``platform`` is none.
        InputError: the index has none for it, or the image's configuration is for another.
        LimitError: there are too many, or too deep.
        OciError: it cannot be read.
    """
    wanted, where = parse_platform(platform), f"{repository.name}@{digest}"
    document = repository.manifest(digest).json()
    entries = list(every_entry(repository, digest, document))
    if entries:
        told = [(read_platform(one.platform), one.digest) for one in _platforms(entries)]
        return choose([one for one in told if one[0] is not None], wanted, where=where)
    config = parse_descriptor(document.get("config"), where=where)
    content = repository.read_blob(config, limit=LIMITS.image_config)
    choose([(read_platform(parse_object(content)), digest)], wanted, where=where)
    return digest


def config_digest(repository: Repository, digest: str) -> str | None:
    """Return the configuration's digest of an image manifest; None of an index.

    Raises:
        OciError: it cannot be read.
    """
    config = repository.manifest(digest).json().get("config")
    return None if config is None else parse_descriptor(config, where=digest).digest


def all_digests(repository: Repository, digest: str) -> tuple[str, ...]:
    """Return ``digest``, indexes within it, manifests of its platforms, their configurations.

    An engine knows its image by the configuration, so that a statement which names them all holds
    for a copy in an engine, too.

    Raises:
        OciError: a manifest cannot be read.
    """
    platforms, inner = platforms_and_indexes(repository, digest)
    found = [digest, *inner]
    for manifest in platforms:
        found.append(manifest)
        config = config_digest(repository, manifest)
        if config is not None:
            found.append(config)
    return tuple(dict.fromkeys(found))
