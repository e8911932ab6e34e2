"""The same bytes at several places are one file, and one model."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from lading.inventory import Model, ModelFile, Occurrence, Role
from lading.models import vocabulary as v
from lading.models.grouping.parts import PART
from lading.models.grouping.place import cached, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["merge_copies", "once"]


def once(files: Iterable[ModelFile]) -> list[ModelFile]:
    """Return each weight file of one model once, its copies as occurrences; sorted by path."""
    same: dict[tuple[str, str], list[ModelFile]] = {}
    for file in sorted(files, key=lambda one: one.path):
        # Companions with the same bytes (empty ones, a licence in each directory) stay, and the
        # tensors that several programs have beside them; so do programs that are equal, and have
        # tensors of their own.
        parted = kind_of(file) == PART or v.EXTERNAL_DATA in file.facts
        alone = file.role is Role.WEIGHTS and not parted
        key = (file.sha256, "" if alone else file.path)
        same.setdefault(key, []).append(file)
    return [_with(copies[0], copies[1:]) for copies in same.values()]


def _with(first: ModelFile, copies: Iterable[ModelFile]) -> ModelFile:
    """Return a file with the places of its copies, each once."""
    places = {one.path: one for one in first.also_at}
    for copy in copies:
        for one in (Occurrence(copy.path, copy.layer), *copy.also_at):
            places.setdefault(one.path, one)
    places.pop(first.path, None)
    return replace(first, also_at=tuple(places.values()))


def merge_copies(models: Iterable[Model], refs: Mapping[str, str]) -> list[Model]:
    """Join models that have the same weights, unless they are of different repositories.

    ``refs`` maps a cached repository's directory to the commit that its ``main`` names: that
    snapshot speaks for others of the same weights.
    """
    kept: dict[tuple[object, ...], list[Model]] = {}
    named: dict[frozenset[str], dict[object, tuple[object, ...]]] = {}
    for model in sorted(models, key=lambda one: _rank(one, refs)):
        weights = frozenset(file.sha256 for file in model.files if file.role is Role.WEIGHTS)
        repository = model.fact(v.REPOSITORY)
        others = named.setdefault(weights, {})
        same = next(iter(others.values()), None) if repository is None else others.get(repository)
        if same is None:
            same = others[repository] = (repository, weights)
            kept[same] = []
        kept[same].append(model)
    return [_merged(models[0], models[1:]) for models in kept.values()]


def _rank(model: Model, refs: Mapping[str, str]) -> tuple[object, ...]:
    """Sort models so that the one that knows most about itself comes first."""
    place = cached(model.files[0].path)
    current = place is not None and refs.get(place.root) == place.commit
    first = min(file.path for file in model.files)
    return (model.purl is None, not current, -len(model.files), first.count("/"), first)


def _merged(first: Model, copies: Iterable[Model]) -> Model:
    """Add the occurrences of copies; what only a copy has is kept as a file of its own."""
    files = list(first.files)
    paths = {file.path for file in files}
    by_digest = {file.sha256: number for number, file in enumerate(files)}
    more: defaultdict[int, list[ModelFile]] = defaultdict(list)
    for file in (file for copy in copies for file in copy.files):
        number = by_digest.get(file.sha256)
        if number is not None:
            more[number].append(file)
        elif file.path not in paths and file.role is not Role.LICENSE:
            by_digest[file.sha256] = len(files)
            files.append(file)
            paths.add(file.path)
    for number, same in more.items():
        files[number] = _with(files[number], same)
    return replace(first, files=tuple(sorted(files, key=lambda one: one.path)))
