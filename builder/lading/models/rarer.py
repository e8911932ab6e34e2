"""First bytes of the formats that few images have: the second half of ``signatures``.

A format's module is imported when a file first begins as that format does
(:mod:`lading.models.formats`). What begins many other files is looked at here before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import formats

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

    Choices = tuple[tuple[Callable[[bytes], bool], Reader], ...]
    Decision = Callable[[str, bytes], Reader | None]

__all__ = ["BEHIND", "FIELD_1", "JSON", "JSON_NAMES", "NO_MAGIC", "RARER", "XML"]


def _if(choices: Callable[[], Choices], guard: Callable[[bytes], object] | None = None) -> Decision:
    """Return a decision: the first of the ``choices``, asked for where ``guard`` is true."""

    def decide(suffix: str, head: bytes) -> Reader | None:  # noqa: ARG001 - one shape for all
        if guard is not None and not guard(head):
            return None
        return next((reader for looks_like, reader in choices() if looks_like(head)), None)

    return decide


def _named(head: bytes) -> bool:
    """Whether the first entry of a map has a name."""
    at = {0xDE: 3, 0xDF: 5}.get(head[0], 1)
    return head[at : at + 1] in _TEXTS


def _message_packs() -> Choices:
    return (
        (formats.thinc.looks_like, formats.thinc.parse),
        (formats.flax.looks_like, formats.flax.parse),
    )


def _wide(head: bytes) -> bool:
    """Whether the first line has as many columns as word vectors."""
    return head.partition(b"\n")[0].count(b" ") >= _FEWEST_COLUMNS


def _storage(head: bytes) -> bool:
    """Whether XML is OpenCV's, or begins with a comment that hides what it is."""
    return b"<opencv_storage>" in head or (b"<!--" in head and b"-->" not in head)


def _piece(head: bytes) -> bool:
    """Whether the first field is a message that begins with a text, as a piece does."""
    return head[2:3] == b"\x0a"


def _network(head: bytes) -> bool:
    """Whether a layer, or an input, follows a name that is not long."""
    return head[2 + head[1] : 3 + head[1]] in _NEXT if len(head) > 2 else False


_FEWEST_COLUMNS: Final = 25
_TEXTS: Final = frozenset(bytes([one]) for one in (*range(0xA0, 0xC0), 0xD9, 0xDA, 0xDB))
#: First bytes of a network's fields.
_NEXT: Final = frozenset(b"%c" % tag for tag in b"\xa2\x12\x1a\x20\x28\x32\x38\x42")
_SIZES: Final = re.compile(rb"\d{1,10} \d{1,5} ?\r?\n").match
_OBJECTS: Final = re.compile(rb'\[\s*\{\s*"').match
_ENGINES: Final = (
    b"porc", b"rhin", b"chee", b"leop", b"octo", b"cobr", b"koal", b"eagl", b"falc", b"orca",
    b"pico", b"RKNN", b"LITE",
)  # fmt: skip
_LANGUAGE: Final = (b"s3\nv", b"BMDF", b"FDMB", b"\x1e\x00\x00\x00", b"Trie", b"\\dat")
_MAPS: Final = tuple(bytes([one]) for one in (*range(0x81, 0x90), 0xDE, 0xDF))


def _caffe() -> Choices:
    return ((formats.caffe.looks_like, formats.caffe.parse),)


def _documents() -> Choices:
    mlmodelc, tfjs = formats.mlmodelc, formats.tfjs
    return (
        (tfjs.looks_like, tfjs.parse),
        (tfjs.manifest_like, tfjs.parse_manifest),
        (mlmodelc.network_like, mlmodelc.parse_network),
        (mlmodelc.metadata_like, mlmodelc.parse_metadata),
        (mlmodelc.program_like, mlmodelc.parse_program),
    )


def _edge() -> Choices:
    edge = formats.edge
    return (
        (edge.rknn_like, edge.parse_rknn),
        (edge.litertlm_like, edge.parse_litertlm),
        (edge.picovoice_like, edge.parse_picovoice),
    )


def _kaldi() -> Choices:
    kaldi = formats.kaldi
    return (
        (kaldi.looks_like, kaldi.parse),
        (kaldi.part_like, kaldi.parse_part),
        (kaldi.fst_like, kaldi.parse_part),
    )


def _ncnn() -> Choices:
    ncnn = formats.ncnn
    return (ncnn.looks_like, ncnn.parse), (ncnn.binary_like, ncnn.parse_binary)


def _opencv() -> Choices:
    opencv = formats.opencv
    return (opencv.looks_like, opencv.parse), (opencv.yaml_like, opencv.parse)


def _speech() -> Choices:
    speech = formats.speech
    return (
        (speech.sphinx_like, speech.parse_sphinx),
        (speech.trie_like, speech.parse_sphinx_ngrams),
        (speech.arpa_like, speech.parse_arpa),
    )


def _vectors() -> Choices:
    word2vec = formats.word2vec
    return (
        (word2vec.text_like, word2vec.parse_text),
        (word2vec.binary_like, word2vec.parse_binary),
    )


#: First four, two or one bytes → what decides.
RARER: Final[dict[bytes, Decision]] = {
    b"lCRF": _if(lambda: ((formats.crfsuite.looks_like, formats.crfsuite.parse),)),
    **dict.fromkeys(
        (count.to_bytes(4, "little") for count in range(9, 25)),
        _if(lambda: ((formats.tesseract.looks_like, formats.tesseract.parse),)),
    ),
    **dict.fromkeys((b"7767", (7_767_517).to_bytes(4, "little")), _if(_ncnn)),
    **dict.fromkeys(_LANGUAGE, _if(_speech)),
    **dict.fromkeys(
        (b"svm_", b"solv"), _if(lambda: ((formats.svm.looks_like, formats.svm.parse),))
    ),
    **dict.fromkeys(_ENGINES, _if(_edge)),
    **dict.fromkeys((b"\x00B", b"\xd6\xfd\xb2\x7e"), _if(_kaldi)),
    b"mmap": _if(lambda: ((formats.kenlm.looks_like, formats.kenlm.parse),)),
    b"\xac\xed\x00\x05": _if(lambda: ((formats.java.looks_like, formats.java.parse),)),
    b"#mdl": _if(lambda: ((formats.wapiti.looks_like, formats.wapiti.parse),)),
    b"[GLO": _if(lambda: ((formats.hts.looks_like, formats.hts.parse),)),
    b"prog": _if(_documents),
    b"7z\xbc\xaf": _if(lambda: ((formats.sevenzip.looks_like, formats.sevenzip.parse),)),
    b"[": _if(_documents, _OBJECTS),
    b"\xa2\x06": _if(_caffe),
    b"%YAM": _if(_opencv),
    b"\x01\x01": _if(lambda: ((formats.dlib.looks_like, formats.dlib.parse),)),
    **dict.fromkeys(_MAPS, _if(_message_packs, _named)),
    **dict.fromkeys((b"%d" % digit for digit in range(1, 10)), _if(_vectors, _SIZES)),
}
#: Protobufs that begin with their field 1, a text or message.
FIELD_1: Final = (
    _if(lambda: ((formats.sentencepiece.looks_like, formats.sentencepiece.parse),), _piece),
    _if(_caffe, _network),
)
#: Bytes five to eight.
BEHIND: Final[dict[bytes, Decision]] = {
    **dict.fromkeys(
        (b"ET10", b"ET11", b"ET12"),
        _if(lambda: ((formats.executorch.looks_like, formats.executorch.parse),)),
    ),
    b"ORTM": _if(lambda: ((formats.ort.looks_like, formats.ort.parse),)),
}
#: JSON that is none of the other formats', and what it begins with.
JSON_NAMES: Final = b"format|modelTopology|storage"
JSON: Final = _if(_documents)
#: XML that is none of the other formats'.
XML: Final = _if(_opencv, _storage)
#: Suffix → what decides about a file without any mark.
NO_MAGIC: Final[dict[str, Decision]] = {
    **dict.fromkeys(
        (".txt", ".vec"),
        _if(lambda: ((formats.word2vec.glove_like, formats.word2vec.parse_glove),), _wide),
    ),
    ".mnn": _if(lambda: ((formats.mnn.looks_like, formats.mnn.parse),)),
    ".prototxt": _if(lambda: ((formats.caffe.text_like, formats.caffe.parse_text),)),
    ".weights": _if(lambda: ((formats.edge.darknet_like, formats.edge.parse_darknet),)),
}
