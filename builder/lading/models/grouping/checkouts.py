"""Models that lie in a Git checkout of a Hub repository: which one, and of which commit."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from typing import TYPE_CHECKING

from lading.inventory import Fact, ModelFile, Origin
from lading.models import vocabulary as v
from lading.models.companions.git import CHECKOUT, PLACE
from lading.models.grouping.place import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Checkouts"]


class Checkouts:
    """The checkouts among some files; ``rest`` are the files that are no part of ``.git``."""

    def __init__(self, files: Iterable[ModelFile]) -> None:
        self.rest: list[ModelFile] = []
        refs: defaultdict[str, dict[str, str]] = defaultdict(dict)
        repositories: dict[str, Fact] = {}
        for file in files:
            place = PLACE.match(file.path)
            if place is None or kind_of(file) != CHECKOUT:
                self.rest.append(file)
                continue
            root = place[1].rstrip("/")
            if v.REPOSITORY in file.facts:
                repositories[root] = file.facts[v.REPOSITORY]
            elif v.REFS in file.facts:
                known = refs[root]
                for name, target in file.facts[v.REFS].value:
                    # A reference of its own outdates the packed one.
                    if name not in known or place[2] != "packed-refs":
                        known[name] = target
        self._facts = {
            root: _facts(root, repository, refs[root]) for root, repository in repositories.items()
        }

    def facts(self, directory: str) -> dict[str, Fact]:
        """Return repository and commit of the checkout that a directory lies in."""
        while True:
            if directory in self._facts:
                return self._facts[directory]
            if not directory:
                return {}
            directory = posixpath.dirname(directory)

    def is_root(self, directory: str) -> bool:
        """Whether a directory is the top of a checkout."""
        return directory in self._facts


def _facts(root: str, repository: Fact, refs: dict[str, str]) -> dict[str, Fact]:
    facts = {v.REPOSITORY: repository}
    head = refs.get("HEAD", "")
    commit = refs.get(head, head)
    if len(commit) == 40 and not commit.startswith("refs/"):
        where = posixpath.join(root, ".git/HEAD")
        facts[v.COMMIT] = Fact(commit, Origin.OBSERVED, where)
    return facts
