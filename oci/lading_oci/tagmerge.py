"""Writing the referrers tag so that no concurrent writer loses an entry.

A registry has no compare-and-swap: two writers that read the same index overwrite each other,
and the first cannot see it at once. So after writing we wait longer than a writer takes from its
read to its write, and read back. When nobody else has written, that is all. When somebody has, we
stay until nobody writes any more, and write again whenever our entry is gone: a slow writer may
still come who read before we wrote.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from lading_oci import mediatypes
from lading_oci.digest import digest_of, referrers_tag
from lading_oci.errors import BrokenStream, ConflictError, LimitExceeded, ResponseError
from lading_oci.exchange import TRANSIENT, Retries
from lading_oci.manifests import descriptor_json, index_manifest
from lading_oci.referrers import tag_entries

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading_oci.interface import Descriptor, Manifest
    from lading_oci.limits import Limits

__all__ = ["merge_into_tag"]

_STALE_MOST = 4  # readings, until one is written upon however old it is


def merge_into_tag(
    subject: str,
    referrer: Descriptor,
    *,
    read: Callable[[str], Manifest],
    write: Callable[[str, bytes, str], None],
    where: str,
    limits: Limits,
) -> None:
    """Add ``referrer`` to the index under the referrers tag of the digest ``subject``.

    ``read`` gets a manifest by tag, ``write`` puts (tag, bytes, media type).

    Raises:
        ConflictError: others kept overwriting it for ``tag_merge_seconds``.
        MalformedError: the tag holds something that is not an index; it is left alone.
        LimitExceeded: the index would be larger than a manifest may be.
        OciError: the registry did not answer.
    """
    tag = referrers_tag(subject)
    deadline = time.monotonic() + limits.tag_merge_seconds
    retries = Retries(limits, limits.tag_merge_seconds)
    watch = _Watch(limits)
    while True:
        started = time.monotonic()
        entries, there = tag_entries(read, subject, where=where)
        late = started > deadline
        if there is not None and _lists(entries, referrer):
            if late or watch.is_over(there.descriptor.digest):
                return
        elif late:
            raise ConflictError(
                "other writers kept overwriting the referrers tag",
                where=f"{where}:{tag}",
                hint="attach again; or use a registry with the referrers API",
            )
        else:
            content = _index([*entries, descriptor_json(referrer)], where, limits)
            if watch.is_stale(time.monotonic() - started):
                continue
            try:
                write(tag, content, mediatypes.OCI_INDEX)
            except (BrokenStream, ResponseError) as error:
                # Sent again as it is, it would undo what others have written meanwhile.
                if isinstance(error, ResponseError) and error.status not in TRANSIENT:
                    raise
                retries.pause(error)
            watch.wrote(digest_of(content), time.monotonic() - started)
        watch.wait()


class _Watch:
    """What we know of other writers: whether there are any, and since when they are quiet."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._digest: str | None = None  # of the index when we saw it last
        self._changed = 0.0
        self._writes = 0
        self._gap = 0.0  # the longest that it took us from reading to having written
        self._others = False
        self._stale = 0

    def is_stale(self, age: float) -> bool:
        """Say whether what was read is too old to write upon; not for ever, on a slow line."""
        self._stale = self._stale + 1 if age > self._limits.settle_least / 2 else 0
        return 0 < self._stale < _STALE_MOST

    def wrote(self, digest: str, gap: float) -> None:
        """Note our own write, which took ``gap`` seconds since the read that it was made of."""
        self._others = self._others or self._writes > 0
        self._writes += 1
        self._gap = max(self._gap, gap)
        self._digest, self._changed = digest, time.monotonic()

    def is_over(self, digest: str) -> bool:
        """Say whether an index that has our entry needs no more watching."""
        if self._writes == 0:
            return True  # somebody, or we ourselves before, has written it long ago
        if digest != self._digest:
            self._others = True
            self._digest, self._changed = digest, time.monotonic()
        quiet = max(self._limits.settle_quiet, 5 * self._gap)
        return not self._others or time.monotonic() - self._changed > quiet

    def wait(self) -> None:
        """Wait out writers whose read came before our write; spread out when there are many."""
        gap = min(max(3 * self._gap, self._limits.settle_least), self._limits.settle_most)
        crowd = min(2.0 ** (self._writes - 1), 8.0) if self._others else 1.3
        asked = gap * random.uniform(1.0, max(crowd, 1.3))  # noqa: S311 - jitter
        started = time.monotonic()
        time.sleep(asked)
        # Where we wake up late, others write late.
        overslept = time.monotonic() - started - asked
        if overslept > self._gap:
            self._gap = overslept
            time.sleep(3 * min(overslept, self._limits.settle_most))


def _lists(entries: list[dict[str, Any]], referrer: Descriptor) -> bool:
    return any(entry.get("digest") == referrer.digest for entry in entries)


def _index(entries: list[dict[str, Any]], where: str, limits: Limits) -> bytes:
    """Serialise; when it gets too large, long annotations of the oldest entries go first."""
    content = index_manifest(entries)
    trimmed = list(entries)
    for position, entry in enumerate(entries):
        if len(content) <= limits.manifest:
            return content
        annotations = entry.get("annotations")
        if isinstance(annotations, dict):
            kept = {
                key: value
                for key, value in annotations.items()
                if isinstance(value, str) and len(value) <= limits.tag_annotation
            }
            if kept != annotations:
                trimmed[position] = {**entry, "annotations": kept}
                content = index_manifest(trimmed)
    if len(content) > limits.manifest:
        raise LimitExceeded(
            "the referrers tag cannot hold another entry",
            where=where,
            got=f"{len(entries)} entries, {len(content)} bytes",
            wanted=f"at most {limits.manifest} bytes",
            hint="delete old attestations, or use a registry with the referrers API",
        )
    return content
