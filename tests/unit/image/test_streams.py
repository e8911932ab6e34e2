"""Compressed and hashed streams: right, bounded, and refused when damaged."""

from __future__ import annotations

import gzip
import io
import os
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.errors import InputError, LimitError
from lading.image import streams
from lading.image.compression import Gunzip, Unzstd, decompressed, is_compressed
from lading.image.streams import CHUNK, Readable, check_expansion, drain, read_up_to
from lading.limits import Limits
from lading.zstd_frames import FrameWalker
from support.image_tars import Slow

BODY = b"".join(b"%d: some text that is not all the same\n" % at for at in range(20_000))
SKIPPABLE = b"\x57\x2a\x4d\x18\x05\x00\x00\x00hello"


def everything(source: Readable, step: int = 100_000) -> bytes:
    out = bytearray()
    view = memoryview(bytearray(step))
    while count := source.readinto(view):
        out += view[:count]
    return bytes(out)


def unpacked(content: bytes, step: int = 5000) -> bytes:
    return everything(decompressed(Slow(content, step), where="test"))


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(body)


@pytest.mark.parametrize(
    "content",
    [
        BODY,
        gzip.compress(BODY),
        gzip.compress(BODY[:1000]) + gzip.compress(BODY[1000:]),
        gzip.compress(BODY) + bytes(700),
        b"".join(gzip.compress(BODY[at : at + 9999]) for at in range(0, len(BODY), 9999)),
        zstd(BODY),
        zstd(BODY[:1000]) + SKIPPABLE + zstd(BODY[1000:]),
        SKIPPABLE + zstd(BODY) + SKIPPABLE,
    ],
)
@pytest.mark.parametrize("step", [7, 5000, 10 * CHUNK])
def test_every_way_to_store_a_layer(content: bytes, step: int) -> None:
    assert unpacked(content, step) == BODY


def test_small_things() -> None:
    assert unpacked(b"") == b""
    assert unpacked(b"\x1f\x8b") == b"\x1f\x8b"
    assert unpacked(gzip.compress(b"")) == b""
    assert unpacked(zstd(b"")) == b""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.integers(1, 4000))
def test_members_and_pieces_of_any_size(parts: list[bytes], step: int) -> None:
    assert unpacked(b"".join(map(gzip.compress, parts)), step) == b"".join(parts)
    assert unpacked(b"".join(map(zstd, parts)), step) == b"".join(parts)


def test_what_counts_as_compressed() -> None:
    assert is_compressed(gzip.compress(b"")[:4])
    assert is_compressed(zstd(b"")[:4])
    assert is_compressed(SKIPPABLE[:4])
    assert not is_compressed(b"")
    assert not is_compressed(b"\x00\x2a\x4d\x18")
    assert not is_compressed(b"usta")


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
@pytest.mark.parametrize("size", [5, 30, 1000, -9, -1])
def test_truncated_streams(pack: object, size: int) -> None:
    content = pack(BODY)[:size]  # type: ignore[operator]
    with pytest.raises(InputError, match=r"ends early|damaged"):
        unpacked(content)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_damaged_streams(pack: object) -> None:
    content = bytearray(pack(BODY))  # type: ignore[operator]
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(InputError, match="damaged"):
        unpacked(bytes(content))


def test_junk_after_gzip() -> None:
    with pytest.raises(InputError, match="damaged"):
        unpacked(gzip.compress(BODY) + b"junk")
    with pytest.raises(InputError, match=r"ends early|damaged"):
        unpacked(gzip.compress(BODY) + b"\x1f")


def test_windows_that_would_take_all_memory_are_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    content = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    huge = content.compress(b"x" * 1000) + content.flush()
    with pytest.raises(InputError, match="damaged"):
        unpacked(huge)


def _gzip_bomb(size: int) -> bytes:
    engine = zlib.compressobj(9, wbits=31)
    out = [engine.compress(bytes(CHUNK)) for _ in range(size // CHUNK)]
    return b"".join([*out, engine.flush()])


def test_bombs_are_stopped_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIMITS", Limits(decompression_ratio=500))
    bombs = [_gzip_bomb(100 * CHUNK), zstd(bytes(100 * CHUNK))]
    for bomb in bombs:
        tracemalloc.start()
        try:
            with pytest.raises(LimitError, match="out of all proportion"):
                drain(decompressed(io.BytesIO(bomb), where="bomb"))
            assert tracemalloc.get_traced_memory()[1] < 8 * CHUNK
        finally:
            tracemalloc.stop()


def test_a_real_zstd_bomb_passes_the_real_bound() -> None:
    with pytest.raises(LimitError, match="out of all proportion"):
        drain(decompressed(io.BytesIO(zstd(bytes(300 * CHUNK))), where="bomb"))


def test_what_may_expand_how_far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LIMITS", Limits(decompressed_layer=1 << 40))
    check_expansion(0, 64 * CHUNK, "x")
    check_expansion(1 << 30, 1 << 40, "x")
    with pytest.raises(LimitError, match="out of all proportion"):
        check_expansion(1, 64 * CHUNK + 1, "x")
    with pytest.raises(LimitError, match="too large"):
        check_expansion(1 << 40, (1 << 40) + 1, "x")


def test_read_up_to() -> None:
    source = Slow(b"0123456789", 3)
    assert read_up_to(source, 7) == b"0123456"
    assert read_up_to(source, 7) == b"789"
    assert read_up_to(source, 7) == b""


def test_decompressors_end_only_once() -> None:
    for engine in (
        Gunzip(io.BytesIO(gzip.compress(b"x")), where="t"),
        Unzstd(io.BytesIO(zstd(b"x")), where="t"),
    ):
        view = memoryview(bytearray(10))
        assert [engine.readinto(view) for _ in range(3)] == [1, 0, 0]


def _frames(body: bytes) -> list[bytes]:
    whole = []
    for options in (
        {},
        {"write_checksum": True},
        {"write_content_size": False},
        {"level": 19, "write_checksum": True},
    ):
        whole.append(zstandard.ZstdCompressor(**options).compress(body))  # type: ignore[arg-type]
        chunks = zstandard.ZstdCompressor(**options).chunker(chunk_size=100)  # type: ignore[arg-type]
        whole.append(b"".join([*chunks.compress(body), *chunks.flush(), *chunks.finish()]))
    return [*whole, SKIPPABLE]


@pytest.mark.parametrize("body", [b"", b"x", bytes(500_000), BODY[:3000], os.urandom(300_000)])
def test_frames_end_where_they_end(body: bytes) -> None:
    for frame in _frames(body):
        for step in (1, 13, len(frame)):
            walker = FrameWalker()
            for at in range(0, len(frame), step):
                assert walker.at_end_of_frame is (at == 0)
                walker.feed(frame[at : at + step])
            assert walker.at_end_of_frame


def test_frames_of_something_else_have_no_end() -> None:
    walker = FrameWalker()
    walker.feed(b"no frame")
    walker.feed(zstd(b"x"))
    assert not walker.at_end_of_frame
