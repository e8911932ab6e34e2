"""The same bytes at several places are one file, and one model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lading.inventory import Model, ModelFile, Occurrence, Role
from lading.models import vocabulary as v
from lading.models.grouping.place import cached

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["merge_copies", "once"]


def once(files: Iterable[ModelFile]) -> list[ModelFile]:
    """Return each weight file of one model once, its copies as occurrences; sorted by path."""
    kept: dict[tuple[str, str], ModelFile] = {}
    for file in sorted(files, key=lambda one: one.path):
        # Companions with the same bytes (empty ones, a licence in each directory) stay.
        key = (file.sha256, "" if file.role is Role.WEIGHTS else file.path)
        first = kept.get(key)
        kept[key] = file if first is None else _with(first, file)
    return list(kept.values())


def _with(first: ModelFile, copy: ModelFile) -> ModelFile:
    known = {first.path, *(one.path for one in first.also_at)}
    places = (Occurrence(copy.path, copy.layer), *copy.also_at)
    more = tuple(one for one in places if one.path not in known)
    return replace(first, also_at=(*first.also_at, *more))


def merge_copies(models: Iterable[Model], refs: Mapping[str, str]) -> list[Model]:
    """Join models that have the same weights, unless they are of different repositories.

    ``refs`` maps a cached repository's directory to the commit that its ``main`` names: that
    snapshot speaks for others of the same weights.
    """
    kept: dict[tuple[object, ...], Model] = {}
    named: dict[frozenset[str], list[tuple[object, ...]]] = {}
    for model in sorted(models, key=lambda one: _rank(one, refs)):
        weights = frozenset(file.sha256 for file in model.files if file.role is Role.WEIGHTS)
        repository = model.fact(v.REPOSITORY)
        others = named.setdefault(weights, [])
        same = next((key for key in others if repository in (None, key[0])), None)
        if same is None:
            key = (repository, weights)
            others.append(key)
            kept[key] = model
        else:
            kept[same] = _merged(kept[same], model)
    return list(kept.values())


def _rank(model: Model, refs: Mapping[str, str]) -> tuple[object, ...]:
    """Sort models so that the one that knows most about itself comes first."""
    place = cached(model.files[0].path)
    current = place is not None and refs.get(place.root) == place.commit
    first = min(file.path for file in model.files)
    return (model.purl is None, not current, -len(model.files), first.count("/"), first)


def _merged(first: Model, copy: Model) -> Model:
    """Add the occurrences of a copy; what only the copy has is kept as a file of its own."""
    by_digest = {file.sha256: file for file in first.files}
    extra: list[ModelFile] = []
    for file in copy.files:
        known = by_digest.get(file.sha256)
        if known is None:
            extra.append(file)
        else:
            by_digest[file.sha256] = _with(known, file)
    files = [by_digest[file.sha256] if file.role is Role.WEIGHTS else file for file in first.files]
    same = {file.path for file in files}
    files = [
        by_digest.get(file.sha256, file) if _first_of(file, by_digest) else file for file in files
    ]
    files.extend(file for file in extra if file.path not in same and file.role is not Role.LICENSE)
    return replace(first, files=tuple(sorted(files, key=lambda one: one.path)))


def _first_of(file: ModelFile, by_digest: Mapping[str, ModelFile]) -> bool:
    return by_digest[file.sha256].path == file.path if file.sha256 in by_digest else False
