"""Writing the referrers tag so that no concurrent writer loses an entry.

A registry has no compare-and-swap: two writers that read the same index overwrite each other,
and the first cannot see it at once. So after writing we wait longer than a writer takes from its
read to its write, read back, and start again when our entry is gone. Whoever read before we
wrote has written by then, and whoever reads later sees our entry and keeps it.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from lading_oci import mediatypes
from lading_oci.digest import referrers_tag
from lading_oci.errors import ConflictError, LimitExceeded
from lading_oci.manifests import descriptor_json, index_manifest
from lading_oci.referrers import tag_entries

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading_oci.interface import Descriptor, Manifest
    from lading_oci.limits import Limits

__all__ = ["merge_into_tag"]


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
    crowd = 1.0
    wrote = False
    while True:
        started = time.monotonic()
        entries, _ = tag_entries(read, subject, where=where)
        if any(entry.get("digest") == referrer.digest for entry in entries):
            return
        if wrote:
            # Overwritten: there are others. Spread out, or all of us collide again.
            crowd = min(crowd * 2, 32.0)
            if started > deadline:
                raise ConflictError(
                    "other writers kept overwriting the referrers tag",
                    where=f"{where}:{tag}",
                    hint="attach again; or use a registry with the referrers API",
                )
            time.sleep(random.uniform(0, crowd) * (limits.settle_least / 2))  # noqa: S311
            started = time.monotonic()
            entries, _ = tag_entries(read, subject, where=where)
        if not any(entry.get("digest") == referrer.digest for entry in entries):
            content = _index([*entries, descriptor_json(referrer)], where, limits)
            write(tag, content, mediatypes.OCI_INDEX)
            wrote = True
        _settle(time.monotonic() - started, limits)


def _settle(gap: float, limits: Limits) -> None:
    """Wait out writers whose read came before our write; theirs takes about as long as ours."""
    wait = min(max(3 * gap, limits.settle_least), limits.settle_most)
    time.sleep(wait * random.uniform(1.0, 1.3))  # noqa: S311 - jitter


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
