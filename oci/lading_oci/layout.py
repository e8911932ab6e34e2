"""An OCI image layout directory as a repository (OCI image-spec 1.1, image-layout.md).

Manifests are listed in ``index.json``: tagged ones with ``org.opencontainers.image.ref.name``,
referrers without, so that ``oras`` and ``crane`` find them. Referrers are found by their
``subject``. The referrers tag of the registries is read as well, and kept up to date for tools
that know no other way (``regctl``).

Safe with other processes: ``index.json`` changes under a lock and by rename, blobs are written
aside, flushed and renamed. A reader needs no lock.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from lading_oci import content, mediatypes, referrers
from lading_oci.attaching import find_attached
from lading_oci.digest import check_digest, digest_of, is_digest, is_referrers_tag, referrers_tag
from lading_oci.errors import MalformedError, NotFound, OciError, ReferenceInvalid
from lading_oci.interface import Attached, Descriptor, Manifest
from lading_oci.jsontext import parse_object
from lading_oci.layoutfiles import LayoutFiles
from lading_oci.limits import LIMITS, Limits
from lading_oci.manifests import (
    EMPTY_CONFIG,
    check_shape,
    describe,
    descriptor_json,
    index_manifest,
    matches,
    referrer_manifest,
)
from lading_oci.records import changed
from lading_oci.references import is_tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

__all__ = ["Layout"]

REF_NAME = "org.opencontainers.image.ref.name"


class Layout:
    """Implements :class:`lading_oci.interface.Repository`; safe with threads and processes.

    The directory is made by the first write; reading one that is not there finds nothing.
    """

    def __init__(self, path: str | Path, *, limits: Limits = LIMITS) -> None:
        self._path = Path(path)
        self._limits = limits
        self._files = LayoutFiles(self._path, limits)

    @property
    def name(self) -> str:
        """``oci-dir:PATH``."""
        return f"oci-dir:{self._path}"

    @property
    def path(self) -> Path:
        """The layout's directory."""
        return self._path

    # reading

    def resolve(self, reference: str) -> Descriptor:
        """Return the descriptor of a tag or digest.

        Raises:
            NotFound: there is none.
            OciError: the layout is damaged.
        """
        if is_digest(reference):
            return self.manifest(reference).descriptor
        if not is_tag(reference):
            raise ReferenceInvalid(
                "this is neither a tag nor a digest", where=self.name, got=repr(reference)[:200]
            )
        tagged = [one for one in self._files.index_entries() if _tag_of(one) == reference]
        for descriptor in referrers.readable(tagged, self.name):
            if descriptor.annotations.get(REF_NAME) == reference:
                return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size)
        raise self._absent(reference)

    def manifest(self, reference: str) -> Manifest:
        """Return a manifest by tag or digest, verified.

        Raises:
            NotFound: there is none.
            IntegrityError: its file holds other bytes.
            OciError: the layout is damaged.
        """
        digest = reference if is_digest(reference) else self.resolve(reference).digest
        found = self._files.read(digest, limit=self._limits.manifest)
        if found is None:
            raise self._absent(reference)
        where = f"{self.name}@{digest}"
        media_type = check_shape(parse_object(found, where=where), None, where=where)
        if not media_type:
            media_type = self._listed_type(digest)
        return Manifest(Descriptor(media_type, digest, len(found)), found)

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a blob, verified while read; the caller closes it."""
        source = self._files.open(descriptor.digest)
        if source is None:
            raise self._absent(descriptor.digest)
        where = f"{self.name}@{descriptor.digest}"
        return content.verifying_stream(source, descriptor, where=where)

    def read_blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """Return a whole verified blob."""
        content.check_limit(descriptor, limit)
        if descriptor.data is not None and matches(descriptor, descriptor.data):
            return descriptor.data
        return content.read_verified(self.blob(descriptor), descriptor, limit=limit)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Say whether a blob of that digest and size is there (its bytes are not read)."""
        return self._files.size(descriptor.digest) == descriptor.size

    def tags(self) -> list[str]:
        """Return the tags, in the order of ``index.json``, the referrers tags left out."""
        names = (one.annotations.get(REF_NAME) for one in self._entries())
        tags = (name for name in names if name and is_tag(name) and not is_referrers_tag(name))
        return list(dict.fromkeys(tags))

    def referrers(
        self, digest: str, *, artifact_type: str | None = None, exhaustive: bool = False
    ) -> list[Descriptor]:
        """Return the referrers of a digest, newest first; ``exhaustive`` changes nothing here."""
        del exhaustive
        check_digest(digest)
        found: dict[str, Descriptor] = {}
        for entry in self._candidates(digest):
            if entry.digest in found or entry.media_type not in mediatypes.MANIFESTS:
                continue
            referrer = self._as_referrer(entry.digest, digest)
            if referrer is not None and artifact_type in {None, referrer.artifact_type}:
                found[referrer.digest] = referrer
        return referrers.newest_first(found.values())

    def _candidates(self, digest: str) -> Iterator[Descriptor]:
        likely = [one for one in self._files.index_entries() if self._may_name(one, digest)]
        yield from referrers.readable(likely, self.name)
        try:
            entries, _ = referrers.tag_entries(self.manifest, digest, where=self.name)
        except MalformedError:
            return
        yield from referrers.readable(entries, self.name)

    def _may_name(self, entry: Mapping[str, Any], subject: str) -> bool:
        """Say whether the manifest of an entry, or whatever it is, can be a referrer."""
        named = entry.get("digest")
        return not is_digest(named) or self._files.mentions(
            str(named), subject.encode(), limit=self._limits.manifest
        )

    def _as_referrer(self, digest: str, subject: str) -> Descriptor | None:
        """Return the manifest's own description when it refers to ``subject``."""
        try:
            found = self._files.read(digest, limit=self._limits.manifest)
            if found is None:
                return None
            document = parse_object(found)
            named = document.get("subject")
            if not isinstance(named, dict) or named.get("digest") != subject:
                return None
            media_type = check_shape(document, None, where=f"{self.name}@{digest}")
            return describe(document, found, media_type)
        except OciError:
            return None  # a damaged manifest is no evidence, and hides none

    # writing

    def push_blob(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob unless it is there; return whether it was written."""
        return not self.has_blob(descriptor) and self.send_blob(
            descriptor, source, mount_from=mount_from
        )

    def send_blob(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob that is known not to be there; return True."""
        del mount_from
        self._files.store(descriptor, source)
        return True

    def push_manifest(
        self, content: bytes, media_type: str, *, tag: str | None = None
    ) -> Descriptor:
        """Store a manifest and list it in ``index.json``, under a tag if one is given.

        A manifest that is only a part of an index is listed too, as other tools do it: without
        a tag it names nothing.
        """
        document = parse_object(content)
        descriptor = describe(document, content, media_type)
        if tag is not None and not is_tag(tag):
            raise ReferenceInvalid("this is not a tag", where=self.name, got=repr(tag)[:200])
        plain = Descriptor(media_type, descriptor.digest, descriptor.size)
        if not self.has_blob(plain):
            self._files.store(plain, content)
        named = document.get("subject")
        subject = named.get("digest") if isinstance(named, dict) else None

        def change(entries: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
            listed = _listed(entries, descriptor, tag)
            if not is_digest(subject):
                return listed
            known = entries if listed is None else listed
            return self._with_referrers_tag(known, str(subject), descriptor) or listed

        self._files.change_index(change)
        return descriptor

    def _with_referrers_tag(
        self, entries: list[dict[str, Any]], subject: str, referrer: Descriptor
    ) -> list[dict[str, Any]] | None:
        """Return the entries with the referrers tag naming one more; None: nothing to change.

        Nothing depends on that tag here, so what cannot be extended is left as it is.
        """
        tag = referrers_tag(subject)
        try:
            known, _ = referrers.tag_entries(self.manifest, subject, where=self.name)
        except OciError:
            return None
        if any(one.get("digest") == referrer.digest for one in known):
            return None
        short = {
            key: value
            for key, value in referrer.annotations.items()
            if len(value) <= self._limits.tag_annotation
        }
        content = index_manifest([*known, descriptor_json(changed(referrer, annotations=short))])
        if len(content) > self._limits.manifest:
            return None
        index = Descriptor(mediatypes.OCI_INDEX, digest_of(content), len(content))
        self._files.store_list(index, content)
        return _listed(entries, index, tag)

    def attach(
        self,
        subject: Descriptor,
        blob: bytes,
        *,
        artifact_type: str,
        blob_media_type: str,
        annotations: Mapping[str, str],
    ) -> Attached:
        """Attach a blob to a subject, once: see :meth:`lading_oci.interface.Repository.attach`."""
        layer = Descriptor(blob_media_type, digest_of(blob), len(blob))
        manifest = referrer_manifest(
            subject, layer, artifact_type=artifact_type, annotations=annotations
        )
        if self.has_blob(layer):
            self._files.settle()  # what was attached just now is found, too
            existing = find_attached(self, subject, layer, manifest, artifact_type)
            if existing is not None:
                return Attached(existing, layer, existed=True, fallback=False)
        self.push_blob(layer, blob)
        self.push_blob(EMPTY_CONFIG, mediatypes.EMPTY_CONTENT)
        descriptor = self.push_manifest(manifest, mediatypes.OCI_MANIFEST)
        return Attached(descriptor, layer, existed=False, fallback=False)

    def together(self) -> AbstractContextManager[None]:
        """See :meth:`lading_oci.interface.Repository.together`."""
        return self._files.together()

    def close(self) -> None:
        """Do nothing; for symmetry with a registry's repository."""

    def _entries(self) -> list[Descriptor]:
        return referrers.readable(self._files.index_entries(), self.name)

    def _listed_type(self, digest: str) -> str:
        for entry in self._entries():
            if entry.digest == digest:
                return entry.media_type
        return mediatypes.OCI_MANIFEST

    def _absent(self, reference: str) -> NotFound:
        return NotFound(f"the layout does not have {reference}", status=404, where=str(self._path))


def _listed(
    entries: list[dict[str, Any]], descriptor: Descriptor, tag: str | None
) -> list[dict[str, Any]] | None:
    """Return the entries with a manifest added or a tag moved; None: nothing to change."""
    entry = descriptor_json(descriptor)
    if tag is None:
        if any(one.get("digest") == descriptor.digest for one in entries):
            return None
        return [*entries, entry]
    entry["annotations"] = {**entry.get("annotations", {}), REF_NAME: tag}
    kept: list[dict[str, Any]] = []
    for one in entries:
        named = _tag_of(one)
        if named == tag and one.get("digest") == descriptor.digest:
            return None
        if named == tag and is_referrers_tag(named):
            continue  # an older list
        if named == tag:
            # The manifest that loses its tag stays reachable by digest: it may have referrers.
            annotations = {k: v for k, v in one["annotations"].items() if k != REF_NAME}
            one = {k: v for k, v in one.items() if k != "annotations"}
            if annotations:
                one["annotations"] = annotations
        elif named is None and one.get("digest") == descriptor.digest:
            continue  # now listed with its tag
        kept.append(one)
    return [*kept, entry]


def _tag_of(entry: Mapping[str, Any]) -> str | None:
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None
