"""A stream that is hashed while it is parsed where its bytes lie."""

from __future__ import annotations

import hashlib
import io
import os
import random
import threading

import pytest

from lading.errors import InputError
from lading.image.hashing import Hashing, HashingAhead, hashing
from lading.image.streams import CHUNK, ROOM

#: In the thread that parses, and in threads beside it.
WAYS = pytest.mark.parametrize("way", [Hashing, HashingAhead])
BODY = random.Random(3).randbytes(12 * 200_000)


class Slow:
    """Gives at most ``step`` bytes at a time."""

    def __init__(self, body: bytes, step: int) -> None:
        self._source = io.BytesIO(body)
        self._step = step

    def readinto(self, buffer: memoryview, /) -> int:
        return self._source.readinto(buffer[: self._step])


def everything(source: Hashing, keep: int) -> bytes:
    """Read all of it, leaving the last ``keep`` bytes of each piece to the next."""
    out = bytearray()
    kept = memoryview(b"")
    while lent := source.lend(kept):
        buffer, start, end = lent
        cut = max(start, end - keep)
        out += buffer[start:cut]
        kept = buffer[cut:end]
    return bytes(out + kept)


@WAYS
@pytest.mark.parametrize("size", [0, 1, 1000, len(BODY), 2 * CHUNK, 2 * CHUNK + 1])
@pytest.mark.parametrize("keep", [0, 1, 511, ROOM])
def test_every_byte_is_lent_and_hashed_once(way: type[Hashing], size: int, keep: int) -> None:
    body = BODY[:size]
    with way(Slow(body, 300_000)) as source:
        assert everything(source, keep) == body
        assert source.lend(memoryview(b"")) is None
        assert source.hexdigest() == hashlib.sha256(body).hexdigest()
    source.close()


@WAYS
def test_a_digest_is_of_the_whole_stream_however_much_was_read(way: type[Hashing]) -> None:
    with way(io.BytesIO(BODY * 4)) as source:
        assert source.lend(memoryview(b""))
        assert source.hexdigest() == hashlib.sha256(BODY * 4).hexdigest()


@WAYS
def test_threads_end_when_the_reader_stops(way: type[Hashing]) -> None:
    before = set(threading.enumerate())
    with way(io.BytesIO(BODY * 12)) as source:
        assert source.lend(memoryview(b""))
    assert set(threading.enumerate()) <= before
    with pytest.raises(ValueError, match="not read to its end"):
        source.hexdigest()


@WAYS
def test_what_breaks_a_source_breaks_its_reader(way: type[Hashing]) -> None:
    class Broken(io.RawIOBase):
        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            raise InputError("the source broke")

    before = set(threading.enumerate())
    with way(Broken()) as source:
        with pytest.raises(InputError, match="the source broke"):
            everything(source, 0)
        with pytest.raises(ValueError, match="not read to its end"):
            source.hexdigest()
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("processors", "beside", "ahead"), [(1, 1, False), (2, 1, True), (2, 2, False), (3, 2, True)]
)
def test_threads_are_for_processors_that_nobody_else_needs(
    monkeypatch: pytest.MonkeyPatch, processors: int, beside: int, ahead: bool
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert isinstance(hashing(io.BytesIO(), beside), HashingAhead) is ahead
