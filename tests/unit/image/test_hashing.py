"""A stream that is hashed while it is parsed where its bytes lie."""

from __future__ import annotations

import hashlib
import io
import random
import threading

import pytest

from lading.errors import InputError
from lading.image.hashing import Hashing
from lading.image.streams import CHUNK, ROOM

BODY = random.Random(3).randbytes(12 * 200_000)


class Slow:
    """Gives at most ``step`` bytes at a time."""

    def __init__(self, body: bytes, step: int) -> None:
        self._source = io.BytesIO(body)
        self._step = step

    def readinto(self, buffer: memoryview, /) -> int:
        return self._source.readinto(buffer[: self._step])


def everything(hashing: Hashing, keep: int) -> bytes:
    """Read all of it, leaving the last ``keep`` bytes of each piece to the next."""
    out = bytearray()
    kept = memoryview(b"")
    while lent := hashing.lend(kept):
        buffer, start, end = lent
        cut = max(start, end - keep)
        out += buffer[start:cut]
        kept = buffer[cut:end]
    return bytes(out + kept)


@pytest.mark.parametrize("size", [0, 1, 1000, len(BODY), 2 * CHUNK, 2 * CHUNK + 1])
@pytest.mark.parametrize("keep", [0, 1, 511, ROOM])
def test_every_byte_is_lent_and_hashed_once(size: int, keep: int) -> None:
    body = BODY[:size]
    with Hashing(Slow(body, 300_000)) as hashing:
        assert everything(hashing, keep) == body
        assert hashing.lend(memoryview(b"")) is None
        assert hashing.hexdigest() == hashlib.sha256(body).hexdigest()
    hashing.close()


def test_a_digest_is_of_the_whole_stream_however_much_was_read() -> None:
    with Hashing(io.BytesIO(BODY * 4)) as hashing:
        assert hashing.lend(memoryview(b""))
        assert hashing.hexdigest() == hashlib.sha256(BODY * 4).hexdigest()


def test_threads_end_when_the_reader_stops() -> None:
    before = set(threading.enumerate())
    with Hashing(io.BytesIO(BODY * 12)) as hashing:
        assert hashing.lend(memoryview(b""))
    assert set(threading.enumerate()) <= before
    with pytest.raises(ValueError, match="not read to its end"):
        hashing.hexdigest()


def test_what_breaks_a_source_that_is_read_ahead_breaks_its_reader() -> None:
    class Broken(io.RawIOBase):
        def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
            raise InputError("the source broke")

    before = set(threading.enumerate())
    with Hashing(Broken()) as hashing:
        with pytest.raises(InputError, match="the source broke"):
            everything(hashing, 0)
        with pytest.raises(ValueError, match="not read to its end"):
            hashing.hexdigest()
    assert set(threading.enumerate()) <= before
