"""An OCI image, wherever its manifests and blobs lie (OCI image-spec 1.1).

Every manifest, configuration and blob is verified by its digest, and every layer's uncompressed
bytes by the diff ID in the configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from lading.errors import InputError
from lading.image.documents import checked_digest, json_object, make_facts, parse_config
from lading.image.interface import nothing
from lading.image.layers import all_of, collected, scan_layer
from lading.image.platforms import choose, read_platform, too_deep, too_many_platforms
from lading.image.streams import drain
from lading.limits import LIMITS
from lading_oci.digest import is_referrers_tag
from lading_oci.manifests import check_shape, parse_descriptor
from lading_oci.mediatypes import INDEXES, OCI_CONFIG

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lading.image.blobs import Blobs
    from lading.image.documents import ImageConfig
    from lading.image.interface import Done, Entry
    from lading.image.streams import Readable
    from lading.inventory import ImageFacts, Platform
    from lading_oci.interface import Descriptor

__all__ = ["Chosen", "OciImage", "choose_manifest", "every_manifest", "image_manifests"]

T = TypeVar("T")
_Found: TypeAlias = "tuple[Descriptor, str | None]"  # an entry, the outermost index it is in

_CONFIGS = frozenset({OCI_CONFIG, "application/vnd.docker.container.image.v1+json"})
_NAME = "org.opencontainers.image.ref.name"
_ATTESTATION = "vnd.docker.reference.type"  # BuildKit's mark on its own attestations


class Chosen(NamedTuple):
    """One platform's image: its manifest, and the index that led to it."""

    digest: str
    content: bytes
    index_digest: str | None


def image_manifests(descriptors: Sequence[Descriptor]) -> list[Descriptor]:
    """Return the descriptors that are of images, leaving out attestations and other artifacts."""
    return [
        descriptor
        for descriptor in descriptors
        if _ATTESTATION not in descriptor.annotations
        and not descriptor.artifact_type
        and not is_referrers_tag(descriptor.annotations.get(_NAME, ""))
        and (descriptor.platform or {}).get("os") != "unknown"
    ]


def choose_manifest(blobs: Blobs, roots: Sequence[Descriptor], platform: Platform | None) -> Chosen:
    """Go down from ``roots`` (an index's entries, or one manifest) to one image manifest.

    Raises:
        InputError: nothing fits the platform, or these are no images.
        OciError: a repository does not give what it should.
    """
    level: list[_Found] = [(root, None) for root in image_manifests(roots)]
    for _ in range(LIMITS.image_index_depth + 1):
        told = [(read_platform(entry.platform), (entry, index)) for entry, index in level]
        if len(told) > 1 and (deeper := _opened(blobs, level)) is not None:
            level = deeper
            continue
        found, index_digest = choose(told, platform, where=blobs.name)
        content, entries = _read(blobs, found.digest)
        if entries is None:
            return Chosen(found.digest, content, index_digest)
        level = [(one, index_digest or found.digest) for one in image_manifests(entries)]
    raise too_deep(blobs.name)


def _opened(blobs: Blobs, level: list[_Found]) -> list[_Found] | None:
    """Put the entries of indexes that do not tell their platform in their place; None: of none."""
    opened: list[_Found] = []
    indexes = 0
    for entry, index_digest in level:
        if entry.platform or entry.media_type not in INDEXES:
            opened.append((entry, index_digest))
            continue
        indexes += 1
        if indexes > LIMITS.image_platforms:
            raise too_many_platforms(blobs.name)
        entries = _read(blobs, entry.digest)[1] or []
        opened += [(one, index_digest or entry.digest) for one in image_manifests(entries)]
    return opened if indexes else None


def every_manifest(blobs: Blobs, roots: Sequence[Descriptor]) -> list[Chosen]:
    """Go down from ``roots`` to the image manifests of every platform, each of them once.

    Raises:
        InputError: there is no image.
        LimitError: there are too many, or too deep.
        OciError: a repository does not give what it should.
    """
    found: list[Chosen] = []
    seen: set[str] = set()
    level: list[_Found] = [(root, None) for root in image_manifests(roots)]
    for _ in range(LIMITS.image_index_depth + 1):
        below: list[_Found] = []
        for entry, index_digest in level:
            if entry.digest in seen:
                continue
            seen.add(entry.digest)
            if len(seen) > LIMITS.image_platforms:
                raise too_many_platforms(blobs.name)
            content, entries = _read(blobs, entry.digest)
            if entries is None:
                found.append(Chosen(entry.digest, content, index_digest))
            else:
                outermost = index_digest or entry.digest
                below += [(one, outermost) for one in image_manifests(entries)]
        level = below
    if level:
        raise too_deep(blobs.name)
    if not found:
        raise InputError("there is no image for any platform", where=blobs.name)
    return found


def _read(blobs: Blobs, digest: str) -> tuple[bytes, list[Descriptor] | None]:
    """Return a manifest, and the entries that it lists when it is an index."""
    content = blobs.manifest(digest)
    where = f"{blobs.name}@{digest}"
    document = json_object(content, "a manifest", where)
    check_shape(document, None, where=where)
    entries = document.get("manifests")
    if not isinstance(entries, list):
        return content, None
    return content, [parse_descriptor(entry, where=where) for entry in entries]


def _other_kind(document: Mapping[str, Any], where: str) -> InputError:
    kind = document.get("mediaType", f"schema version {document.get('schemaVersion')}")
    return InputError(
        "this manifest is of a kind that lading does not read",
        where=where,
        got=str(kind)[:200],
        wanted="an OCI or Docker schema 2 image",
    )


def _config(blobs: Blobs, described: Descriptor, kind: object, where: str) -> ImageConfig:
    """Return a manifest's configuration, or say that it is of another artifact."""
    try:
        return parse_config(blobs.document(described, LIMITS.image_config), where)
    except InputError as error:
        if described.media_type in _CONFIGS:
            raise
        raise InputError(
            "this is an artifact, not a container image",
            where=where,
            got=(kind if isinstance(kind, str) and kind else described.media_type)[:200],
            wanted=OCI_CONFIG,
        ) from error


class OciImage:
    """An image by its manifest; satisfies :class:`lading.image.interface.Image`.

    Args:
        blobs: closed with the image.
        chosen: the manifest.
        name: what to call the image.
        how: the kind of source.
        platform: must be that of the configuration, when given.

    Raises:
        InputError: this is no image, or it is for another platform.
        OciError: a repository does not give what it should.
    """

    def __init__(
        self, blobs: Blobs, chosen: Chosen, *, name: str, how: str, platform: Platform | None = None
    ) -> None:
        self.how = how
        self._blobs = blobs
        where = f"{blobs.name}@{chosen.digest}"
        document = json_object(chosen.content, "a manifest", where)
        layers = document.get("layers")
        if document.get("schemaVersion") != 2 or not isinstance(layers, list):
            raise _other_kind(document, where)
        described = parse_descriptor(document.get("config"), where=where)
        self._layers = [parse_descriptor(layer, where=where) for layer in layers]
        config = _config(blobs, described, document.get("artifactType"), where)
        if len(config.diff_ids) != len(self._layers):
            raise InputError(
                "the image's manifest and configuration do not fit each other",
                where=where,
                got=f"{len(self._layers)} layers",
                wanted=str(len(config.diff_ids)),
            )
        choose([(config.platform, None)], platform, where=where)
        self._facts = make_facts(
            name,
            config,
            config_digest=checked_digest(described.digest, "the configuration's digest", where),
            blobs=[layer.digest for layer in self._layers],
            manifest_digest=chosen.digest,
            index_digest=chosen.index_digest,
        )

    @property
    def facts(self) -> ImageFacts:
        """What manifest and configuration say about the image."""
        return self._facts

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`; only the wanted blobs are fetched."""
        wanted = {
            layer.diff_id: blob
            for layer, blob in zip(self._facts.layers, self._layers, strict=True)
            if layer.diff_id in diff_ids
        }
        named = {blob.digest: diff_id for diff_id, blob in wanted.items()}

        def one(digest: str, source: Readable) -> T:
            diff_id = named[digest]
            where = f"{self._blobs.name}@{digest}"
            # a blob that is stored as it is was verified by its digest already
            proof = None if digest == diff_id else diff_id
            result = scan_layer(source, scan, where=where, diff_id=proof)
            drain(source)  # to the last byte, where a wrong digest shows
            return result

        once = list({blob.digest: blob for blob in wanted.values()}.values())
        found = ((named[digest], result) for digest, result in self._each(one, once))
        return all_of(collected(found, done), wanted, self._blobs.name)

    def _each(
        self, work: Callable[[str, Readable], T], blobs: Collection[Descriptor]
    ) -> Iterator[tuple[str, T]]:
        """Yield the digest of each blob and what ``work`` makes of it."""
        for blob, source in self._blobs.blobs(blobs):
            yield blob.digest, work(blob.digest, source)

    def close(self) -> None:
        """See :class:`lading.image.interface.Image`."""
        self._blobs.close()
