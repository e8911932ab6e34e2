"""The root digest of a set of files: the one name of a model or data set, whatever carries it.

As OpenSSF Model Signing 1.1 makes it: SHA-256 over the raw SHA-256 digests of the files, sorted
by path component by component (``a/b`` before ``a-b/c``). Names are not part of it, only their
order is; who compares two sets by it must compare the names as well.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["path_order", "root_digest"]


def path_order(path: str) -> list[str]:
    """Return the sort key of a path."""
    return path.split("/")


def root_digest(files: Iterable[tuple[str, str]]) -> str | None:
    """Return ``sha256:…`` of (path, hexadecimal SHA-256) pairs, or None without any."""
    known = sorted((path_order(path), sha256) for path, sha256 in files)
    if not known:
        return None
    root = hashlib.sha256()
    for _, sha256 in known:
        root.update(bytes.fromhex(sha256))
    return "sha256:" + root.hexdigest()
