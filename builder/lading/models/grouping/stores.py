"""Models in stores of Ollama's and Docker's: a manifest names blobs that have no names."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lading.inventory import Model, ModelFile, Role
from lading.models import vocabulary as v
from lading.models.companions.manifests import INDEX, MANIFEST
from lading.models.grouping.assemble import assemble
from lading.models.grouping.place import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["stored_models"]

#: Last word of a media type → what the blob is.
_ROLES: Final = {
    "license": Role.LICENSE, "template": Role.TOKENIZER, "params": Role.CONFIG,
    "system": Role.CONFIG, "config": Role.CONFIG, "messages": Role.CONFIG,
}  # fmt: skip
#: Kinds of files that are of no use outside their store.
_BLOB: Final = "blob"
_OWN: Final = frozenset({MANIFEST, INDEX, _BLOB})


def stored_models(files: Iterable[ModelFile]) -> tuple[list[Model], list[ModelFile]]:
    """Return the models of all manifests, and the files that belong to none of them."""
    files = list(files)
    manifests = [file for file in files if kind_of(file) == MANIFEST]
    if not manifests:
        return [], [file for file in files if kind_of(file) not in _OWN]
    blobs = {
        (_store(file.path, "blobs"), file.sha256): file
        for file in files
        if "blobs/sha256" in file.path
    }
    tags = {
        (posixpath.dirname(f"/{file.path}"), digest.removeprefix("sha256:")): tag
        for file in files
        if kind_of(file) == INDEX
        for tag, digest in reversed(file.facts[v.REFS].value)
    }
    models, used = [], set()
    for manifest in manifests:
        store = _store(manifest.path, "manifests")
        parts = [manifest]
        for blob in manifest.facts[v.BLOBS].value:
            found = blobs.get((store, blob["digest"].removeprefix("sha256:")))
            if found is not None:
                used.add(found.path)
                parts.append(_named(found, blob["media_type"]))
        weights = [file for file in parts if file.role is Role.WEIGHTS]
        if weights:
            name = tags.get((store, manifest.sha256)) or _name(manifest, weights)
            models.append(assemble(name, parts))
    rest = [f for f in files if f.path not in used and kind_of(f) not in _OWN]
    return models, rest


def _store(path: str, part: str) -> str:
    """Return the directory of a store, above its ``manifests`` or ``blobs``."""
    head, found, _ = f"/{path}".rpartition(f"/{part}/")
    return head if found else path


def _named(blob: ModelFile, media_type: str) -> ModelFile:
    """Give a nameless blob the role that its media type says."""
    words = media_type.partition("+")[0].split(".")
    role = next((_ROLES[word] for word in reversed(words) if word in _ROLES), blob.role)
    return blob if blob.role is Role.WEIGHTS else replace(blob, role=role)


def _name(manifest: ModelFile, weights: list[ModelFile]) -> str:
    for file in (manifest, *weights):
        if v.NAME in file.facts:
            return str(file.facts[v.NAME].value)
    return "model"
