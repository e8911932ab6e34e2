"""Layers read beside each other: hashing, decompressing and waiting leave the interpreter free."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from lading.image.interface import Entry
    from lading.image.streams import Readable

__all__ = ["Together", "for_two", "two_at_once"]

T = TypeVar("T")


class _Stopped(Exception):
    """Another layer failed: nobody wants the rest of this one."""


class _Stoppable:
    """A stream that breaks off when all are told to; ``beside`` are read at a time."""

    def __init__(self, source: Readable, together: Together) -> None:
        self._source = source
        self._check = together.check
        self.beside = together.beside

    def readinto(self, buffer: memoryview, /) -> int | None:
        """See :class:`lading.image.streams.Readable`."""
        self._check()
        return self._source.readinto(buffer)


class Together:
    """What is worked on beside each other, ``beside`` at a time: all go on, or none does."""

    def __init__(self, beside: int) -> None:
        self.beside = beside
        self._over = False

    def end(self) -> None:
        """Have everybody stop."""
        self._over = True

    def check(self) -> None:
        """Stop here, if all are to."""
        if self._over:
            raise _Stopped

    def stream(self, source: Readable) -> Readable:
        """Return a stream that breaks off when all are to stop."""
        return _Stoppable(source, self)

    def checked(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Pass on entries until all are to stop."""
        for entry in entries:
            self.check()
            yield entry


def for_two(items: Iterable[T], size: Callable[[T], int]) -> list[T]:
    """Return items in the order in which two may best work on them beside each other.

    The largest begins, and the others follow from the smallest up: both end at about the same
    time, and what all but the last ones bring is known long before that.
    """
    rising = sorted(items, key=size)
    return rising[-1:] + rising[:-1]


def two_at_once(
    work: Callable[[str, Together], T], names: Collection[str]
) -> Iterator[tuple[str, T]]:
    """Yield each name with what ``work`` makes of it; two are worked on beside each other.

    They are begun in their order, best that of :func:`for_two`. The first error, or an interrupt,
    ends the work on the others, which asks for that as often as it can.
    """
    together = Together(min(2, len(names)))
    if len(names) == 1:  # a thread would begin, and its end be waited for, for nothing
        for name in names:
            yield name, work(name, together)
        return
    with ThreadPoolExecutor(2, "layer") as pool:
        pending = {pool.submit(work, name, together): name for name in names}
        try:
            for future in as_completed(pending):
                yield pending[future], future.result()
        finally:
            together.end()
            pool.shutdown(wait=False, cancel_futures=True)
