"""Readers of files that only their name or their place makes of use to a model.

Companions, pointers of Git LFS, and what lies in a cache of the Hub, in a checkout, or in a store
of Ollama's or Docker's. As readers elsewhere: ``(source, report)``, False when it is of no use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions import download, git
from lading.models.companions.manifests import parse_model_manifest
from lading.models.companions.names import role_of
from lading.models.companions.read import judge_text, read_anonymous, read_named
from lading.models.formats import lfs
from lading.models.readers import searched
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.readers import Reader
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["companion", "nameless", "placed", "pointer"]

_COMMIT: Final = re.compile(rb"[0-9a-f]{40}\s*\Z")
#: Where such files lie: in a cache of the Hub, in a checkout, in a store of Ollama's or Docker's.
_PLACE: Final = re.compile(
    r"(?:^|/)(?:(?P<hub>(?:models|datasets|spaces)--[^/]+/(?:blobs/[0-9a-f]{40,64}\Z|refs/))"
    r"|(?P<git>\.git/)|(?P<download>\.cache/huggingface/download/)|(?P<manifest>manifests/)|blobs/sha256[-/][0-9a-f]{64}\Z)"
)
_NAMELESS: Final = re.compile(
    r"(?:^|/)(?:(?:models|datasets|spaces)--[^/]+/blobs/[0-9a-f]{40,64}|blobs/sha256[-/][0-9a-f]{64})\Z"
)
_DATA: Final = frozenset(
    {".parquet", ".arrow", ".feather", ".tfrecord", ".csv", ".tsv", ".jsonl", ".ndjson", ".tar"}
)


def companion(role: Role, kind: str | None) -> Reader:
    """Return a reader of one kind of companion."""

    def read(source: Source, report: Report) -> bool:
        return read_named(source, report, role, kind)

    return read


def pointer(name: str, suffix: str, *, promised: bool) -> Reader | None:
    """Return the reader of a Git LFS pointer, None when nobody promised a model's file."""
    known = role_of(name)
    if known is not None:
        role = known[0]
    elif suffix in _DATA:
        role = Role.DATA
    elif promised:
        role = Role.WEIGHTS
    else:
        return None
    return lambda source, report: lfs.read_pointer(source, report, role)


def nameless(path: str) -> bool:
    """Whether a file lies where links or manifests name it: its own name says nothing."""
    return _NAMELESS.search(path) is not None


def placed(path: str, size: int) -> Reader | None:
    """Return the reader of a file that only its place makes of use: blobs, refs, manifests."""
    found = _PLACE.search(path)
    if found is None:
        return None
    if found["git"]:
        return git.parse if git.PLACE.match(path) else None
    if found["download"]:
        return download.parse if download.PLACE.match(path) else None
    if found["hub"]:
        return _cached
    if found["manifest"]:
        return _manifest if size <= LIMITS.image_manifest else None
    return _blob if size <= LIMITS.companion_text else None


def _cached(source: Source, report: Report) -> bool:
    """Read a file of a Hugging Face cache that is no weights: a blob, or a ref."""
    if "/refs/" not in report.path:
        read_anonymous(source, report)
        if searched(source, report):
            report.role = Role.WEIGHTS
        return True
    found = _COMMIT.match(source.read(64))
    report.role = Role.OTHER
    report.fact(v.KIND, "ref", "")
    report.fact(v.COMMIT, found.group().strip().decode() if found else None, "")
    return found is not None


def _manifest(source: Source, report: Report) -> bool:
    """Read the manifest of a model in a store of Ollama's or Docker's."""
    try:
        return source.peek(1) == b"{" and parse_model_manifest(source, report)
    except Malformed:
        return False


def _blob(source: Source, report: Report) -> bool:
    """Read a small blob of such a store: a template, a licence, parameters."""
    judge_text(source.peek(LIMITS.companion_text).decode("utf-8", "replace"), report)
    read_anonymous(source, report)
    if v.KIND not in report.facts:
        report.fact(v.KIND, "blob", "")
    return True
