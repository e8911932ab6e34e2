"""Files that come to their places whole: written aside, flushed, renamed; several at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

__all__ = ["Aside", "Flushes", "Source", "discard"]

_PIECE = 1024 * 1024
_UNFINISHED = "lading-"  # others keep their unfinished files beside ours
_FLUSHERS = 4


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

    def write(self, source: Source, size: int = _PIECE) -> str:
        """Write a file of about ``size`` bytes and return its name.

        Raises OSError, or what ``source`` raises.
        """
        self._directory.mkdir(exist_ok=True)
        self._sweep()
        descriptor, temporary = tempfile.mkstemp(dir=self._directory, prefix=_UNFINISHED)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                # one byte more, so that what is longer than it should be shows at once
                piece = memoryview(bytearray(min(size + 1, _PIECE)))
                while count := source.readinto(piece):
                    view = piece[:count]
                    while view:
                        view = view[file.write(view) :]
                os.fchmod(file.fileno(), 0o644)
        except BaseException:
            discard([temporary])
            raise
        return temporary

    def place(
        self,
        files: Mapping[Path, str],
        last: Mapping[Path, str] | None = None,
        flushes: Flushes | None = None,
    ) -> None:
        """Rename files that were written here to their places, and flush all of it.

        ``last`` come to their places when the disk has the others in theirs: they name them. What
        ``flushes`` has begun is not begun again.

        Raises:
            OSError: some may be in their places; those that are not are gone.
        """
        last = last or {}
        waiting = flushes or Flushes()
        try:
            waiting.wait([*files.values(), *last.values()])
            for group in (files, last):
                for path, temporary in group.items():
                    os.replace(temporary, path)  # noqa: PTH105 - both ends are known to exist
                waiting.wait({str(path.parent) for path in group})
        except BaseException:
            discard([*files.values(), *last.values()])
            raise
        finally:
            if flushes is None:
                waiting.end()

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


class Flushes:
    """Files and directories that the disk is to have, waited for at once or begun beforehand.

    A file system commits several together: waiting for each in turn would take as many times as
    long. Until :meth:`end`; for one thread.
    """

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[str, Future[None]] = {}

    def begin(self, path: str) -> None:
        """Have the disk take a file beside what the caller does next."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(_FLUSHERS, "flush")
        self._begun[path] = self._pool.submit(_flush_one, path)

    def wait(self, paths: Iterable[str]) -> None:
        """Return when the disk has them all.

        Raises:
            OSError: it has not.
        """
        waiting = list(paths)
        new = [path for path in waiting if path not in self._begun]
        if len(waiting) == len(new) == 1:
            _flush_one(new[0])
            return
        for path in new:
            self.begin(path)
        for path in waiting:
            self._begun.pop(path).result()

    def end(self) -> None:
        """Let go of threads; nobody wants to know what was not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool, self._begun = None, {}


def _flush_one(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
