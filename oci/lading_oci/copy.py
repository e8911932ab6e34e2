"""Copying an image with everything attached to it, between registries and layouts.

What is copied: the manifest or index, its platforms, their blobs, and the referrers of each of
these, and the referrers of those. Parts come before what names them, and the tag comes last, so
that a copy which is cut off shows nothing half done and can simply be repeated: blobs that have
arrived are not sent again. Every blob is verified on its way through, and the lists of referrers
are read back before the tag is written.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal

from lading_oci.content import watched_stream
from lading_oci.errors import ConflictError, LimitExceeded, NotFound, OciError
from lading_oci.limits import LIMITS, Limits
from lading_oci.mediatypes import is_foreign
from lading_oci.platforms import choose_platform, contained_blobs, contained_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading_oci.interface import Descriptor, Manifest, Repository

    #: Called with a blob and how many more of its bytes have gone over.
    Progress = Callable[[Descriptor, int], None]

__all__ = ["CopiedManifest", "CopyReport", "Skipped", "copy_image"]

_JOBS = 4
#: Tags that cosign keeps evidence under where it uses no referrers.
_COSIGN_SUFFIXES = ("sig", "att", "sbom")


@dataclass(frozen=True, slots=True)
class CopiedManifest:
    """A manifest that is in the target now, and what it is there for."""

    descriptor: Descriptor
    role: Literal["image", "part", "referrer", "tagged"]
    subject: str | None = None  # the digest it refers to, or that its tag is made of
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not copied, and why."""

    what: str
    because: str


@dataclass(frozen=True, slots=True)
class CopyReport:
    """What a copy did. Sizes in bytes; blobs are counted once each."""

    source: str
    target: str
    descriptor: Descriptor
    tag: str | None
    manifests: tuple[CopiedManifest, ...]
    blobs_sent: int
    blobs_mounted: int
    blobs_existing: int
    bytes_sent: int
    skipped: tuple[Skipped, ...]

    @property
    def referrers(self) -> tuple[CopiedManifest, ...]:
        """The attestations, signatures and reports among the manifests."""
        return tuple(one for one in self.manifests if one.role == "referrer")


@dataclass(slots=True)
class _Tally:
    sent: int = 0
    mounted: int = 0
    existing: int = 0
    bytes_sent: int = 0
    manifests: list[CopiedManifest] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def copy_image(
    source: Repository,
    reference: str,
    target: Repository,
    *,
    tag: str | None = None,
    platform: str | None = None,
    progress: Progress | None = None,
    limits: Limits = LIMITS,
) -> CopyReport:
    """Copy the image that ``reference`` (a tag or digest) names in ``source`` to ``target``.

    ``tag`` is the tag in the target (none: reachable by digest only). With ``platform``
    (``os/architecture[/variant]``) only that platform's manifest is copied, as an image of its
    own; the index and what is attached to it are then reported as skipped.

    Raises:
        NotFound: the source does not have it, or not for that platform.
        ConflictError: the target does not list what it took.
        OciError: a store failed; repeating continues the copy.
    """
    copier = _Copier(source, target, progress, limits)
    root = source.manifest(reference)
    if platform is not None and contained_manifests(root.json(), where=source.name):
        chosen = choose_platform(root.json(), platform, where=f"{source.name}:{reference}")
        copier.tally.skipped.append(
            Skipped(root.descriptor.digest, f"only {platform} was asked for, not the index")
        )
        root = source.manifest(chosen.digest)
    copier.tree(root)
    copier.read_back()
    if tag is not None:
        target.push_manifest(root.content, root.descriptor.media_type, tag=tag)
    tally = copier.tally
    return CopyReport(
        source=source.name,
        target=target.name,
        descriptor=root.descriptor,
        tag=tag,
        manifests=tuple(tally.manifests),
        blobs_sent=tally.sent,
        blobs_mounted=tally.mounted,
        blobs_existing=tally.existing,
        bytes_sent=tally.bytes_sent,
        skipped=tuple(tally.skipped),
    )


@dataclass(frozen=True, slots=True)
class _Node:
    manifest: Manifest
    role: Literal["image", "part", "referrer", "tagged"]
    subject: str | None = None
    tag: str | None = None
    depth: int = 0


class _Copier:
    """One copy: what was seen, and what was done about it."""

    def __init__(
        self, source: Repository, target: Repository, progress: Progress | None, limits: Limits
    ) -> None:
        self._source = source
        self._target = target
        self._progress = progress
        self._limits = limits
        self._manifests: set[str] = set()
        self._blobs: set[str] = set()
        self._stopped = threading.Event()
        self.tally = _Tally()

    def tree(self, root: Manifest) -> None:
        """Copy an image, then what refers to it and its parts, and so on; no recursion."""
        waiting = [_Node(root, "image")]
        self._manifests.add(root.descriptor.digest)
        while waiting:
            node = waiting.pop()
            parts = self._parts(node)
            for part in reversed(parts):
                self._manifest(part)
            for part in parts:
                waiting.extend(self._attached(part))

    def read_back(self) -> None:
        """See that the target lists every referrer under its subject; push again what it lost."""
        subjects: dict[str, list[Descriptor]] = {}
        for one in self.tally.manifests:
            if one.role == "referrer" and one.subject is not None:
                subjects.setdefault(one.subject, []).append(one.descriptor)
        for subject, wanted in subjects.items():
            self._read_back(subject, wanted)

    def _read_back(self, subject: str, wanted: list[Descriptor]) -> None:
        for wait in (0.0, self._limits.settle_least, self._limits.settle_most):
            time.sleep(wait)
            # What a registry's API does not list may be under the referrers tag.
            found = self._target.referrers(subject, exhaustive=wait > 0)
            listed = {one.digest for one in found}
            missing = [one for one in wanted if one.digest not in listed]
            if not missing:
                return
            for one in missing:
                content = self._source.manifest(one.digest).content
                self._target.push_manifest(content, one.media_type)
        raise ConflictError(
            "the target took referrers and does not list them",
            where=f"{self._target.name}@{subject}",
            got=f"{len(missing)} of {len(wanted)} missing",
            hint="copy again; if it stays so, the target loses referrers",
        )

    def _parts(self, node: _Node) -> list[_Node]:
        """Return a node and the manifests it contains, containing ones first."""
        found = [node]
        for current in found:
            where = f"{self._source.name}@{current.manifest.descriptor.digest}"
            document = current.manifest.json()
            for entry in contained_manifests(document, where=where):
                if self._is_new(entry.digest, current.depth + 1):
                    manifest = self._source.manifest(entry.digest)
                    found.append(_Node(manifest, "part", depth=current.depth + 1))
        return found

    def _attached(self, node: _Node) -> Iterator[_Node]:
        """Yield the referrers of a manifest, and the tags that cosign derives from its digest."""
        digest = node.manifest.descriptor.digest
        for referrer in self._source.referrers(digest, exhaustive=True):
            if self._is_new(referrer.digest, node.depth + 1):
                try:
                    manifest = self._source.manifest(referrer.digest)
                except NotFound:
                    self._skip(referrer.digest, "it is listed as a referrer, and gone")
                    continue
                yield _Node(manifest, "referrer", digest, depth=node.depth + 1)
        if node.role in {"image", "part"}:
            yield from self._cosign(node, digest)

    def _cosign(self, node: _Node, digest: str) -> Iterator[_Node]:
        for suffix in _COSIGN_SUFFIXES:
            tag = f"{digest.replace(':', '-')}.{suffix}"
            try:
                manifest = self._source.manifest(tag)
            except NotFound:
                continue
            try:
                there = self._target.resolve(tag)
            except NotFound:
                there = manifest.descriptor
            if there.digest != manifest.descriptor.digest:
                self._skip(tag, "the target has another manifest under this tag")
            elif self._is_new(manifest.descriptor.digest, node.depth + 1):
                yield _Node(manifest, "tagged", digest, tag, node.depth + 1)

    def _is_new(self, digest: str, depth: int) -> bool:
        if digest in self._manifests:
            return False
        self._manifests.add(digest)
        if len(self._manifests) > self._limits.copy_manifests or depth > self._limits.copy_depth:
            raise LimitExceeded(
                "there is more to copy than is allowed",
                where=self._source.name,
                wanted=f"at most {self._limits.copy_manifests} manifests, "
                f"{self._limits.copy_depth} deep",
            )
        return True

    def _manifest(self, node: _Node) -> None:
        """Copy a manifest's blobs, then the manifest."""
        descriptor = node.manifest.descriptor
        where = f"{self._source.name}@{descriptor.digest}"
        fresh = []
        for blob in contained_blobs(node.manifest.json(), where=where):
            if blob.digest not in self._blobs:
                self._blobs.add(blob.digest)
                fresh.append(blob)
        self._all_blobs(fresh)
        content, media_type = node.manifest.content, descriptor.media_type
        stored = self._target.push_manifest(content, media_type, tag=node.tag)
        self.tally.manifests.append(CopiedManifest(stored, node.role, node.subject, node.tag))

    def _all_blobs(self, blobs: list[Descriptor]) -> None:
        """Copy blobs side by side; the first failure is raised when all have ended."""
        if len(blobs) < 2:
            outcomes = [self._blob(blob) for blob in blobs]
        else:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(_JOBS) as pool:
                try:
                    outcomes = list(pool.map(self._blob, blobs))
                except (KeyboardInterrupt, SystemExit):
                    self._stopped.set()  # else leaving the pool would wait for every transfer
                    raise
        for blob, outcome in zip(blobs, outcomes, strict=True):
            if outcome == "sent":
                self.tally.sent += 1
                self.tally.bytes_sent += blob.size
            elif outcome == "mounted":
                self.tally.mounted += 1
            elif outcome == "existing":
                self.tally.existing += 1

    def _blob(self, blob: Descriptor) -> Literal["sent", "mounted", "existing", "skipped"]:
        if self._target.has_blob(blob):
            self._report(blob, blob.size)
            return "existing"
        if is_foreign(blob.media_type) and not self._source.has_blob(blob):
            self._skip(blob.digest, "it is a foreign layer that the source does not have")
            return "skipped"
        data = blob.data
        sent = self._target.send_blob(
            blob,
            data if data is not None else lambda: self._open(blob),
            mount_from=self._mountable(),
        )
        if data is not None or not sent:
            self._report(blob, blob.size)
        return "sent" if sent else "mounted"

    def _mountable(self) -> str | None:
        """Return the source's repository when the target's registry has it too."""
        from lading_oci.registry import RegistryRepository

        if isinstance(self._source, RegistryRepository) and self._source.same_registry(
            self._target
        ):
            return self._source.repository
        return None

    def _open(self, blob: Descriptor) -> BinaryIO:
        return watched_stream(self._source.blob(blob), lambda count: self._report(blob, count))

    def _report(self, blob: Descriptor, count: int) -> None:
        if self._stopped.is_set():
            raise OciError("the copy was stopped", where=self._target.name)
        if self._progress is not None:
            self._progress(blob, count)

    def _skip(self, what: str, because: str) -> None:
        self.tally.skipped.append(Skipped(what, because))
