"""First bytes of formats → what decides whether a file is of that format.

Each decision looks at the suffix, as a hint, and at the head; None means that it is not. Formats
without a magic of their own (protobufs, texts) are found by their first byte and then by what
their first fields must be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import rarer
from lading.models.formats import (
    archives,
    arrow,
    bundle,
    catboost,
    coreml,
    ctranslate2,
    fasttext,
    ggml,
    gguf,
    hdf5,
    lightgbm,
    mxnet,
    numpy,
    onnx,
    paddle,
    parquet,
    safetensors,
    tensorflow,
    tensorrt,
    tflite,
    tfrecord,
    xgboost,
    xmlmodels,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

    Decision = Callable[[str, bytes], Reader | None]

__all__ = ["BY_MAGIC", "behind"]


def _always(reader: Reader) -> Decision:
    """Return the decision of a format whose first four bytes are enough."""
    return lambda suffix, head: reader  # noqa: ARG005 - one shape for all


def _if(*choices: tuple[Callable[[bytes], bool], Reader]) -> Decision:
    """Return a decision: the reader of the first format that the head looks like."""

    def decide(suffix: str, head: bytes) -> Reader | None:  # noqa: ARG001 - one shape for all
        return next((reader for looks_like, reader in choices if looks_like(head)), None)

    return decide


def _starts(magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


#: What one of the formats in JSON begins with; most documents begin otherwise.
_DOCUMENT: Final = re.compile(
    rb'\{\s*"(?:learner|nodes|base_code|features_info|' + rarer.JSON_NAMES + rb')"|\{L\x00'
)


def _json(suffix: str, head: bytes) -> Reader | None:
    if not _DOCUMENT.match(head):
        return None
    return _IN_JSON(suffix, head) or rarer.JSON(suffix, head)


_IN_JSON: Final = _if(
    (xgboost.json_like, xgboost.parse_json),
    (xgboost.ubjson_like, xgboost.parse_ubjson),
    (mxnet.symbol_like, mxnet.parse_symbol),
    (paddle.pir_like, paddle.parse_pir),
    (catboost.json_like, catboost.parse_json_model),
)


def _xml(suffix: str, head: bytes) -> Reader | None:
    name = xmlmodels.reader_name(head)
    if name is None:
        return rarer.XML(suffix, head)
    return xmlmodels.parse_openvino if name == "openvino" else xmlmodels.parse_pmml


def _engine(head: bytes) -> bool:
    return head[4:8] == _ZEROS


_ZEROS: Final = bytes(4)
_RESERVED: Final = bytes(7)
_SECOND: Final = b"\x02\x00\x00\x00"


def behind(suffix: str, head: bytes) -> Reader | None:
    """Decide about formats that are known by what lies behind their first bytes."""
    second = head[4:8]
    if second == tflite.MAGIC:
        return tflite.parse
    if second in rarer.BEHIND:
        return rarer.BEHIND[second](suffix, head)
    if suffix in rarer.NO_MAGIC:
        return rarer.NO_MAGIC[suffix](suffix, head)
    if b"\x00" not in head[:16]:
        return None  # the others start with a number that is not large
    if second == _ZEROS and tfrecord.looks_like(head):
        return tfrecord.parse
    if second == _SECOND and coreml.weights_like(head):
        return coreml.parse_weights
    if head[8:9] == b"{" and safetensors.looks_like(head):
        return safetensors.parse
    if head[4:5] == b"{" and tensorrt.looks_prefixed(head, suffix):
        return tensorrt.parse
    if head[137:144] == _RESERVED and xgboost.binary_like(head):
        return xgboost.parse_binary
    return None


#: Protobufs whose field 1 is a text or a message.
_IN_FIELD_1: Final = _if(
    (paddle.program_like, paddle.parse_program),
    (tensorflow.graph_like, tensorflow.parse_graph),
    (tensorflow.meta_graph_like, tensorflow.parse_meta_graph),
)


def _field_1(suffix: str, head: bytes) -> Reader | None:
    found = (decide(suffix, head) for decide in (_IN_FIELD_1, *rarer.FIELD_1))
    return next((reader for reader in found if reader is not None), None)


#: First four, two or one bytes → the decision.
BY_MAGIC: Final[dict[bytes, Decision]] = {
    **rarer.RARER,
    gguf.MAGIC: _always(gguf.parse),
    numpy.MAGIC[:4]: _if((_starts(numpy.MAGIC), numpy.parse)),
    hdf5.MAGIC[:4]: _if((_starts(hdf5.MAGIC), hdf5.parse)),
    catboost.MAGIC: _always(catboost.parse),
    fasttext.MAGIC: _always(fasttext.parse),
    parquet.MAGIC: _always(parquet.parse),
    arrow.MAGIC[:4]: _if((_starts(arrow.MAGIC), arrow.parse)),
    arrow.FEATHER: _always(arrow.parse_feather),
    b"\xff\xff\xff\xff": _if((arrow.stream_like, arrow.parse)),
    archives.LLAMAFILE[:4]: _if((_starts(archives.LLAMAFILE), archives.parse)),
    xgboost.BINARY_MAGIC: _if((xgboost.binary_like, xgboost.parse_binary)),
    b"tree": _if((lightgbm.looks_like, lightgbm.parse)),
    **dict.fromkeys(tensorrt.MAGICS, _if((_engine, tensorrt.parse))),
    **dict.fromkeys(ggml.MAGICS, _always(ggml.parse)),
    **dict.fromkeys(ctranslate2.MAGICS, _if((ctranslate2.looks_like, ctranslate2.parse))),
    # Files that begin with zeros, or with a count.
    b"\x00\x00\x00\x00": _if((paddle.params_like, paddle.parse_params)),
    b"\x12\x01\x00\x00": _if((mxnet.params_like, mxnet.parse_params)),
    b"\x00\x00": _if((bundle.looks_like, bundle.parse)),
    # Protobufs.
    b"\x08\x01": _if((tensorflow.saved_model_like, tensorflow.parse_saved_model)),
    b"\x08": _if((coreml.looks_like, coreml.parse), (onnx.looks_like, onnx.parse)),
    b"\x0a": _field_1,
    # Texts.
    b"{": _json,
    b"<": _xml,
}
