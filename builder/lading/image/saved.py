"""The stream of ``docker save``: layers first, the manifest that says what they are last.

An engine before 25 writes ``<id>/layer.tar`` in lexical order of made-up ids, a repeated layer as
a symlink to its first place; from 25 on, an OCI layout (``blobs/sha256/…``) with the same
``manifest.json`` beside it. One pass reads both: every layer is scanned as it comes, under its
path in the tar, and named by its diff ID when the manifest has arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from lading.errors import InputError
from lading.image.documents import json_array
from lading.image.interface import EntryKind
from lading.image.layers import looks_like_layer, scan_layer
from lading.image.paths import normalise
from lading.image.tar import TarReader
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lading.image.interface import Entry
    from lading.image.streams import Readable
    from lading.image.tar_entry import TarEntry

__all__ = ["MANIFEST", "SavedManifest", "read_saved", "resolved", "saved_manifests"]

T = TypeVar("T")

MANIFEST = "manifest.json"
_BLOBS = "blobs/sha256/"


@dataclass(frozen=True, slots=True)
class SavedManifest:
    """One image of ``manifest.json``; paths are within the tar, normalised."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found(Generic[T]):
    """What one pass over the stream has seen so far."""

    manifest: bytes | None = None
    results: dict[str, T] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def saved_manifests(raw: bytes, where: str) -> list[SavedManifest]:
    """Return the images that a ``manifest.json`` lists.

    Raises:
        InputError: it is malformed.
    """
    found = []
    for item in json_array(raw, MANIFEST, where):
        document = item if isinstance(item, dict) else {}
        config = document.get("Config")
        layers = _texts(document.get("Layers"))
        if not isinstance(config, str) or layers is None:
            raise InputError(f"{MANIFEST} is malformed", where=where, wanted="Config and Layers")
        tags = _texts(document.get("RepoTags")) or ()
        found.append(SavedManifest(normalise(config), tuple(map(normalise, layers)), tags))
    return found


def _texts(value: object) -> tuple[str, ...] | None:
    """Return a list of strings; None when it is something else."""
    if not isinstance(value, list):
        return None
    texts = tuple(item for item in value if isinstance(item, str))
    return texts if len(texts) == len(value) else None


def read_saved(
    source: Readable,
    scan: Callable[[Iterator[Entry]], T],
    *,
    diff_ids: Sequence[str],
    wanted: Collection[str],
    where: str,
) -> Mapping[str, T]:
    """Scan the layers of one image's save stream in one pass; return the results by diff ID.

    Layers whose names do not tell their diff ID (all of them, before engine 25) are scanned even
    when they are not wanted: what they are is known only at the end of the stream.

    Args:
        source: the stream; it is trusted to be what the engine has.
        scan: called once a layer.
        diff_ids: of all the image's layers, lowest first.
        wanted: those to return.
        where: the image, for errors.

    Raises:
        InputError: the stream is damaged or is not of this image.
    """
    found: _Found[T] = _Found()
    known = {_BLOBS + diff_id.removeprefix("sha256:"): diff_id for diff_id in diff_ids}
    for entry in TarReader(source, where=where, whiteouts=False):
        if entry.path in known and known[entry.path] not in wanted:
            continue
        _take(entry, scan, found, where)
    if found.manifest is None:
        raise InputError(f"the engine's stream has no {MANIFEST}", where=where)
    images = saved_manifests(found.manifest, where)
    if len(images) != 1 or len(images[0].layers) != len(diff_ids):
        raise InputError("the engine's stream is not of the image it was asked for", where=where)
    results = {}
    for diff_id, path in zip(diff_ids, images[0].layers, strict=True):
        if diff_id in wanted and diff_id not in results:
            place = resolved(path, found.aliases)
            if place not in found.results:
                raise InputError("the engine's stream lacks a layer", where=where, got=path)
            results[diff_id] = found.results[place]
    return results


def _take(
    entry: TarEntry, scan: Callable[[Iterator[Entry]], T], found: _Found[T], where: str
) -> None:
    if entry.kind is EntryKind.SYMLINK:
        directory = entry.path.rpartition("/")[0]
        found.aliases[entry.path] = normalise(f"{directory}/{entry.target}")
    elif entry.kind is EntryKind.HARDLINK:
        found.aliases[entry.path] = entry.target
    elif entry.path == MANIFEST:
        found.manifest = entry.read(LIMITS.image_manifest + 1)
    elif looks_like_layer(entry):
        found.results[entry.path] = scan_layer(entry, scan, where=f"{where}: {entry.path}")


def resolved(path: str, aliases: Mapping[str, str]) -> str:
    """Follow links within the tar, at most once each."""
    for _ in range(len(aliases)):
        if path not in aliases:
            break
        path = aliases[path]
    return path
