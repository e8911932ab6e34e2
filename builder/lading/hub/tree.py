"""A directory or file on this machine as a source.

Links are followed as a Hugging Face snapshot has them: to regular files within the directory, or
in the ``blobs`` of the cache that the snapshot is part of. Whatever else is there (links to
directories, links that lead out or nowhere, devices, sockets) is no content and is named as odd,
so that nobody takes it for covered.
"""

from __future__ import annotations

import os
import re
import stat
from functools import partial
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, LimitError
from lading.hub.interface import Listed, Source, is_ignored
from lading.hub.streams import open_regular
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["list_directory", "list_file"]

_SNAPSHOT = re.compile(
    r"(?P<kind>models|datasets)--(?P<name>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})\Z"
)


def list_directory(path: Path, ignored: tuple[str, ...]) -> Source:
    """List what is below a directory.

    Raises:
        InputError: it is no directory, or something in it cannot be read.
        LimitError: more files than ``LIMITS.source_files``.
    """
    if not path.exists():
        raise InputError("There is nothing at this path", where=str(path))
    if not path.is_dir():
        raise InputError("This is no directory", where=str(path), hint="A single file is file:PATH")
    root = path.resolve()
    walk = _Walk(root, _blobs(root), ignored)
    walk.run()
    return Source(
        name=_name(path, root),
        uri=f"dir:{_name(path, root)}",
        files=tuple(sorted(walk.files, key=lambda one: one.path)),
        odd=walk.odd,
        links=walk.links,
        **_snapshot(root),
    )


def list_file(path: Path) -> Source:
    """List one file, a link to it included.

    Raises:
        InputError: it is no regular file, or cannot be read.
    """
    try:
        file = path.resolve(strict=True)
        status = file.lstat()
    except OSError as error:
        raise InputError("The file cannot be read", where=str(path), got=error.strerror) from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError("This is no file", where=str(path), hint="A directory is dir:PATH")
    name = text(path.name or file.name, str(path))
    listed = _regular(name, str(file), status)
    return Source(name=name, uri=f"file:{name}", files=(listed,), links=path.is_symlink())


def text(path: str, where: str) -> str:
    """Return a path that can be written as text, or raise."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InputError(
            "A file's name is not UTF-8, so no signed list can hold it",
            where=where,
            got=ascii(path)[:200],
            hint="Rename it, or leave it out with --exclude",
        ) from None
    return path


class _Walk:
    def __init__(self, root: Path, blobs: str | None, ignored: tuple[str, ...]) -> None:
        self._root = os.path.realpath(root)
        self._blobs = blobs
        self._ignored = ignored
        self.files: list[Listed] = []
        self.odd: dict[str, str] = {}
        self.links = False

    def run(self) -> None:
        waiting = [""]
        while waiting:
            directory = waiting.pop()
            for entry in self._entries(directory):
                path = f"{directory}/{entry.name}" if directory else entry.name
                if is_ignored(path, self._ignored):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    self._add(path, entry)
                if len(self.files) + len(self.odd) + len(waiting) > LIMITS.source_files:
                    raise LimitError(
                        "There are too many files in one source",
                        where=self._root,
                        wanted=f"at most {LIMITS.source_files:,}",
                    )

    def _entries(self, directory: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(os.path.join(self._root, directory)) as found:  # noqa: PTH118
                yield from found
        except OSError as error:
            raise InputError(
                "A directory cannot be read", where=directory or ".", got=error.strerror
            ) from error

    def _add(self, path: str, entry: os.DirEntry[str]) -> None:
        file = entry.path
        if entry.is_symlink():
            file = os.path.realpath(file)
            if not self._is_inside(file):
                self.odd[path] = "a link that leads out of the directory"
                return
        try:
            status = os.lstat(file)
        except OSError:
            self.odd[path] = "a link that leads nowhere"
            return
        if stat.S_ISREG(status.st_mode):
            self.links = self.links or entry.is_symlink()
            self.files.append(_regular(text(path, self._root), file, status))
        else:
            self.odd[path] = (
                "a link to a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
            )

    def _is_inside(self, file: str) -> bool:
        inside = file.startswith(self._root.rstrip("/") + "/")
        if inside:
            return not is_ignored(os.path.relpath(file, self._root), self._ignored)
        return self._blobs is not None and file.startswith(self._blobs)


def _regular(path: str, file: str, status: os.stat_result) -> Listed:
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return Listed(
        path,
        status.st_size,
        open=partial(open_regular, path, file, status),
        stamp=":".join(map(str, stamp)),
    )


def _blobs(root: Path) -> str | None:
    """Return the ``blobs/`` of the cache whose snapshot ``root`` is."""
    return f"{root.parents[1]}/blobs/" if _SNAPSHOT.search(str(root)) else None


def _snapshot(root: Path) -> dict[str, Any]:
    """Return what the place of a snapshot in a Hugging Face cache says."""
    found = _SNAPSHOT.search(str(root))
    if found is None:
        return {}
    return {
        "repository": found["name"].replace("--", "/"),
        "commit": found["commit"],
        "is_dataset": found["kind"] == "datasets",
    }


def _name(path: Path, root: Path) -> str:
    found = _SNAPSHOT.search(str(root))
    if found is not None:
        return found["name"].rpartition("--")[2]
    return text(root.name or "root", str(path))
