"""Speech recognition: CMU Sphinx, and language models of n-grams (ARPA, KenLM, Sphinx).

* Acoustic models of Sphinx: ``s3``, a version and ``endhdr`` before means, variances, mixtures and
  transitions (``s3file.c``); ``BMDF`` before the definition of the states (``bin_mdef.c``), and a
  description before ``sendump`` (cmusphinx/pocketsphinx). One directory is one model.
* Language models: the text that ARPA's form begins with, KenLM's (kpu/kenlm, ``binary_format.cc``)
  and Sphinx' (``ngram_model_trie.c``).

All of them are tables of numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["arpa_like", "kenlm_like", "parse_arpa", "parse_kenlm", "parse_sphinx",
           "parse_sphinx_ngrams", "sphinx_like", "trie_like"]  # fmt: skip

FORMAT: Final = "sphinx"
_S3: Final = re.compile(rb"s3\nversion (\d{1,3}\.\d{1,3})\n(?:[\w ]{1,64}\n){0,8}? *endhdr\n")
_BIN_MDEF: Final = re.compile(rb"(?:BMDF|FDMB).{8}BEGIN FILE FORMAT DESCRIPTION\n", re.DOTALL)
#: The length of the first text of a ``sendump``.
_SENONES: Final = b"\x1e\x00\x00\x00"
_SENDUMP: Final = _SENONES + b"BEGIN FILE FORMAT DESCRIPTION\x00"
_TRIE: Final = b"Trie Language Model"
_KENLM: Final = re.compile(rb"mmap lm http://kheafield\.com/code format version (\d{1,3})\n\x00")
_ARPA: Final = re.compile(rb"\\data\\\r?\n(?:ngram +\d{1,2} *= *\d{1,12}\r?\n){1,12}")
_COUNT: Final = re.compile(rb"ngram +(\d{1,2}) *= *(\d{1,12})")


def sphinx_like(head: bytes) -> bool:
    """Whether ``head`` starts a part of an acoustic model."""
    return any(one.match(head) for one in (_S3, _BIN_MDEF)) or head.startswith(_SENDUMP)


def trie_like(head: bytes) -> bool:
    """Whether ``head`` starts a language model of Sphinx: its mark, then its order."""
    return head.startswith(_TRIE) and 1 <= (head[19:20] or b"\0")[0] <= 10


def kenlm_like(head: bytes) -> bool:
    """Whether ``head`` starts a language model of KenLM."""
    return _KENLM.match(head) is not None


def arpa_like(head: bytes) -> bool:
    """Whether ``head`` starts the list of counts of ARPA's form."""
    return _ARPA.match(head) is not None


def parse_sphinx(source: Source, report: Report) -> None:
    """Note a part of an acoustic model."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "pocketsphinx", "")
    report.fact(v.TASK, "automatic-speech-recognition", "")
    found = _S3.match(source.peek(512))
    if found:
        report.fact(v.FORMAT_VERSION, found[1].decode(), "version")


def _ngrams(report: Report, library: str) -> None:
    report.fact(v.LIBRARY, library, "")
    report.fact(v.ARCHITECTURE, "NGram", "")


def parse_sphinx_ngrams(source: Source, report: Report) -> None:
    """Read the numbers of n-grams: 32 bits for each order."""
    report.format = "sphinx-lm"
    _ngrams(report, "pocketsphinx")
    source.exactly(len(_TRIE))
    order = source.exactly(1)[0]
    counts = [int.from_bytes(source.exactly(4), "little") for _ in range(order)]
    if sum(counts) > source.total() * 8:
        raise Malformed(f"{sum(counts)} n-grams are declared")
    report.fact(v.VOCABULARY_SIZE, counts[0], "counts")


def parse_kenlm(source: Source, report: Report) -> None:
    """Note the version; what follows depends on the machine that wrote it."""
    report.format = "kenlm"
    _ngrams(report, "kenlm")
    found = _KENLM.match(source.peek(128))
    report.fact(v.FORMAT_VERSION, found[1].decode() if found else None, "mark")
    if len(source.read(256)) < 256:
        raise Malformed("the data ends inside the header")


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
