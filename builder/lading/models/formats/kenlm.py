r"""KenLM's language models of n-grams: a mark, numbers of a machine, a header, tables.

``binary_format.cc``, ``vocab.hh``, ``search_hashed.hh``, ``trie.hh`` and ``quantize.hh`` of
kpu/kenlm, format version 5, as machines with 64 bits and little-endian numbers write it. The header
has the order, the kind of search and how many n-grams there are: they say how long the tables are
that the words follow, each with a zero behind it. All of it is numbers.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["bit_arrays", "looks_like", "parse"]

FORMAT: Final = "kenlm"
_MARK: Final = re.compile(rb"mmap lm http://kheafield\.com/code format version (\d{1,3})\n\x00")
#: The numbers by which a reader sees that it is a machine of the same kind, behind the mark.
_SANITY: Final = struct.pack("<3f3IQ", 0.0, 1.0, -0.5, 1, 0xFFFF_FFFF, 0, 1)
#: Order, what a table of hashes has to each entry, kind of search, whether words follow.
_HEADER: Final = struct.Struct("<B3xfIB7x")
_PLACE: Final = 56  # of the numbers
_HASHED, _TRIE, _QUANTIZED = 0, 2, 3
_ORDERS: Final = 10
#: Fewer bytes than any tables have.
_SMALLEST: Final = 128


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a language model of KenLM."""
    return _MARK.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Read the header; what follows depends on the machine that wrote it."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "kenlm", "")
    report.fact(v.ARCHITECTURE, "NGram", "")
    found = _MARK.match(source.peek(64))
    version = found[1].decode() if found else ""
    report.fact(v.FORMAT_VERSION, version, "mark")
    source.skip(_PLACE)
    same = source.exactly(len(_SANITY)) == _SANITY
    order, ratio, kind, words = _HEADER.unpack(source.exactly(_HEADER.size))
    counts = struct.unpack(f"<{min(order, _ORDERS)}Q", source.exactly(8 * min(order, _ORDERS)))
    if not same or version != "5" or not 2 <= order <= _ORDERS:  # another machine's
        if len(source.read(_SMALLEST)) < _SMALLEST:
            raise Malformed("the data ends inside the header")
        return
    report.fact(v.VOCABULARY_SIZE, counts[0], "counts")
    source.skip(-source.offset % 8)
    if kind == _HASHED:
        source.skip(_hashed(counts, ratio))
    elif kind in (_TRIE, _QUANTIZED):
        source.skip(8 * (counts[0] + 1))  # hashes of words
        bits = (31, 32)
        if kind == _QUANTIZED:
            sizes = source.exactly(8)
            bits = (sizes[1], sizes[2])
            source.skip(_codebooks(order, *bits))
        source.skip(_trie(counts, *bits))
    if words:
        _words(source, counts[0])


def _words(source: Source, count: int) -> None:
    zeros, last = source.tally(b"\0")
    if zeros < count or last != b"\0":
        raise Malformed(f"{count} words are declared, and {zeros} follow")


def _hashed(counts: tuple[int, ...], ratio: float) -> int:
    """Return the bytes of the tables of hashes, for words and for each order but the first."""
    size = 8 + 12 * _buckets(counts[0], ratio) + 8 * (counts[0] + 1)
    size += sum(16 * _buckets(count, ratio) for count in counts[1:-1])
    return size + 12 * _buckets(counts[-1], ratio)


def _buckets(entries: int, ratio: float) -> int:
    """Return the places for so many entries: a product of two numbers of 32 bits."""
    product = _single(_single(entries) * ratio)
    return max(entries + 1, int(product))


def _single(number: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", number))[0]
    except OverflowError:
        raise Malformed("a table of hashes without an end") from None
    if rounded != rounded or rounded < 0:
        raise Malformed("a table of hashes of no size")
    return rounded


def _codebooks(order: int, chances: int, backoffs: int) -> int:
    if chances > 25 or backoffs > 25:
        raise Malformed("numbers are quantized to more bits than there are")
    return 4 * ((order - 2) * ((1 << chances) + (1 << backoffs)) + (1 << chances))


def _trie(counts: tuple[int, ...], chances: int, backoffs: int) -> int:
    """Return the bytes of the first order's table, and of the arrays of bits of the others."""
    return 16 * (counts[0] + 2) + bit_arrays(counts, chances, backoffs)


def bit_arrays(counts: Sequence[int], chances: int, backoffs: int) -> int:
    """Return the bytes of a trie's arrays: each order's but the first, as many bits an entry.

    ``chances`` and ``backoffs`` are the bits of their numbers; Sphinx' tries are the same.
    """
    size = 0
    for entries, behind in zip(counts[1:], [*counts[2:], None], strict=True):
        bits = counts[0].bit_length() + chances
        bits += 0 if behind is None else backoffs + behind.bit_length()
        size += (bits * (entries + 1) + 7) // 8 + 8
    return size
