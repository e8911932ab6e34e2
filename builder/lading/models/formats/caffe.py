"""Caffe: ``.caffemodel``, a protobuf of layers with their weights, and ``.prototxt``, its program.

caffe.proto of BVLC/caffe, ``NetParameter``. A ``Python`` layer names a module and a class that
pycaffe imports; everything else is data.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Role, Verdict
from lading.models import vocabulary as v
from lading.models.formats.protobuf import BYTES, FIXED32, VARINT, Message, first_fields
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse", "parse_text", "text_like"]

FORMAT: Final = "caffe"
#: NetParameter: field → wire type, of those that come before the layers.
_BEFORE: Final = {1: BYTES, 3: BYTES, 4: VARINT, 5: VARINT, 6: BYTES, 7: VARINT, 8: BYTES}
_LAYER, _OLD_LAYER = 100, 2
_NAME: Final = re.compile(rb"[\x20-\x7e]{0,256}")
_TYPE: Final = re.compile(rb"[A-Z][A-Za-z0-9_]{1,63}")
#: V1LayerParameter: bottom, top, name, type; include and exclude rules.
_OLD_FIELDS: Final = {2: BYTES, 3: BYTES, 4: BYTES, 5: VARINT, 6: BYTES, 32: BYTES, 33: BYTES}
_LARGEST_TYPE: Final = 64
_TEXT: Final = re.compile(
    rb'(?:\s|#[^\n]{0,400}\n)*+(?:name\s*:\s*["\'][^"\'\n]{0,200}["\']\s*)?(?:\s|#[^\n]{0,400}\n)*+'
    rb'(?:layers?\s*\{\s*(?:name|type|bottom|top)\s*:|input\s*:\s*["\'][^"\'\n]{1,200}["\']\s*(?:input_|layer))'
)
_PYTHON: Final = re.compile(rb"\btype\s*:\s*[\"']Python[\"']|\bpython_param\s*\{")


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a network: perhaps a name, then a layer with a name and a type."""
    for field, wire, _, value in first_fields(head, 16) or ():
        if (field, wire) == (_LAYER, BYTES):
            return _layer_like(value)
        if (field, wire) == (_OLD_LAYER, BYTES):
            return _old_layer_like(value)
        if _BEFORE.get(field) != wire or (field == 1 and not _NAME.fullmatch(value)):
            return False
    return False


def _layer_like(value: bytes) -> bool:
    inner = first_fields(value, 2)
    return (
        inner is not None
        and [one[:2] for one in inner] == [(1, BYTES), (2, BYTES)]
        and _NAME.fullmatch(inner[0][3]) is not None
        and _TYPE.fullmatch(inner[1][3]) is not None
    )


def _old_layer_like(value: bytes) -> bool:
    inner = first_fields(value, 4) or []
    kinds = [number for field, wire, number, _ in inner if (field, wire) == (5, VARINT)]
    names = [text for field, wire, _, text in inner if wire == BYTES and field < 6]
    return (
        all(_OLD_FIELDS.get(field) == wire for field, wire, *_ in inner)
        and len(kinds) == 1
        and 0 < kinds[0] < _LARGEST_TYPE
        and bool(names)
        and all(_NAME.fullmatch(text) for text in names)
    )


def parse(source: Source, report: Report) -> None:
    """Walk the layers: types, and how many weights there are."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "caffe", "")
    stem = posixpath.splitext(posixpath.basename(report.bare))[0]
    report.fact(v.EXTERNAL_DATA, [f"{stem}.prototxt", "deploy.prototxt"], "")
    layers = elements = blobs = 0
    for field, wire in (message := Message(source)):
        if field == 1 and wire == BYTES:
            report.declared(v.NAME, printable(message.text(256)), "name")
        elif field in (_LAYER, _OLD_LAYER) and wire == BYTES:
            layers += 1
            for size in _layer(message.message(), report, old=field == _OLD_LAYER):
                elements += size
                blobs += 1
    if not layers:
        raise Malformed("the network has no layers")
    report.fact(v.TENSOR_COUNT, blobs, "blobs")
    if elements:
        report.fact(v.PARAMETERS, elements, "blobs")
        report.fact(v.DTYPE, "F32", "blobs")


def _layer(message: Message, report: Report, *, old: bool) -> list[int]:
    """Return how many numbers each blob of a layer has."""
    sizes: list[int] = []
    for field, wire in message:
        if wire != BYTES:
            continue
        if field == (6 if old else 7):
            sizes.append(_blob(message.message()))
        elif field == 2 and not old and message.text(64) == "Python":
            _warn(report)
    return sizes


def _blob(message: Message) -> int:
    """Return how many numbers a BlobProto holds: floats in a row or one by one, or doubles."""
    count = 0
    for field, wire in message:
        if field == 5:
            count += message.size // 4 if wire == BYTES else wire == FIXED32
        elif field == 8:
            count += message.size // 8 if wire == BYTES else 1
    return count


def text_like(head: bytes) -> bool:
    """Whether ``head`` starts a program in text."""
    return _TEXT.match(head) is not None


def parse_text(source: Source, report: Report) -> None:
    """Look for layers in Python; the program belongs to the weights that name it."""
    report.role = Role.OTHER
    report.fact(v.KIND, "prototxt", "")
    window = b""
    while piece := source.some():
        window += piece
        if _PYTHON.search(window):
            _warn(report)
        window = window[-256:]


def _warn(report: Report) -> None:
    text = "a layer of the type Python asks pycaffe to import a module by its name"
    report.find("caffe-python-layer", text, Level.WARNING, Verdict.SUSPICIOUS)
