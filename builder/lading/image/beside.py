"""Layers read beside each other: hashing, decompressing and waiting leave the interpreter free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from lading.image.interface import Entry
    from lading.image.streams import Readable

    Opener = Callable[[], AbstractContextManager[Readable]]

__all__ = ["Stoppable", "for_two", "two_at_once"]

T = TypeVar("T")


class _Stopped(Exception):
    """Another layer failed: nobody wants the rest of this one."""


class Stoppable:
    """A stream that breaks off when all are told to; ``beside`` are read at a time."""

    def __init__(self, source: Readable, over: list[bool], beside: int) -> None:
        self._source = source
        self._over = over
        self.beside = beside

    def readinto(self, buffer: memoryview, /) -> int | None:
        """See :class:`lading.image.streams.Readable`."""
        if self._over:
            raise _Stopped
        return self._source.readinto(buffer)

    def checked(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Pass on entries that are read from elsewhere."""
        for entry in entries:
            if self._over:
                raise _Stopped
            yield entry


def for_two(items: Iterable[T], size: Callable[[T], int]) -> list[T]:
    """Return items in the order in which two may best work on them beside each other.

    The largest begins, and the others follow from the smallest up: both end at about the same
    time, and what all but the last ones bring is known long before that.
    """
    rising = sorted(items, key=size)
    return rising[-1:] + rising[:-1]


def two_at_once(
    work: Callable[[str, Stoppable], T], streams: Iterable[tuple[str, Opener]]
) -> Iterator[tuple[str, T]]:
    """Yield each stream's name with what ``work`` makes of it; two are worked on beside each other.

    They are opened in their order, best that of :func:`for_two`. The first error, or an interrupt,
    ends the work on the others.
    """
    over: list[bool] = []
    waiting = list(streams)

    def one(name: str, opener: Opener) -> T:
        with opener() as source:
            return work(name, Stoppable(source, over, min(2, len(waiting))))

    with ThreadPoolExecutor(2, "layer") as pool:
        pending = {pool.submit(one, name, opener): name for name, opener in waiting}
        try:
            for future in as_completed(pending):
                yield pending[future], future.result()
        finally:
            over.append(True)
            pool.shutdown(wait=False, cancel_futures=True)
