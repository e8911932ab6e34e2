"""First bytes of the formats that few images have: the second half of ``signatures``.

A format's module is imported when a file first begins as that format does: most images have none
of these files, and a module costs as much as deciding about fifty files. What begins many other
files is looked at here before.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

    Choices = tuple[tuple[Callable[[bytes], bool], Reader], ...]
    Load = Callable[[], Choices]
    Guard = Callable[[bytes], object]

__all__ = ["BEHIND", "FIELD_1", "JSON", "JSON_NAMES", "NO_MAGIC", "RARER", "XML"]


@cache
def _caffe() -> Choices:
    from lading.models.formats import caffe

    return ((caffe.looks_like, caffe.parse),)


@cache
def _prototxt() -> Choices:
    from lading.models.formats import caffe

    return ((caffe.text_like, caffe.parse_text),)


@cache
def _crfsuite() -> Choices:
    from lading.models.formats import crfsuite

    return ((crfsuite.looks_like, crfsuite.parse),)


@cache
def _dlib() -> Choices:
    from lading.models.formats import dlib

    return ((dlib.looks_like, dlib.parse),)


@cache
def _edge() -> Choices:
    from lading.models.formats import edge

    return (
        (edge.rknn_like, edge.parse_rknn),
        (edge.litertlm_like, edge.parse_litertlm),
        (edge.picovoice_like, edge.parse_picovoice),
    )


@cache
def _darknet() -> Choices:
    from lading.models.formats import edge

    return ((edge.darknet_like, edge.parse_darknet),)


@cache
def _executorch() -> Choices:
    from lading.models.formats import executorch

    return ((executorch.looks_like, executorch.parse),)


@cache
def _flax() -> Choices:
    from lading.models.formats import flax

    return ((flax.looks_like, flax.parse),)


@cache
def _kaldi() -> Choices:
    from lading.models.formats import kaldi

    return (
        (kaldi.looks_like, kaldi.parse),
        (kaldi.part_like, kaldi.parse_part),
        (kaldi.fst_like, kaldi.parse_part),
    )


@cache
def _mnn() -> Choices:
    from lading.models.formats import mnn

    return ((mnn.looks_like, mnn.parse),)


@cache
def _ncnn() -> Choices:
    from lading.models.formats import ncnn

    return ((ncnn.looks_like, ncnn.parse), (ncnn.binary_like, ncnn.parse_binary))


@cache
def _opencv() -> Choices:
    from lading.models.formats import opencv

    return ((opencv.looks_like, opencv.parse), (opencv.yaml_like, opencv.parse))


@cache
def _sentencepiece() -> Choices:
    from lading.models.formats import sentencepiece

    return ((sentencepiece.looks_like, sentencepiece.parse),)


@cache
def _speech() -> Choices:
    from lading.models.formats import speech

    return (
        (speech.sphinx_like, speech.parse_sphinx),
        (speech.trie_like, speech.parse_sphinx_ngrams),
        (speech.kenlm_like, speech.parse_kenlm),
        (speech.arpa_like, speech.parse_arpa),
    )


@cache
def _svm() -> Choices:
    from lading.models.formats import svm

    return ((svm.looks_like, svm.parse),)


@cache
def _tesseract() -> Choices:
    from lading.models.formats import tesseract

    return ((tesseract.looks_like, tesseract.parse),)


@cache
def _documents() -> Choices:
    from lading.models.formats import mlmodelc, tfjs

    return (
        (tfjs.looks_like, tfjs.parse),
        (tfjs.manifest_like, tfjs.parse_manifest),
        (mlmodelc.network_like, mlmodelc.parse_network),
        (mlmodelc.metadata_like, mlmodelc.parse_metadata),
        (mlmodelc.program_like, mlmodelc.parse_program),
    )


@cache
def _vectors() -> Choices:
    from lading.models.formats import word2vec

    return (
        (word2vec.text_like, word2vec.parse_text),
        (word2vec.binary_like, word2vec.parse_binary),
    )


@cache
def _glove() -> Choices:
    from lading.models.formats import word2vec

    return ((word2vec.glove_like, word2vec.parse_glove),)


def _named(head: bytes) -> bool:
    """Whether the first entry of a map has a name."""
    at = {0xDE: 3, 0xDF: 5}.get(head[0], 1)
    return head[at : at + 1] in _TEXTS


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
_TEXTS: Final = frozenset(bytes([one]) for one in (*range(0xA0, 0xC0), 0xD9, 0xDA))
#: First bytes of a network's fields.
_NEXT: Final = frozenset(b"%c" % tag for tag in b"\xa2\x12\x1a\x20\x28\x32\x38\x42")
_SIZES: Final = re.compile(rb"\d{1,10} \d{1,5} ?\r?\n").match
_OBJECTS: Final = re.compile(rb'\[\s*\{\s*"').match
_ENGINES: Final = (
    b"porc", b"rhin", b"chee", b"leop", b"octo", b"cobr", b"koal", b"eagl", b"falc", b"orca",
    b"pico", b"RKNN", b"LITE",
)  # fmt: skip
_LANGUAGE: Final = (b"s3\nv", b"BMDF", b"FDMB", b"\x1e\x00\x00\x00", b"Trie", b"mmap", b"\\dat")
_MAPS: Final = tuple(bytes([one]) for one in (*range(0x81, 0x90), 0xDE, 0xDF))

#: First four, two or one bytes → what the file may be, and what must be true of it before.
RARER: Final[dict[bytes, tuple[Load, Guard | None]]] = {
    b"lCRF": (_crfsuite, None),
    **{count.to_bytes(4, "little"): (_tesseract, None) for count in range(9, 25)},
    **dict.fromkeys((b"7767", (7_767_517).to_bytes(4, "little")), (_ncnn, None)),
    **dict.fromkeys(_LANGUAGE, (_speech, None)),
    **dict.fromkeys((b"svm_", b"solv"), (_svm, None)),
    **dict.fromkeys(_ENGINES, (_edge, None)),
    **dict.fromkeys((b"\x00B", b"\xd6\xfd\xb2\x7e"), (_kaldi, None)),
    b"prog": (_documents, None),
    b"[": (_documents, _OBJECTS),
    b"\xa2\x06": (_caffe, None),
    b"%YAM": (_opencv, None),
    b"\x01\x01": (_dlib, None),
    **dict.fromkeys(_MAPS, (_flax, _named)),
    **dict.fromkeys((b"%d" % digit for digit in range(1, 10)), (_vectors, _SIZES)),
}
#: Protobufs that begin with their field 1, a text or message.
FIELD_1: Final[tuple[tuple[Load, Guard | None], ...]] = (
    (_sentencepiece, _piece),
    (_caffe, _network),
)
#: Bytes five to eight.
BEHIND: Final[dict[bytes, tuple[Load, Guard | None]]] = dict.fromkeys(
    (b"ET10", b"ET11", b"ET12"), (_executorch, None)
)
#: JSON that is none of the other formats', and what it begins with.
JSON_NAMES: Final = b"format|modelTopology|storage"
JSON: Final[tuple[Load, Guard | None]] = (_documents, None)
#: XML that is none of the other formats'.
XML: Final[tuple[Load, Guard | None]] = (_opencv, _storage)
#: Suffix → what a file without any mark may be.
NO_MAGIC: Final[dict[str, tuple[Load, Guard | None]]] = {
    **dict.fromkeys((".txt", ".vec"), (_glove, _wide)),
    ".mnn": (_mnn, None),
    ".prototxt": (_prototxt, None),
    ".weights": (_darknet, None),
}
