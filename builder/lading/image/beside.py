"""Layers read beside each other: hashing and decompressing leave the interpreter to the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from lading.image.streams import Readable

__all__ = ["two_at_once"]

T = TypeVar("T")


class _Stopped(Exception):
    """Another layer failed: nobody wants the rest of this one."""


class _Stoppable:
    """A stream that breaks off when it is told to."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.stopped = False

    def readinto(self, buffer: memoryview, /) -> int | None:
        if self.stopped:
            raise _Stopped
        return self._source.readinto(buffer)


def two_at_once(
    work: Callable[[str, Readable], T], streams: Iterable[tuple[str, Readable]]
) -> Iterator[tuple[str, T]]:
    """Yield each stream's name with what ``work`` makes of it; two are worked on beside each other.

    All are opened at once. The first error, or an interrupt, ends the work on the others.
    """
    opened = [(name, _Stoppable(source)) for name, source in streams]
    with ThreadPoolExecutor(2, "layer") as pool:
        pending = {pool.submit(work, name, source): name for name, source in opened}
        try:
            for future in as_completed(pending):
                yield pending[future], future.result()
        finally:
            for _, source in opened:
                source.stopped = True
            pool.shutdown(wait=False, cancel_futures=True)
