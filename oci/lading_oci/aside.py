"""Files that come to their places whole: written aside, flushed, renamed; several at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Aside", "Source", "discard"]

_PIECE = 1024 * 1024
_UNFINISHED = "lading-"  # others keep their unfinished files beside ours
_FLUSHERS = 8


class Source(Protocol):
    """Where a file's bytes come from."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` from its start; return how many bytes, 0 at the end."""
        ...


class Aside:
    """The directory of unfinished files: on the file system of their places, so renames are whole.

    Args:
        directory: made when first written.
        oldest: seconds after which an unfinished file is nobody's any more.
    """

    def __init__(self, directory: Path, oldest: float) -> None:
        self._directory = directory
        self._oldest = oldest
        self._swept = False

    def write(self, source: Source) -> str:
        """Write a file and return its name. Raises OSError, or what ``source`` raises."""
        self._directory.mkdir(exist_ok=True)
        self._sweep()
        descriptor, temporary = tempfile.mkstemp(dir=self._directory, prefix=_UNFINISHED)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                piece = memoryview(bytearray(_PIECE))
                while count := source.readinto(piece):
                    view = piece[:count]
                    while view:
                        view = view[file.write(view) :]
                os.fchmod(file.fileno(), 0o644)
        except BaseException:
            discard([temporary])
            raise
        return temporary

    def place(self, files: Mapping[Path, str]) -> None:
        """Rename files that were written here to their places, and flush all of it.

        Raises:
            OSError: some may be in their places; those that are not are gone.
        """
        try:
            _flush(files.values())
            for path, temporary in files.items():
                os.replace(temporary, path)  # noqa: PTH105 - both ends are known to exist
        except BaseException:
            discard(files.values())
            raise
        _flush({str(path.parent) for path in files})

    def _sweep(self) -> None:
        """Once, remove what writers that were killed have left: large, and nobody's any more."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - self._oldest
        for path in self._directory.glob(f"{_UNFINISHED}*"):
            with contextlib.suppress(OSError):  # another process may sweep too
                if path.lstat().st_mtime < oldest:
                    path.unlink()


def discard(temporaries: Iterable[str]) -> None:
    """Remove unfinished files that are still there."""
    for temporary in temporaries:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108 - a str from mkstemp


def _flush(paths: Iterable[str]) -> None:
    """Wait until the disk has the files or directories.

    Several are waited for at once: a file system commits them together, and waiting for each in
    turn would take as many times as long.
    """
    waiting = list(paths)
    if len(waiting) < 2:
        for path in waiting:
            _flush_one(path)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(waiting), _FLUSHERS), "flush") as pool:
        for done in [pool.submit(_flush_one, path) for path in waiting]:
            done.result()


def _flush_one(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
