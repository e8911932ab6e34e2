"""Paths in layers: normalised so that none can leave the image's root, and whiteout names."""

from __future__ import annotations

from lading.errors import InputError
from lading.image.interface import EntryKind

__all__ = ["WHITEOUT_PREFIX", "normalise", "parents", "whiteout"]

WHITEOUT_PREFIX = ".wh."
_OPAQUE = ".wh..wh..opq"
_AUFS_META = ".wh..wh."  # at the root: AUFS's own book-keeping, not a deletion


def normalise(path: str) -> str:
    """Return ``path`` relative to the root: no empty or ``.`` parts, ``..`` stopping at the root.

    The root itself is ``""``. Purely textual: links are not followed.
    """
    if path[:2] == "./":
        path = path[2:]
    if "//" not in path and "/." not in path and path[:1] not in "/.":
        return path[:-1] if path[-1:] == "/" else path
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def whiteout(path: str, where: str) -> tuple[EntryKind, str] | None:
    """Return what a ``.wh.`` name says and about which path; None for an ordinary name.

    OCI image-spec, layer.md, "Whiteouts".

    Raises:
        InputError: it would delete its own directory or the one above; unpackers disagree there.
    """
    directory, slash, name = path.rpartition("/")
    if not name.startswith(WHITEOUT_PREFIX):
        return None
    if name == _OPAQUE:
        return EntryKind.OPAQUE, directory
    if not slash and name.startswith(_AUFS_META):
        return None
    hidden = name.removeprefix(WHITEOUT_PREFIX)
    if hidden in {"", ".", ".."}:
        raise InputError("a layer has a whiteout of nothing", where=where, got=ascii(path))
    return EntryKind.WHITEOUT, directory + slash + hidden


def parents(path: str) -> list[str]:
    """Return every directory above ``path``, nearest first, the root (``""``) last."""
    found = []
    while path:
        path = path.rpartition("/")[0]
        found.append(path)
    return found
