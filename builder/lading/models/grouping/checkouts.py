"""Models in a Git checkout of a Hub repository, or downloaded from one: which, which commit."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from lading.inventory import Fact, ModelFile, Origin
from lading.models import vocabulary as v
from lading.models.companions import download, git
from lading.models.companions.download import DOWNLOAD
from lading.models.companions.git import CHECKOUT
from lading.models.grouping.place import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Checkouts"]


class Checkouts:
    """The checkouts and downloads among some files; ``rest`` are the files that are no notes."""

    def __init__(self, files: Iterable[ModelFile]) -> None:
        self.rest: list[ModelFile] = []
        self._refs: defaultdict[str, dict[str, str]] = defaultdict(dict)
        self._facts: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
        downloads: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
        for file in files:
            kind = kind_of(file)
            if kind == CHECKOUT and (place := git.PLACE.match(file.path)):
                self._git(place[1].rstrip("/"), place[2], file)
            elif kind == DOWNLOAD and (place := download.PLACE.match(file.path)):
                fact = file.facts[v.COMMIT]
                downloads[place[1].rstrip("/")][fact.value] = fact
            else:
                self.rest.append(file)
        for root, known in self._facts.items():
            known.update(_commit(root, self._refs[root]))
        for root, commits in downloads.items():
            if len(commits) == 1:  # files of several commits are no commit's
                self._facts[root].setdefault(v.COMMIT, next(iter(commits.values())))

    def _git(self, root: str, name: str, file: ModelFile) -> None:
        if v.REPOSITORY in file.facts:
            self._facts[root][v.REPOSITORY] = file.facts[v.REPOSITORY]
        elif v.REFS in file.facts:
            for ref, target in file.facts[v.REFS].value:
                # A reference of its own outdates the packed one.
                if ref not in self._refs[root] or name != "packed-refs":
                    self._refs[root][ref] = target

    def facts(self, directory: str) -> dict[str, Fact]:
        """Return repository and commit of the checkout that a directory lies in."""
        while True:
            if directory in self._facts:
                return self._facts[directory]
            if not directory:
                return {}
            directory = posixpath.dirname(directory)

    def repository(self, directory: str) -> str | None:
        """Return the repository of which a directory is the top."""
        fact = self._facts.get(directory, {}).get(v.REPOSITORY)
        return str(fact.value) if fact else None


def _commit(root: str, refs: dict[str, str]) -> dict[str, Fact]:
    head = refs.get("HEAD", "")
    commit = refs.get(head, head)
    if len(commit) != 40 or commit.startswith("refs/"):
        return {}
    return {v.COMMIT: Fact(commit, Origin.OBSERVED, posixpath.join(root, ".git/HEAD"))}
