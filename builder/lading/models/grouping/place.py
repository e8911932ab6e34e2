"""Where files appear: symbolic links resolved inside the image, never on the host."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from lading.inventory import ModelFile, Occurrence, Role
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.companions.names import role_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Cached", "cached", "kind_of", "moved", "packaged", "place", "resolve", "tested"]

_CACHE: Final = re.compile(
    r"(?P<root>(?:.*/)?(?P<kind>models|datasets|spaces)--(?P<repo>[^/]+))"
    r"/(?P<part>blobs|snapshots/(?P<commit>[^/]+))(?:/.*)?\Z"
)
_PACKAGES: Final = re.compile(
    r"(?:^|/)(?:(?:site|dist)-packages|lib(?:64)?/python\d[\d.]*|go/pkg/mod|node_modules)/"
)
_TESTS: Final = re.compile(r"(?:^|/)(?:tests?|testing|test_data|testdata|_test)/")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True, slots=True)
class Cached:
    """A path inside a Hugging Face cache (huggingface.co/docs/huggingface_hub, "cache")."""

    root: str  # the repository's directory
    repository: str  # "org/name"
    kind: str  # "models", "datasets" or "spaces"
    snapshot: str | None  # the snapshot's directory, None for a blob
    commit: str | None


def cached(path: str) -> Cached | None:
    """Return what ``path`` is in a Hugging Face cache, or None when it is in none."""
    if "--" not in path:
        return None
    found = _CACHE.match(path)
    if found is None:
        return None
    part, commit = found["part"], found["commit"]
    return Cached(
        root=found["root"],
        repository=found["repo"].replace("--", "/", 1),
        kind=found["kind"],
        snapshot=None if part == "blobs" else f"{found['root']}/{part}",
        commit=commit if commit and _COMMIT.match(commit) else None,
    )


def packaged(path: str) -> bool:
    """Whether a path lies in a directory of Python distributions, or of other packages."""
    return _PACKAGES.search(path) is not None


def tested(path: str) -> bool:
    """Whether a path lies in a directory of tests."""
    return _TESTS.search(path) is not None


def resolve(path: str, links: Mapping[str, str]) -> str | None:
    """Return what ``path`` means after every link in it, relative to the image's root.

    None when links form a loop, or more follow each other than Linux follows.
    """
    hops = 0
    waiting = path.split("/")[::-1]
    done: list[str] = []
    while waiting:
        part = waiting.pop()
        if part in ("", "."):
            continue
        if part == "..":
            del done[-1:]
            continue
        done.append(part)
        target = links.get("/".join(done))
        if target is None:
            continue
        hops += 1
        if hops > LIMITS.layout_links or len(waiting) > LIMITS.tar_path_length:
            return None
        if target.startswith("/"):
            done.clear()
        else:
            done.pop()
        waiting.extend(target.split("/")[::-1])
    return "/".join(done)


def place(files: Iterable[ModelFile], links: Mapping[str, str]) -> list[ModelFile]:
    """Return every file under the path that says most about it, its other paths in ``also_at``.

    A blob of a cache appears once for each snapshot that links to it.
    """
    by_path = {file.path: file for file in files}
    aliases: defaultdict[str, list[str]] = defaultdict(list)
    for link in links:
        target = resolve(link, links)
        if target is not None and target != link and target in by_path:
            aliases[target].append(link)
    homes = {posixpath.dirname(file.path) for file in by_path.values() if file.role is Role.CONFIG}
    homes.update(
        posixpath.dirname(link)
        for target, names in aliases.items()
        if by_path[target].role is Role.CONFIG
        for link in names
    )
    placed: list[ModelFile] = []
    for path in sorted(by_path):
        placed.extend(_placed(by_path[path], sorted(aliases.get(path, ())), homes))
    return placed


def _placed(file: ModelFile, links: list[str], homes: set[str]) -> list[ModelFile]:
    if not links:
        return [file]
    everywhere = [file.path, *links]
    home = cached(file.path)
    snapshots = [link for link in links if (place := cached(link)) and place.snapshot]
    if home is not None and home.snapshot is None and snapshots:
        primary = snapshots
    elif posixpath.dirname(file.path) in homes:
        primary = [file.path]
    else:
        # A link beside a configuration says more than a bare file elsewhere.
        primary = [link for link in links if posixpath.dirname(link) in homes][:1] or [file.path]
    chosen = set(primary)
    others = (Occurrence(path, file.layer) for path in everywhere if path not in chosen)
    also_at = (*file.also_at, *others)
    return [replace(moved(file, path), also_at=also_at) for path in primary]


def moved(file: ModelFile, path: str) -> ModelFile:
    """Return the file under another path, which its facts and findings name, too."""
    old = file.path
    if path == old:
        return _renamed(file)

    def renamed(text: str) -> str:
        return f"{path}{text[len(old) :]}" if text.startswith(old) else text

    facts = {
        name: replace(
            fact,
            where=renamed(fact.where),
            value=path if fact.value == old else fact.value,
        )
        for name, fact in file.facts.items()
    }
    findings = tuple(
        replace(one, path=path if one.path == old else one.path) for one in file.safety.findings
    )
    safety = replace(file.safety, findings=findings)
    return _renamed(replace(file, path=path, facts=facts, safety=safety))


def _renamed(file: ModelFile) -> ModelFile:
    """Give a nameless file the role that its link's name says."""
    if file.role is Role.WEIGHTS or file.format is not None:
        return file
    name = posixpath.basename(file.path).lower()
    known = role_of(name)
    if known is not None:
        return replace(file, role=known[0])
    if name.endswith(".py"):
        return replace(file, role=Role.CODE)
    return file


def kind_of(file: ModelFile) -> str | None:
    """Return a companion's kind: by its name where that is decisive, else by its content."""
    known = role_of(posixpath.basename(file.path).lower())
    if known is not None and known[1] is not None:
        return known[1]
    fact = file.facts.get(v.KIND)
    return fact.value if fact else None
