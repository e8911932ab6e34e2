"""Speech recognition: CMU Sphinx, and language models of n-grams (ARPA, KenLM, Sphinx).

* Acoustic models of Sphinx: ``s3``, a version and ``endhdr`` before means, variances, mixtures and
  transitions (``s3file.c``): extents, their product, floats, a checksum; ``BMDF`` before the
  definition of the states (``bin_mdef.c``), and a description before ``sendump``
  (cmusphinx/pocketsphinx). One directory is one model.
* Language models: the text that ARPA's form begins with, Sphinx' (``ngram_model_trie.c``), and
  KenLM's (``kenlm``).

All of them are tables of numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.kenlm import bit_arrays
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = [
    "arpa_like", "parse_arpa", "parse_sphinx", "parse_sphinx_ngrams", "sphinx_like", "trie_like",
]  # fmt: skip

FORMAT: Final = "sphinx"
_S3: Final = re.compile(rb"s3\nversion (\d{1,3}\.\d{1,3})\n(?:[\w ]{1,64}\n){0,8}? *endhdr\n")
_ORDER: Final = b"\x44\x33\x22\x11"
_BIN_MDEF: Final = re.compile(rb"(?:BMDF|FDMB).{8}BEGIN FILE FORMAT DESCRIPTION\n", re.DOTALL)
#: The length of the first text of a ``sendump``.
_SENONES: Final = b"\x1e\x00\x00\x00"
_SENDUMP: Final = _SENONES + b"BEGIN FILE FORMAT DESCRIPTION\x00"
_TRIE: Final = b"Trie Language Model"
_ARPA: Final = re.compile(rb"\\data\\\r?\n(?:ngram +\d{1,2} *= *\d{1,12}\r?\n){1,12}")
_COUNT: Final = re.compile(rb"ngram +(\d{1,2}) *= *(\d{1,12})")


def sphinx_like(head: bytes) -> bool:
    """Whether ``head`` starts a part of an acoustic model."""
    return any(one.match(head) for one in (_S3, _BIN_MDEF)) or head.startswith(_SENDUMP)


def trie_like(head: bytes) -> bool:
    """Whether ``head`` starts a language model of Sphinx: its mark, then its order."""
    return head.startswith(_TRIE) and 1 <= (head[19:20] or b"\0")[0] <= 10


def arpa_like(head: bytes) -> bool:
    """Whether ``head`` starts the list of counts of ARPA's form."""
    return _ARPA.match(head) is not None


def parse_sphinx(source: Source, report: Report) -> None:
    """Note a part of an acoustic model."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "pocketsphinx", "")
    report.fact(v.TASK, "automatic-speech-recognition", "")
    head = source.peek(1024)
    found = _S3.match(head)
    if found:
        report.fact(v.FORMAT_VERSION, found[1].decode(), "version")
        _arrays(head, found.end(), source.total())


def _arrays(head: bytes, at: int, total: int) -> None:
    """Hold the file to the number of floats in it, the product of the extents before it."""
    order: Literal["little", "big"] = "little" if head[at : at + 4] == _ORDER else "big"
    words = [int.from_bytes(head[n : n + 4], order) for n in range(at + 4, len(head) - 3, 4)]
    if len(words) < 4:
        raise Malformed("it ends inside its extents")
    features = words[1]
    if words[0] * words[1] * words[2] == words[3]:
        behind = 3
    elif features < len(words) - 3:  # of means: the extents of each feature, too
        behind = 3 + features
    else:
        raise Malformed("its extents are of no known form")
    if total - (at + 4 + 4 * (behind + 1 + words[behind])) not in (0, 4):  # with a checksum
        raise Malformed("it does not have as many floats as it says")


def _ngrams(report: Report, library: str) -> None:
    report.fact(v.LIBRARY, library, "")
    report.fact(v.ARCHITECTURE, "NGram", "")


def parse_sphinx_ngrams(source: Source, report: Report) -> None:
    """Read the numbers of n-grams: 32 bits for each order; they say where the words begin."""
    report.format = "sphinx-lm"
    _ngrams(report, "pocketsphinx")
    source.exactly(len(_TRIE))
    order = source.exactly(1)[0]
    counts = [int.from_bytes(source.exactly(4), "little") for _ in range(order)]
    report.fact(v.VOCABULARY_SIZE, counts[0], "counts")
    source.skip(_trie(counts))
    source.skip(int.from_bytes(source.exactly(4), "little"))
    if not source.at_end():
        raise Malformed("bytes follow the words")


def _trie(counts: list[int]) -> int:
    """Return the bytes of tables and arrays of bits: ``lm_trie_read_bin``, ``lm_trie_quant.c``."""
    size = 12 * (counts[0] + 1)
    if len(counts) == 1:
        return size
    size += 4 + 4 * 65536 * (2 * (len(counts) - 2) + 1)  # quantized to 16 bits each
    return size + bit_arrays(counts, 16, 16)


def parse_arpa(source: Source, report: Report) -> None:
    """Read the counts, and look for the mark at the end."""
    report.format = "arpa"
    _ngrams(report, "")
    for found in _COUNT.finditer(source.peek(LIMITS.sniff_bytes)):
        if found[1] == b"1":
            report.fact(v.VOCABULARY_SIZE, int(found[2]), printable(found[0].decode()))
    last = b""
    while piece := source.some():
        last = (last + piece)[-256:]
    if b"\\end\\" not in last:
        raise Malformed("it ends before its mark of the end")
