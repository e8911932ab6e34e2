"""Parsers, one file per format: header bytes in, facts and findings out.

Each has ``parse(source, report)``, which reads as much of ``source`` as it needs, in order, notes
what it learns, and raises :class:`lading.models.stream.Malformed` when the bytes are not what the
format demands. Nothing is executed, unpickled, or allocated because a header says so.

The modules named here are those of formats that few images have: each is imported when it is
first asked for, because a module costs as much as deciding about fifty files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from lading.models.formats import (
        caffe,
        crfsuite,
        dlib,
        edge,
        executorch,
        flax,
        foreign,
        hts,
        java,
        kaldi,
        kenlm,
        mlmodelc,
        mnn,
        ncnn,
        opencv,
        ort,
        sentencepiece,
        sevenzip,
        speech,
        svm,
        tesseract,
        tfjs,
        thinc,
        wapiti,
        word2vec,
    )

__all__ = [
    "caffe", "crfsuite", "dlib", "edge", "executorch", "flax", "foreign", "hts", "java", "kaldi",
    "kenlm", "mlmodelc", "mnn", "ncnn", "opencv", "ort", "sentencepiece", "sevenzip", "speech",
    "svm", "tesseract", "tfjs", "thinc", "wapiti", "word2vec",
]  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
