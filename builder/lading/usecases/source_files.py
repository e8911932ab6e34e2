"""Reading the files of a source: in parallel, each byte once."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from lading.errors import InputError
from lading.hub.streams import hash_stream
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.hub.interface import Listed, Stream

__all__ = ["Progress", "hash_files", "read_files"]

T = TypeVar("T")
#: Told how many bytes were read, from any thread.
Progress: TypeAlias = Callable[[int], None]


class _Counted:
    """A stream that says how far it is; a link's has the link's path."""

    def __init__(self, path: str, inner: Stream, tell: Progress, stopped: threading.Event) -> None:
        self.path, self.size = path, inner.size
        self.peek = inner.peek
        self._inner, self._tell, self._stopped = inner, tell, stopped

    def read(self, size: int = -1) -> bytes:
        if self._stopped.is_set():  # one file of terabytes must not keep an interrupted run alive
            raise InputError("Reading was stopped", where=self.path)
        piece = self._inner.read(size)
        self._tell(len(piece))
        return piece


def read_files(
    files: Sequence[Listed], visit: Callable[[Listed, Callable[[], Stream]], T], progress: Progress
) -> list[T]:
    """Call ``visit`` with each file and what opens it; return the results in order.

    A file may be opened more than once by its visitor; it is closed when the visit ends. The
    largest come first, so that no core is left with one of them at the end.

    Raises:
        InputError: a file cannot be read; the others are not waited for.
    """
    stopped = threading.Event()
    results: dict[int, T] = {}
    order = iter(sorted(range(len(files)), key=lambda at: -files[at].size))

    def run(one: Listed) -> T:
        with contextlib.ExitStack() as opened:

            def opener() -> Stream:
                if one.open is None:
                    raise InputError("The bytes of a file are not here", where=one.path)
                return _Counted(one.path, opened.enter_context(one.open()), progress, stopped)

            return visit(one, opener)

    def work() -> None:
        while not stopped.is_set() and (at := next(order, None)) is not None:
            results[at] = run(files[at])

    workers = min(LIMITS.source_workers, os.cpu_count() or 1)
    with concurrent.futures.ThreadPoolExecutor(workers, "read") as pool:
        working = [pool.submit(work) for _ in range(workers)]
        try:
            ended, _ = concurrent.futures.wait(
                working, return_when=concurrent.futures.FIRST_EXCEPTION
            )
            for one in ended:
                one.result()
        finally:
            stopped.set()  # after an error or an interruption, nobody begins another piece
    return [results[at] for at in range(len(files))]


def hash_files(files: Sequence[Listed], progress: Progress) -> dict[str, str]:
    """Return path → SHA-256 (hexadecimal) of files; of those that are not here, as listed.

    Raises:
        InputError: a file cannot be read, or is not what its place says it is.
    """

    def visit(one: Listed, opener: Callable[[], Stream]) -> str:
        if one.open is None and one.sha256 is not None:
            return one.sha256
        return checked(one, hash_stream(opener()))

    digests = read_files(files, visit, progress)
    return {one.path: digest for one, digest in zip(files, digests, strict=True)}


def checked(one: Listed, sha256: str) -> str:
    """Return the digest of what was read, or raise when its place names another."""
    if one.sha256 not in (None, sha256):
        raise InputError(
            "A file is not what its LFS pointer stands for",
            where=one.path,
            got=sha256,
            wanted=one.sha256,
        )
    return sha256
