"""Sources: bytes in order, in pieces of any size."""

from __future__ import annotations

import hashlib
import io
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.image.tar import TarReader
from lading.models.stream import (
    CHUNK,
    LARGEST_READ,
    BytesSource,
    HashedSource,
    Limited,
    Malformed,
    Source,
    Truncated,
)
from support.image_tars import END, pax
from support.image_tars import entry as in_tar
from support.models_streams import Stream


class Pieces(Source):
    """Gives one piece after another."""

    def __init__(self, *pieces: bytes) -> None:
        super().__init__()
        self._pieces = iter(pieces)

    def _fill(self) -> bytes:
        return next(self._pieces, b"")


class TestReading:
    def test_across_pieces(self) -> None:
        source = Pieces(b"ab", b"cd", b"e")

        assert source.peek(3) == b"abc"
        assert source.read(1) == b"a"
        assert source.exactly(3) == b"bcd"
        assert source.offset == 4
        assert source.read(9) == b"e"
        assert source.at_end()
        assert source.read(1) == source.some() == source.peek(1) == b""

    def test_beyond_the_end(self) -> None:
        with pytest.raises(Truncated, match="byte 3, inside a field of 4"):
            Pieces(b"ab", b"c").exactly(4)
        with pytest.raises(Truncated, match="2 bytes too early"):
            Pieces(b"ab", b"c").skip(5)
        with pytest.raises(Truncated, match="inside a line"):
            Pieces(b"ab", b"c").line(10)

    def test_nothing_is_allocated_because_a_header_says_so(self) -> None:
        with pytest.raises(Malformed, match="declares"):
            BytesSource(b"abc").exactly(LARGEST_READ + 1)

    def test_lines(self) -> None:
        source = Pieces(b"one\ntw", b"o\n\n", b"three", b"\n")

        assert [source.line(5) for _ in range(4)] == [b"one", b"two", b"", b"three"]
        with pytest.raises(Malformed, match="longer than 5"):
            Pieces(b"three", b"x\n").line(5)

    def test_bytes_before_those_that_cannot_be_had(self) -> None:
        source = Limited(Pieces(b"ab", b"c"), 9)

        assert source.peek(5) == b"abc"
        assert source.read(2) == b"ab"
        assert source.peek(5) == b"c"
        assert source.offset == 2
        with pytest.raises(Truncated):
            source.read(2)
        with pytest.raises(Truncated):
            Limited(Pieces(), 9).peek(1)

    def test_giving_back(self) -> None:
        source = Pieces(b"abcdef")
        assert source.some(4) == b"abcd"
        source.back(2)
        assert source.offset == 2
        assert source.drain() == 4

    @settings(deadline=None)
    @given(
        st.lists(st.binary(min_size=1, max_size=9), max_size=9),
        st.lists(st.tuples(st.sampled_from("prsd"), st.integers(0, 12)), max_size=20),
    )
    def test_any_steps_see_the_same_bytes(
        self, pieces: list[bytes], steps: list[tuple[str, int]]
    ) -> None:
        whole, source, at = b"".join(pieces), Pieces(*pieces), 0
        for step, size in steps:
            if step == "p":
                assert source.peek(size) == whole[at : at + size]
            elif step == "r":
                assert source.read(size) == whole[at : at + size]
                at = min(len(whole), at + size)
            elif step == "s":
                got = source.some(max(1, size))
                assert whole[at:].startswith(got)
                assert bool(got) == (at < len(whole))
                at += len(got)
            elif at + size <= len(whole):
                source.skip(size)
                at += size
            assert source.offset == at
        assert source.drain() == len(whole) - at


class TestLimited:
    def test_it_ends_where_it_should(self) -> None:
        parent = Pieces(b"abc", b"def")
        inner = Limited(parent, 4)

        assert inner.read(99) == b"abcd"
        assert parent.read(99) == b"ef"

    def test_a_parent_that_ends_before(self) -> None:
        with pytest.raises(Truncated, match="3 bytes too early"):
            Limited(Pieces(b"ab"), 5).drain()


class TestHashing:
    @pytest.mark.parametrize("size", [0, 1, CHUNK, CHUNK + 1, 9 * CHUNK + 5])
    def test_every_byte_is_hashed_however_it_is_read(self, size: int) -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        data = data[:size]
        source = HashedSource(Stream("x", data))
        source.read(3)
        source.peek(5)

        assert source.sha256() == hashlib.sha256(data).hexdigest()
        assert source.tail == data[-CHUNK:] or len(source.tail) >= min(CHUNK, size)
        assert data.endswith(source.tail)

    @pytest.mark.parametrize("size", [1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 7])
    @pytest.mark.parametrize("skipped", [0, 1, CHUNK - 3, 2 * CHUNK, 3 * CHUNK - 3])
    @pytest.mark.parametrize("sparse", [False, True])
    def test_what_is_passed_over_is_hashed_where_it_lies(
        self, size: int, skipped: int, sparse: bool
    ) -> None:
        data = random.Random(size).randbytes(size)
        tar = in_tar(b"f", data) + END
        if sparse:
            hole = size // 3
            data = bytes(hole) + data[hole:]
            told = b"%d,%d" % (hole, size - hole)
            tar = pax((b"GNU.sparse.size", b"%d" % size), (b"GNU.sparse.map", told))
            tar += in_tar(b"f", data[hole:]) + END
        for entry in TarReader(io.BytesIO(tar), where="x"):
            source = HashedSource(entry)
            assert source.read(3) == data[:3]
            if min(3, size) + skipped > size:
                with pytest.raises(Truncated, match="too early"):
                    source.skip(skipped)
            else:
                source.skip(skipped)
                assert source.offset == min(3, size) + skipped
                assert source.peek(5) == data[3 + skipped :][:5]

            assert source.sha256() == hashlib.sha256(data).hexdigest()
            assert source.offset == size
            assert source.tail[-CHUNK:] == data[-CHUNK:]


class TestSeek:
    MARK = re.compile(rb"PK(?:\x03\x04|\x01\x02)")

    @pytest.mark.parametrize("before", [0, 1, 2, 3, 6, 7, 8, 9, 20])
    @pytest.mark.parametrize("piece", [1, 2, 3, 4, 8])
    def test_a_mark_is_found_wherever_chunks_end(self, before: int, piece: int) -> None:
        data = (b"aPKbPK\x03xP" * 9)[:before] + b"PK\x01\x02rest"
        source = Pieces(*(data[at : at + piece] for at in range(0, len(data), piece)))
        assert source.seek(self.MARK, b"PK")
        assert source.offset == before
        assert source.read(99) == b"PK\x01\x02rest"

    @pytest.mark.parametrize("data", [b"", b"P", b"PK", b"PK\x03", b"nothing of it", b"PKPKPK"])
    def test_without_one_everything_is_consumed(self, data: bytes) -> None:
        for piece in (1, 3, 99):
            source = Pieces(*(data[at : at + piece] for at in range(0, len(data), piece)))
            assert not source.seek(self.MARK, b"PK")
            assert (source.offset, source.at_end()) == (len(data), True)
