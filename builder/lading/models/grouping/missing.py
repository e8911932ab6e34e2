"""Shards that a model names and that are not there: a download or a COPY that was cut short."""

from __future__ import annotations

import itertools
import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from lading.inventory import Finding, Level
from lading.models import vocabulary as v
from lading.models.grouping.naming import stem
from lading.models.report import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lading.inventory import ModelFile

__all__ = ["missing_shards"]

_TOLD: Final = 3


def missing_shards(files: Sequence[ModelFile]) -> Iterator[Finding]:
    """Yield a finding for each index, and each split file, of which only some parts are there.

    One of which no part is there speaks of another form of the same weights.
    """
    there = {place for one in files for place in (one.path, *(also.path for also in one.also_at))}
    for file in files:
        if v.SHARDS in file.facts:
            shards = file.facts[v.SHARDS].value
            directory = posixpath.dirname(file.path)
            gone = [one for one in shards if posixpath.join(directory, one) not in there]
            yield from _told(file.path, gone, len(gone), len(shards))
    for path, numbers, count in _splits(files):
        # The count is the file's own word: no more steps than there are files.
        names = (f"number {one}" for one in itertools.count(1) if one not in numbers)
        gone = list(itertools.islice(names, min(_TOLD, count)))
        yield from _told(path, gone, count - len(numbers), count)


def _splits(files: Sequence[ModelFile]) -> Iterator[tuple[str, set[int], int]]:
    """Yield a path, the numbers that are there, and how many there should be, of each model."""
    splits: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    paths: dict[tuple[str, int], str] = {}
    for file in files:
        number, count = (file.facts.get(key) for key in (v.SHARD_NUMBER, v.SHARD_COUNT))
        if number is not None and count is not None:
            key = stem(file.path), count.value
            splits[key].add(number.value)
            paths.setdefault(key, file.path)
    for key, numbers in splits.items():
        yield paths[key], numbers, key[1]


def _told(path: str, gone: list[str], missing: int, count: int) -> Iterator[Finding]:
    if 0 < missing < count:
        names = ", ".join(printable(one) for one in gone[: min(_TOLD, missing)])
        more = ", …" if missing > _TOLD else ""
        text = f"{missing} of {count} files with its tensors are not there: {names}{more}"
        yield Finding("shards-missing", Level.WARNING, text, path)
