"""Data sets: of a repository in a Hugging Face cache, of a directory that says so, or of files.

Files of one directory that are splits of one data set (``train``, ``test``) are one.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from lading.inventory import Dataset, Fact, Finding, ModelFile, Origin, Role
from lading.models import vocabulary as v
from lading.models.grouping.merge import once
from lading.models.grouping.naming import directory_name, stem
from lading.models.grouping.place import cached, kind_of, packaged, tested

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["datasets_of"]

_SPLIT: Final = re.compile(
    r"(?:(.+?)[._-])?(train(?:ing)?|test|valid(?:ation)?|val|dev|eval|unsupervised)(?:[._-].*)?\Z",
    re.IGNORECASE,
)
#: What numbers the shards of one data set.
_NUMBER: Final = re.compile(r"[-_.]?\d{3,}\Z")
#: A directory of the ``datasets`` library's cache: organisation and name.
_CACHE: Final = re.compile(r"(?:^|/)huggingface/datasets/(?:([^/]+)___)?([^/]+)/")
#: Formats that are data only by their place: a package's own tables are its business.
_TEXTS: Final = frozenset({"csv", "tsv", "jsonl"})
#: Facts that only some files of a data set know about themselves.
_COUNTED: Final = frozenset({v.ROWS, v.KIND, v.LFS_OID, v.LFS_SIZE})


def datasets_of(
    files: Iterable[ModelFile], findings: list[Finding], shipped: Collection[str] = ()
) -> tuple[list[Dataset], list[ModelFile]]:
    """Return the data sets, and the files that belong to none; add findings of data files."""
    files = list(files)
    described = {posixpath.dirname(file.path) for file in files if kind_of(file) == "dataset"}
    groups: defaultdict[tuple[str, str], list[ModelFile]] = defaultdict(list)
    rest = []
    for file in files:
        key = _key(file, described, shipped)
        if key is not None:
            groups[key].append(file)
        elif file.role is not Role.DATA:
            rest.append(file)
    datasets = []
    for name, place in sorted(groups):
        members = groups[name, place]
        if any(file.role is Role.DATA for file in members):
            datasets.append(_dataset(name, place, once(members)))
            findings.extend(one for file in members for one in file.safety.findings)
        else:
            rest.extend(members)
    return datasets, rest


def _key(file: ModelFile, described: set[str], shipped: Collection[str]) -> tuple[str, str] | None:
    """Return name and place of the data set that a file belongs to; weights belong to none."""
    if file.role is Role.WEIGHTS:
        return None
    where = cached(file.path)
    if where is not None and where.kind == "datasets":
        return where.repository, where.snapshot or where.root
    directory = posixpath.dirname(file.path)
    if directory in described:
        return directory_name(directory), directory
    if file.role is not Role.DATA:
        return None
    in_package = packaged(file.path) or file.path in shipped
    if in_package and (tested(file.path) or file.format in _TEXTS):
        return None
    plain = _NUMBER.sub("", stem(file.path))
    base = posixpath.basename(plain)
    split = _SPLIT.match(base)
    if split is None:
        return base or directory_name(directory), f"{plain}.{file.format}"
    return split[1] or directory_name(directory), directory


def _dataset(name: str, place: str, files: list[ModelFile]) -> Dataset:
    facts: dict[str, Fact] = {}
    where = cached(f"{place}/")
    if where is not None:
        facts[v.REPOSITORY] = Fact(where.repository, Origin.OBSERVED, where.root)
        if where.commit and where.snapshot:
            facts[v.COMMIT] = Fact(where.commit, Origin.OBSERVED, where.snapshot)
    data = [file for file in files if file.role is Role.DATA]
    for file in sorted(files, key=lambda one: (one.role is Role.DATA, one.path)):
        for key, fact in file.facts.items():
            if key not in _COUNTED:
                facts.setdefault(key, fact)
            elif key == v.ROWS and file.role is not Role.DATA:
                facts[key] = fact  # the description knows the whole
    if v.ROWS not in facts and all(v.ROWS in file.facts for file in data):
        rows = sum(file.facts[v.ROWS].value for file in data)
        facts[v.ROWS] = Fact(rows, Origin.OBSERVED, place)
    splits = {found[2] for file in data if (found := _SPLIT.match(_base(file)))}
    if splits and v.SPLITS not in facts:
        facts[v.SPLITS] = Fact(sorted(splits), Origin.OBSERVED, place)
    known = _CACHE.search(data[0].path)
    if known:
        name = f"{known[1]}/{known[2]}" if known[1] else known[2]
        if known[1]:
            facts.setdefault(v.REPOSITORY, Fact(name, Origin.OBSERVED, place))
    elif where is None and v.NAME in facts:
        name = str(facts[v.NAME].value)
    formats = [file.format for file in data if file.format]
    return Dataset(
        name=name,
        format=formats[0] if formats else "unknown",
        files=tuple(sorted(files, key=lambda one: one.path)),
        facts=dict(sorted(facts.items())),
    )


def _base(file: ModelFile) -> str:
    return posixpath.basename(stem(file.path))
