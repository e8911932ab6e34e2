"""First bytes of the formats that few images have: the second half of ``signatures``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.models.formats import (
    caffe,
    crfsuite,
    dlib,
    edge,
    executorch,
    flax,
    kaldi,
    mlmodelc,
    ncnn,
    opencv,
    sentencepiece,
    speech,
    svm,
    tesseract,
    tfjs,
    word2vec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

    Choice = tuple[Callable[[bytes], bool], Reader]

__all__ = ["BEHIND", "JSON_NAMES", "NO_MAGIC", "RARER", "RARER_FIELD", "RARER_JSON", "RARER_XML"]

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
    edge.RKNN: ((edge.rknn_like, edge.parse_rknn),),
    edge.LITERTLM[:4]: ((edge.litertlm_like, edge.parse_litertlm),),
    **dict.fromkeys(edge.PICOVOICE, ((edge.picovoice_like, edge.parse_picovoice),)),
    kaldi.FST: ((kaldi.fst_like, kaldi.parse_part),),
    kaldi.MAGIC: ((kaldi.looks_like, kaldi.parse), (kaldi.part_like, kaldi.parse_part)),
    b"prog": ((mlmodelc.program_like, mlmodelc.parse_program),),
    b"[": (
        (tfjs.manifest_like, tfjs.parse_manifest),
        (mlmodelc.metadata_like, mlmodelc.parse_metadata),
    ),
    b"\xa2\x06": ((caffe.looks_like, caffe.parse),),
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
#: Protobufs that begin with their field 1, a text or message.
RARER_FIELD: Final[tuple[Choice, ...]] = (
    (sentencepiece.looks_like, sentencepiece.parse),
    (caffe.looks_like, caffe.parse),
)
#: What lies behind the first four bytes.
BEHIND: Final[dict[bytes, Reader]] = dict.fromkeys(executorch.MAGICS, executorch.parse)
#: JSON that is none of the other formats', and what it begins with.
JSON_NAMES: Final = b"format|modelTopology|storage"
RARER_JSON: Final[tuple[Choice, ...]] = (
    (tfjs.looks_like, tfjs.parse),
    (mlmodelc.network_like, mlmodelc.parse_network),
)
#: XML that is none of the other formats'.
RARER_XML: Final = ((opencv.looks_like, opencv.parse),)
#: Suffix → what a file without any mark may be.
NO_MAGIC: Final[dict[str, tuple[Choice, ...]]] = {
    **dict.fromkeys((".txt", ".vec"), ((word2vec.glove_like, word2vec.parse_glove),)),
    ".prototxt": ((caffe.text_like, caffe.parse_text),),
    ".weights": ((edge.darknet_like, edge.parse_darknet),),
}
