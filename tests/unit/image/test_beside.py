"""Layers that are read beside each other: every result, or the first error and an end."""

from __future__ import annotations

import io
import threading
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

import pytest

from lading.errors import InputError
from lading.image.beside import Together, for_two, two_at_once
from lading.image.directory import FileEntry
from lading.image.interface import EntryKind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from lading.image.streams import Readable

T = TypeVar("T")


def two_streams(
    work: Callable[[str, Readable], T], streams: Mapping[str, Readable]
) -> Generator[tuple[str, T]]:
    yield from two_at_once(
        lambda name, together: work(name, together.stream(streams[name])), streams
    )


def taken(_name: str, source: Readable) -> bytes:
    """Read a stream to its end, a byte at a time."""
    buffer, found = bytearray(1), b""
    while source.readinto(memoryview(buffer)):
        found += buffer
    return found


def test_the_order_for_two() -> None:
    assert for_two(["aa", "aaaa", "", "a"], len) == ["aaaa", "", "a", "aa"]
    assert for_two([], len) == []


def test_every_stream_is_worked_on() -> None:
    streams = {str(number): bytes([number]) * number for number in range(9)}
    opened = {name: io.BytesIO(content) for name, content in streams.items()}
    assert dict(two_streams(taken, opened)) == streams


def test_two_streams_are_worked_on_at_once() -> None:
    both = threading.Barrier(2, timeout=20)

    def meet(name: str, _source: Readable) -> str:
        both.wait()
        return name

    opened = {name: io.BytesIO() for name in "ab"}
    assert sorted(two_streams(meet, opened)) == [("a", "a"), ("b", "b")]


def test_one_stream_is_worked_on_by_whoever_asks() -> None:
    def who(_name: str, _source: Readable) -> int:
        return threading.get_ident()

    assert dict(two_streams(who, {"a": io.BytesIO()})) == {"a": threading.get_ident()}
    others = dict(two_streams(who, dict.fromkeys("ab", io.BytesIO())))
    assert threading.get_ident() not in others.values()


class Endless:
    """A stream that nobody would ever read to its end."""

    reads = 0

    def readinto(self, buffer: memoryview, /) -> int:
        Endless.reads += 1
        return len(buffer)


def test_an_error_ends_the_work_on_the_others() -> None:
    before = set(threading.enumerate())

    def work(name: str, source: Readable) -> bytes:
        if name == "bad":
            raise InputError("this one is damaged")
        return taken(name, source)

    opened = {name: Endless() for name in ("endless", "bad", "later")}
    with pytest.raises(InputError, match="damaged"):
        list(two_streams(work, opened))
    assert set(threading.enumerate()) <= before


def test_whoever_stops_early_ends_the_work() -> None:
    before = set(threading.enumerate())
    found = two_streams(taken, {"empty": io.BytesIO(), "endless": Endless()})
    assert next(found) == ("empty", b"")
    found.close()
    assert set(threading.enumerate()) <= before


def test_entries_from_elsewhere_break_off_when_another_layer_failed() -> None:
    passing, ended = threading.Event(), threading.Event()

    def work(name: str, together: Together) -> None:
        if name == "broken":
            passing.wait(10)
            raise InputError("this one is broken")
        try:
            for _ in together.checked(repeat(FileEntry("a", EntryKind.DIRECTORY))):
                passing.set()
        finally:
            ended.set()

    with pytest.raises(InputError, match="broken"):
        list(two_at_once(work, ("a", "broken")))
    assert ended.wait(10)
