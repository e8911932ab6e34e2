"""LZ4: what the reference library wrote, whatever sequences there can be, and what lies."""

from __future__ import annotations

import contextlib
import struct
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import support
from lading.limits import LIMITS
from lading.models.lz4 import frames as module
from lading.models.lz4.checksum import Xxh32
from lading.models.report import Report
from lading.models.stream import BytesSource, Malformed, Source, Truncated
from lading.models.unpack import peek_inside, unpacked
from support import lz4_frames as lz4
from support.models_lz4.content import CONTENTS, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(support.__path__[0]) / "models_lz4"
#: ``models_lz4/generate.py`` wrote them with the reference library and its program.
FILES = {path.name: path.read_bytes() for path in sorted(HERE.glob("*.lz4"))}
MIB = 1024 * 1024


class Dripping(Source):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__()
        self._pieces: Iterator[bytes] = (data[at : at + size] for at in range(0, len(data), size))

    def _fill(self) -> bytes:
        return next(self._pieces, b"")


def out_of(source: Source, report: Report | None = None) -> bytes:
    inner = unpacked(source, report or Report("x"))
    assert inner is not None
    return b"".join(iter(inner.some, b""))


def refused(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        out_of(BytesSource(data))


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_what_the_reference_library_wrote(name: str, size: int) -> None:
    assert out_of(Dripping(FILES[name], size)) == CONTENTS[name]


def test_every_file_of_the_library_is_tested() -> None:
    assert FILES.keys() == {*CONTENTS, "dictionary.lz4"}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_peek_at_what_the_reference_library_wrote(name: str) -> None:
    for cut in (len(FILES[name]), 4096, 300):
        inside = peek_inside(FILES[name][:cut], 200)
        assert inside == CONTENTS[name][: len(inside)]
        assert len(inside) == min(200, len(CONTENTS[name]))


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0x02CC5D05),
        (b"a", 0x550D7456),
        (b"abc", 0x32D153FF),
        (b"Nobody inspects the spammish repetition", 0xE2293B2F),
    ],
)
def test_the_checksum_of_what_others_published(data: bytes, checksum: int) -> None:
    assert Xxh32(data).value() == checksum


@given(pieces=st.lists(st.binary(max_size=70), max_size=8), many=st.integers(0, 9000))
def test_the_checksum_of_pieces_is_that_of_the_whole(pieces: list[bytes], many: int) -> None:
    pieces.append(b"\xfe\x00\xffnoise" * many)
    whole = Xxh32(b"".join(pieces))
    checksum = Xxh32()
    for piece in pieces:
        checksum.update(piece)
    assert checksum.value() == whole.value()


@st.composite
def blocks(draw: st.DrawFn) -> tuple[int, list[tuple[bytes, bytes | None]], bytes]:
    """Draw flags, blocks with what they are compressed to (None: stored), and their content."""
    flags = draw(st.sampled_from([0, lz4.INDEPENDENT])) | draw(
        st.sampled_from([0, lz4.BLOCK_SUMS, lz4.SIZED, lz4.SUM, lz4.SIZED | lz4.SUM])
    )
    found: list[tuple[bytes, bytes | None]] = []
    content = b""
    for _ in range(draw(st.integers(0, 4))):
        before = b"" if flags & lz4.INDEPENDENT else content[-65536:]
        if draw(st.booleans()):
            one = draw(st.binary(min_size=1, max_size=300))
            found.append((one, None))
        else:
            sequences, size = [], len(before)
            for _ in range(draw(st.integers(0, 5))):
                literals = draw(st.binary(min_size=0 if size else 1, max_size=40))
                literals *= draw(st.sampled_from([1, 1, 30]))
                size += len(literals)
                copied = draw(st.one_of(st.integers(4, 25), st.integers(4, 5000)))
                sequences.append((literals, draw(st.integers(1, min(size, 65535))), copied))
                size += copied
            last = draw(st.binary(max_size=40))
            one = lz4.content_of(sequences, last, before)
            found.append((one, lz4.packed_block(sequences, last)))
        content += one
    return flags, found, content


def written(flags: int, found: list[tuple[bytes, bytes | None]], content: bytes) -> bytes:
    written = (
        lz4.block(one if packed is None else packed, stored=packed is None, flags=flags)
        for one, packed in found
    )
    return lz4.frame(written, content, flags=flags)


@settings(deadline=None)
@given(drawn=st.lists(blocks(), min_size=1, max_size=3), size=st.integers(1, 5000))
def test_whatever_sequences_there_are(
    drawn: list[tuple[int, list[tuple[bytes, bytes | None]], bytes]], size: int
) -> None:
    data = lz4.SKIPPABLE.join(written(*one) for one in drawn)
    source = Dripping(data + b"rest", size)

    assert out_of(source) == b"".join(content for _, _, content in drawn)
    assert source.read(9) == b"rest"


@settings(deadline=None)
@given(drawn=blocks(), data=st.data())
def test_a_frame_that_is_cut_off_is_never_whole(
    drawn: tuple[int, list[tuple[bytes, bytes | None]], bytes], data: st.DataObject
) -> None:
    whole = written(*drawn)
    cut = data.draw(st.integers(4, len(whole) - 1))
    with pytest.raises(Truncated):
        out_of(BytesSource(whole[:cut]))


@settings(deadline=None)
@given(at=st.integers(4, len(FILES["sums.lz4"]) - 1), bit=st.integers(0, 7))
def test_a_bit_that_fell_over_is_told(at: int, bit: int) -> None:
    """Each byte of this frame is under a checksum, or is one."""
    data = bytearray(FILES["sums.lz4"])
    data[at] ^= 1 << bit
    with pytest.raises(Malformed):
        out_of(BytesSource(bytes(data)))


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", lz4.MAGIC + lz4.descriptor(0), lz4.LEGACY]))
def test_no_bytes_do_more_than_be_refused(junk: bytes, start: bytes) -> None:
    with contextlib.suppress(Malformed):
        out_of(BytesSource((start or lz4.MAGIC) + junk))
    peek_inside((start or lz4.MAGIC) + junk, 100)


def test_an_error_is_told_to_whoever_reads_on_behind_a_peek() -> None:
    data = lz4.frame([lz4.block(b"first", stored=True), lz4.block(b"\xf0")])
    inner = unpacked(BytesSource(data), Report("x"))
    assert inner is not None

    assert inner.peek(100) == b"first"
    assert inner.read(5) == b"first"
    for _ in range(2):
        with pytest.raises(Malformed, match="inside a sequence"):
            inner.read(1)


def test_a_size_of_zero_says_nothing() -> None:
    head = lz4.MAGIC + lz4.descriptor(lz4.SIZED)
    assert out_of(BytesSource(head + lz4.block(b"abc", stored=True) + bytes(4))) == b"abc"


@pytest.mark.parametrize("name", ["dictionary.lz4"])
def test_the_dictionary_is_elsewhere(name: str) -> None:
    refused(FILES[name], "before its beginning")
    refused(lz4.frame([], flags=lz4.DICTIONARY), "needs a dictionary")


COPY_OF_NOTHING = lz4.packed_block([(b"abcd", 5, 4)], b"")
COPY_FROM_HERE = lz4.packed_block([(b"abcd", 0, 4)], b"")
TOO_MUCH = lz4.packed_block([(b"a", 1, 70_000)], b"")
HEAD = lz4.MAGIC + lz4.descriptor(0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (lz4.frame([lz4.block(COPY_OF_NOTHING)]), "before its beginning"),
        (lz4.frame([lz4.block(COPY_FROM_HERE)]), "before its beginning"),
        (lz4.frame([lz4.block(b"abcd" * 9, stored=True), lz4.block(COPY_OF_NOTHING)]), "before"),
        (lz4.frame([lz4.block(TOO_MUCH)]), "more than it may"),
        (lz4.frame([lz4.block(lz4.packed_block([(b"a", 1, 65_535)], b"b"))]), "more than it may"),
        (lz4.frame([lz4.block(b"\x50abcd")]), "less than it says"),
        (lz4.frame([lz4.block(b"\xf0\xff\xff")]), "inside a sequence"),
        (lz4.frame([lz4.block(b"\x10a\x01")]), "inside a sequence"),
        (lz4.frame([lz4.block(b"\x1fa\x01\x00")]), "inside a sequence"),
        (lz4.frame([lz4.block(b"\x10a\x01\x00")]), "inside a sequence"),
        (HEAD + struct.pack("<I", 65_537), "declares 65537 bytes"),
        (HEAD + struct.pack("<I", 1 << 31 | 65_537), "declares 65537 bytes"),
        (lz4.MAGIC + lz4.descriptor(lz4.SIZED, declared=4) + lz4.block(b"abc", stored=True)
         + bytes(4), "declares 4 bytes, and has 3"),
        (lz4.MAGIC + b"\x40\x40\x00", "its checksum"),
        (lz4.MAGIC + b"\x80\x40\x00", "no known version"),
        (lz4.MAGIC + b"\x42\x40\x00", "no known version"),
        (lz4.MAGIC + b"\x40\x30\x00", "no known version"),
        (lz4.MAGIC + b"\x40\xc0\x00", "no known version"),
        (lz4.MAGIC + b"\x40\x41\x00", "no known version"),
        (lz4.LEGACY + struct.pack("<I", 9_000_000), "declares 9000000 bytes"),
        (lz4.LEGACY + b"\x10", "ends at byte"),
        (lz4.SKIPPABLE[:-1], "too early"),
        (lz4.stored(b"abc") + lz4.SKIPPABLE[:-1], "too early"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_refused(data: bytes, why: str) -> None:
    refused(data, why)


def test_blocks_on_their_own_see_nothing_of_those_before() -> None:
    copy = lz4.block(lz4.packed_block([(b"", 4, 8)], b""))
    first = lz4.block(b"abcd", stored=True)

    assert out_of(BytesSource(lz4.frame([first, copy], flags=0))) == b"abcd" * 3
    refused(lz4.frame([first, copy], flags=lz4.INDEPENDENT), "before its beginning")


def test_legacy_frames_end_where_another_begins() -> None:
    block = lz4.packed_block([(b"ab", 2, 6)], b"!")
    legacy = lz4.LEGACY + struct.pack("<I", len(block)) + block

    data = legacy + legacy + lz4.SKIPPABLE + lz4.stored(b"end") + legacy
    assert out_of(BytesSource(data)) == b"abababab!" * 2 + b"end" + b"abababab!"


def test_frames_to_be_passed_over_come_first() -> None:
    assert out_of(BytesSource(lz4.SKIPPABLE * 3 + FILES["linked.lz4"])) == TEXT
    assert peek_inside(lz4.SKIPPABLE * 3 + FILES["linked.lz4"], 9) == TEXT[:9]
    assert peek_inside(lz4.SKIPPABLE * 3, 9) == b""
    for data in (lz4.SKIPPABLE, lz4.SKIPPABLE * 17 + FILES["linked.lz4"]):
        assert unpacked(BytesSource(data), Report("x")) is None


def test_it_stops_at_the_reports_bound() -> None:
    report = Report("x")
    report.inflatable = MIB
    bomb = lz4.packed_block([(b"a", 1, 65_500)], b"")
    data = lz4.frame([lz4.block(bomb)] * 100)

    assert len(data) < 30_000
    with pytest.raises(Malformed, match="past every bound"):
        out_of(BytesSource(data), report)


@pytest.mark.parametrize(
    "data",
    [
        lz4.frame([lz4.block(lz4.packed_block([(b"a", 1, 4)] + [(b"", 1, 4)] * 5000, b""))]),
        lz4.frame([lz4.block(b"a", stored=True)] * 5000),
        lz4.stored(b"") * 5000,
        lz4.stored(b"") + lz4.SKIPPABLE * 5000,
        lz4.frame([lz4.block(bytes(60_000), stored=True)] * 4, bytes(240_000), flags=lz4.SUM),
        lz4.frame([lz4.block(bytes(60_000), stored=True, flags=lz4.BLOCK_SUMS)] * 4,
                  flags=lz4.BLOCK_SUMS),
    ],
    ids=["sequences", "blocks", "frames", "skipped", "checksum", "checksums"],
)  # fmt: skip
def test_it_takes_no_more_steps_than_it_may(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    out_of(BytesSource(data))
    monkeypatch.setattr(module, "LIMITS", LIMITS.__class__(lz4_steps=4000))
    refused(data, "more steps")


def test_neither_memory_nor_time_grow_with_what_it_stands_for() -> None:
    """Blocks of 4 MiB that stand for as much as LZ4 can say, behind a length that does not end."""
    block = lz4.packed_block([(b"a", 1, 4 * MIB - 10)], b"")
    head = lz4.MAGIC + lz4.descriptor(0, largest=7)
    data = head + lz4.block(block) * 8 + lz4.block(b"\x1fa\x01\x00" + b"\xff" * MIB)
    report = Report("x", len(data))
    inner = unpacked(BytesSource(data), report)
    assert inner is not None
    tracemalloc.start()
    started = time.monotonic()
    with pytest.raises(Malformed, match="inside a sequence"):
        inner.drain()
    assert time.monotonic() - started < 20
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert inner.offset == 8 * (4 * MIB - 9)
    assert peak < 24 * MIB
