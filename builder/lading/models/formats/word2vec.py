r"""Word vectors as word2vec writes them, in text or binary, and as GloVe does, in text.

A line ``WORDS DIMENSIONS``, then for each word the word, a space and its numbers: in text up to
the end of the line, in binary as 32-bit floats, with or without a line's end behind them
(``word2vec.c`` of tmikolov/word2vec; ``save_word2vec_format`` of gensim; fastText's ``.vec``).
GloVe leaves the first line out (stanfordnlp/GloVe), so it is believed only under a telling name.
Nothing here has a magic: the first words must have exactly as many numbers as they should.
Loading one fills a table: it is data.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["binary_like", "glove_like", "parse_binary", "parse_glove", "parse_text", "text_like"]

FORMAT: Final = "word2vec"
_HEADER: Final = re.compile(rb"([1-9]\d{0,9}) ([1-9]\d{0,4}) ?\r?\n")
_HEADER_BYTES: Final = 20
#: Vectors with fewer dimensions are graphs, points and matrices as often as words.
_FEWEST: Final = 8
_MOST: Final = 16_384
_NUMBER: Final = re.compile(rb"-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d{1,3})?\Z")
_WORD: Final = re.compile(rb"\n?([^\s\x00]{1,256}) ")
_NAMED: Final = re.compile(r"glove|word2?vec|w2v|embed|vectors?\b|\bvec\b", re.IGNORECASE)
_GLOVE_DIMENSIONS: Final = frozenset({25, 50, 100, 200, 300})
#: Words whose floats are looked at: what is large or no number is no vector.
_LARGEST: Final = 1e4
_LONGEST_WORD: Final = 1024
_LONGEST_LINE: Final = 1024 * 1024


def _sizes(head: bytes) -> tuple[int, int, int] | None:
    """Return words, dimensions, and where the words begin."""
    found = _HEADER.match(head)
    if found is None or not _FEWEST <= int(found[2]) <= _MOST:
        return None
    return int(found[1]), int(found[2]), found.end()


def text_like(head: bytes) -> bool:
    """Whether ``head`` starts vectors in text: a line of sizes, then lines of so many numbers."""
    sizes = _sizes(head)
    return sizes is not None and _rows_like(head[sizes[2] :], sizes[1], sizes[0])


def _rows_like(text: bytes, dimensions: int, words: int) -> bool:
    """Whether all lines at hand are a word and its numbers; some have a point, some a letter."""
    lines = text.split(b"\n")
    whole, rest = lines[:-1][:words], lines[-1]
    letters = points = False
    for line in whole or [rest]:
        fields = line.rstrip(b" \r").split(b" ")
        numbers = fields[1:] if whole else fields[1:-1]  # the head may cut the last one
        if len(fields) != dimensions + 1 if whole else len(numbers) < _FEWEST:
            return False
        if not fields[0] or not all(map(_NUMBER.match, numbers)):
            return False
        letters = letters or _NUMBER.match(fields[0]) is None
        points = points or b"." in line
    return letters and points


def binary_like(head: bytes) -> bool:
    """Whether ``head`` starts vectors in binary: words, each with its floats, none of them odd."""
    sizes = _sizes(head)
    if sizes is None:
        return False
    words, dimensions, at = sizes
    seen = 0
    while seen < words and (found := _WORD.match(head, at)):
        at = found.end()
        there = min(dimensions, (len(head) - at) // 4)
        floats = struct.unpack_from(f"<{there}f", head, at)
        if not all(abs(one) < _LARGEST for one in floats) or (there and not any(floats)):
            return False
        if there >= _FEWEST and head[at : at + 4 * there].isascii() and b"\x00" not in head:
            return False  # a text: floats have bytes that no text has
        at += 4 * dimensions
        seen += there >= _FEWEST
    return seen > 0 and (seen == words or at >= len(head) or _cut(head[at:]))


def _cut(rest: bytes) -> bool:
    """Whether a word begins that the head has only a part of."""
    return len(rest) <= _LONGEST_WORD and b" " not in rest and b"\x00" not in rest


def glove_like(head: bytes) -> bool:
    """Whether ``head`` starts vectors without a line of sizes, of a usual number of dimensions."""
    first = head.partition(b"\n")[0]
    dimensions = first.count(b" ")
    return dimensions in _GLOVE_DIMENSIONS and _rows_like(head, dimensions, len(head))


def _note(report: Report, words: int, dimensions: int) -> None:
    report.fact(v.VOCABULARY_SIZE, words, "first line")
    report.fact(v.PARAMETERS, words * dimensions, "first line")
    report.fact(v.DTYPE, "F32", "")
    report.fact(v.TENSOR_COUNT, 1, "")


def _start(source: Source, report: Report) -> tuple[int, int]:
    report.format = FORMAT
    report.fact(v.ARCHITECTURE, "WordVectors", "")
    report.fact(v.TASK, "feature-extraction", "")
    sizes = _sizes(source.peek(_HEADER_BYTES))
    if sizes is None:
        raise Malformed("the first line has no sizes")
    words, dimensions, at = sizes
    source.skip(at)
    _note(report, words, dimensions)
    return words, dimensions


def parse_binary(source: Source, report: Report) -> None:
    """Read the sizes, and step from word to word to the end."""
    words, dimensions = _start(source, report)
    width, piece, at = 4 * dimensions + 1, b"", 0
    for number in range(words):
        space = piece.find(b" ", at, at + _LONGEST_WORD)
        while space < 0 or space + width > len(piece):
            more = source.some()
            if not more or (space < 0 and len(piece) - at > _LONGEST_WORD):
                raise Malformed(f"word {number} of {words} has no {dimensions} floats")
            piece, at = piece[at:] + more, 0
            space = piece.find(b" ", 0, _LONGEST_WORD)
        at = space + width
    if piece[at:].strip() or source.read(1):
        raise Malformed(f"bytes follow the {words} words")


def parse_text(source: Source, report: Report) -> None:
    """Read the sizes, and count the lines."""
    words, dimensions = _start(source, report)
    lines, last = _lines(source)
    if lines != words or (last and len(last.split()) != dimensions + 1):
        raise Malformed(f"the first line declares {words} words, and {lines} follow")


def parse_glove(source: Source, report: Report) -> bool:
    """Count the lines; False when the file's name speaks of no vectors."""
    if not _NAMED.search(report.bare):
        return False
    report.format = "glove"
    report.fact(v.ARCHITECTURE, "WordVectors", "")
    report.fact(v.TASK, "feature-extraction", "")
    dimensions = source.peek(_MOST).partition(b"\n")[0].count(b" ")
    _note(report, _lines(source)[0], dimensions)
    return True


def _lines(source: Source) -> tuple[int, bytes]:
    """Return how many lines are left, and the last one if it lacks its end."""
    count, last = 0, b""
    while piece := source.some():
        count += piece.count(b"\n")
        last = (last if b"\n" not in piece else b"") + piece[piece.rfind(b"\n") + 1 :]
        if len(last) > _LONGEST_LINE:
            raise Malformed(f"a line is longer than {_LONGEST_LINE} bytes")
    return count + bool(last), last
