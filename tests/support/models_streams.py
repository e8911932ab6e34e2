"""Files in memory and on disk as the streams that ``lading.models`` reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lading.models import examine, group

if TYPE_CHECKING:
    from lading.inventory import ModelFile
    from lading.models import Grouped


class Stream:
    """One file in memory; counts what is read, and refuses a second pass."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.size = len(data)
        self._data = data
        self.at = 0
        self.peeked = 0

    def peek(self, size: int) -> bytes:
        assert self.at == 0, "peek after read"
        assert size <= 4096
        self.peeked += 1
        return self._data[:size]

    def read(self, size: int = -1) -> bytes:
        end = len(self._data) if size < 0 else min(self.at + size, len(self._data))
        piece = self._data[self.at : end]
        self.at = end
        return piece


def look(path: str, data: bytes) -> ModelFile | None:
    """Examine bytes under a path."""
    return examine(Stream(path, data))


def seen(path: str, data: bytes) -> ModelFile:
    """Examine bytes that must be of use to a model."""
    found = look(path, data)
    assert found is not None
    return found


def facts_of(file: ModelFile) -> dict[str, object]:
    """Return the values of a file's facts."""
    return {name: fact.value for name, fact in file.facts.items()}


def ids_of(file: ModelFile) -> set[str]:
    """Return the ids of a file's findings."""
    return {finding.id for finding in file.safety.findings}


def examine_tree(root: Path) -> tuple[list[ModelFile], dict[str, str]]:
    """Examine every regular file below a directory; return them and the symbolic links."""
    files, links = [], {}
    for directory, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(directory, name)
            inside = str(path.relative_to(root))
            if path.is_symlink():
                links[inside] = str(path.readlink())
                continue
            found = look(inside, path.read_bytes())
            if found is not None:
                files.append(found)
    return files, links


def group_tree(root: Path) -> Grouped:
    """Examine and group everything below a directory."""
    return group(*examine_tree(root))
