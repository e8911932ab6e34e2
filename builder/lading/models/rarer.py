"""First bytes of the formats that few images have: the second half of ``signatures``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.models.formats import (
    crfsuite,
    dlib,
    flax,
    ncnn,
    opencv,
    speech,
    svm,
    tesseract,
    word2vec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

    Choice = tuple[Callable[[bytes], bool], Reader]

__all__ = ["NO_MAGIC", "RARER", "RARER_XML"]

_DIGITS: Final = tuple(b"%d" % digit for digit in range(1, 10))

#: First four, two or one bytes → what the file may be.
RARER: Final[dict[bytes, tuple[Choice, ...]]] = {
    crfsuite.MAGIC: ((crfsuite.looks_like, crfsuite.parse),),
    **dict.fromkeys(tesseract.MAGICS, ((tesseract.looks_like, tesseract.parse),)),
    ncnn.BINARY: ((lambda head: len(head) > 12, ncnn.parse_binary),),
    b"7767": ((ncnn.looks_like, ncnn.parse),),
    speech.SENONES: ((speech.sphinx_like, speech.parse_sphinx),),
    **dict.fromkeys((b"s3\nv", b"BMDF", b"FDMB"), ((speech.sphinx_like, speech.parse_sphinx),)),
    b"Trie": ((speech.trie_like, speech.parse_sphinx_ngrams),),
    b"mmap": ((speech.kenlm_like, speech.parse_kenlm),),
    b"\\dat": ((speech.arpa_like, speech.parse_arpa),),
    **dict.fromkeys((b"svm_", b"solv"), ((svm.looks_like, svm.parse),)),
    b"%YAM": ((opencv.yaml_like, opencv.parse),),
    b"\x01\x01": ((dlib.looks_like, dlib.parse),),
    **dict.fromkeys(flax.STARTS, ((flax.looks_like, flax.parse),)),
    **dict.fromkeys(
        _DIGITS,
        (
            (word2vec.text_like, word2vec.parse_text),
            (word2vec.binary_like, word2vec.parse_binary),
        ),
    ),
}
#: XML that is none of the other formats'.
RARER_XML: Final = ((opencv.looks_like, opencv.parse),)
#: Suffix → what a file without any mark may be.
NO_MAGIC: Final[dict[str, tuple[Choice, ...]]] = dict.fromkeys(
    (".txt", ".vec"), ((word2vec.glove_like, word2vec.parse_glove),)
)
