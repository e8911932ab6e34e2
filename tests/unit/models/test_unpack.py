"""Decompressors as sources: whatever the sizes of pieces, and never past a bound."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from lading.models.decompressors import Inflated
from lading.models.report import Report
from lading.models.stream import BytesSource, Limited, Malformed, Source, Truncated
from lading.models.unpack import peek_inside, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zlib": zlib.compress,
    "zlib, fast": lambda data: zlib.compress(data, 1),
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
EACH = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
NOISE = random.Random(3).randbytes(300_000)
CONTENTS = {
    "empty": b"",
    "short": b"short",
    "noise": NOISE,
    "zeros": bytes(5 << 20),
    "both": NOISE + bytes(3 << 20) + NOISE,
}


class Dripping(Source):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__()
        self._pieces = (data[at : at + size] for at in range(0, len(data), size))

    def _fill(self) -> bytes:
        return next(self._pieces, b"")


def everything(source: Source) -> bytes:
    return b"".join(iter(source.some, b""))


@EACH
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("size", [61, 1 << 20])
def test_what_was_packed_comes_out(
    way: Callable[[bytes], bytes], content: bytes, size: int
) -> None:
    source = unpacked(Dripping(way(content), size), Report("x"))

    assert source is not None
    assert everything(source) == content


@EACH
def test_truncated_data_is_told(way: Callable[[bytes], bytes]) -> None:
    packed = way(NOISE)
    for size in (12, 1000, len(packed) - 9):
        source = unpacked(BytesSource(packed[:size]), Report("x"))
        assert source is not None
        with pytest.raises(Truncated):
            everything(source)


@EACH
def test_broken_data_is_told(way: Callable[[bytes], bytes]) -> None:
    packed = bytearray(way(NOISE))
    packed[100:200] = bytes(100)
    source = unpacked(BytesSource(bytes(packed)), Report("x"))

    assert source is not None
    with pytest.raises(Malformed):
        everything(source)


@EACH
def test_it_stops_at_the_reports_bound(way: Callable[[bytes], bytes]) -> None:
    report = Report("x")
    report.inflatable = 1 << 20
    source = unpacked(BytesSource(way(bytes(2 << 20))), report)

    assert source is not None
    with pytest.raises(Malformed, match="past every bound"):
        everything(source)


@pytest.mark.parametrize("way", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_streams_in_a_row_are_one(way: Callable[[bytes], bytes]) -> None:
    for size in (5, 1 << 20):
        source = unpacked(Dripping(way(b"one") + way(b"two"), size), Report("x"))
        assert source is not None
        assert everything(source) == b"onetwo"


def test_what_follows_the_last_member_of_gzip_is_left() -> None:
    parent = Dripping(gzip.compress(b"one") + gzip.compress(b"two") + b"\x1f", 3)
    source = unpacked(parent, Report("x"))

    assert source is not None
    assert everything(source) == b"onetwo"
    assert parent.read(9) == b"\x1f"


@EACH
def test_an_error_is_told_to_whoever_reads_on_behind_a_peek(
    way: Callable[[bytes], bytes],
) -> None:
    noise = random.Random(8).randbytes(1_500_000)
    source = unpacked(BytesSource(way(noise)[:-20_000]), Report("x"))

    assert source is not None
    assert source.peek(4 << 20).startswith(noise[:9000])
    source.skip(9000)
    for _ in range(2):
        with pytest.raises(Malformed):
            source.skip(4 << 20)


def test_bytes_after_a_deflated_stream_are_left() -> None:
    parent = BytesSource(zlib.compress(b"inside") + b"after")

    assert everything(Inflated(parent, 15, Report("x"))) == b"inside"
    assert parent.read(9) == b"after"


def test_a_few_bytes_that_stand_for_many_within_another() -> None:
    inner = zlib.compress(bytes(9 << 20))
    outer = Inflated(BytesSource(zlib.compress(inner)), 15, Report("x"))

    assert Inflated(Limited(outer, len(inner)), 15, Report("x")).drain() == 9 << 20


@EACH
def test_a_peek_at_the_start(way: Callable[[bytes], bytes]) -> None:
    assert peek_inside(way(b"hello" + NOISE)[:4096], 5) in (b"hello", b"")
    assert peek_inside(way(b"hello"), 5) == b"hello"


@pytest.mark.parametrize(
    "head", [b"", b"plain", b"\x1f\x8b\xff\xff", b"BZh9junk", b"\x78\x9c\xff\xff"]
)
def test_a_peek_at_what_is_not_packed(head: bytes) -> None:
    assert peek_inside(head, 5) == b""


def test_what_is_not_packed() -> None:
    assert unpacked(BytesSource(b"plain"), Report("x")) is None
