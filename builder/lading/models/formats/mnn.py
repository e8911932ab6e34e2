"""MNN: one FlatBuffer without an identifier; ``schema/default/MNN.fbs`` of alibaba/MNN.

Believed only under its suffix, and only when the root has operators and names of tensors where
the schema has them. Large weights are in ``NAME.mnn.weight`` beside it. It is data.
"""

from __future__ import annotations

import posixpath
from itertools import islice
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.flatbuffer import Outside, Table, follow, root
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "mnn"
#: NetSource
_SOURCES: Final = ("caffe", "tensorflow", "tflite", "onnx", "torch")
_OPERATORS, _OUTPUTS, _SOURCE, _TENSORS = 3, 4, 6, 7
_NAMES: Final = 64


def looks_like(head: bytes) -> bool:
    """Whether the root's table begins within ``head``, as every writer has it."""
    at = int.from_bytes(head[:4], "little")
    return 8 <= at < len(head) and at % 2 == 0


def parse(source: Source, report: Report) -> bool:
    """Read what the model came from, its outputs, and that it has operators."""
    data = source.read(LIMITS.flatbuffer)
    whole = source.at_end()
    try:
        net = root(data)
        operators, names = len(net.vector(_OPERATORS)), len(net.vector(_TENSORS))
    except (Outside, Malformed):
        operators = names = 0
    if not 0 < operators < len(data) or not 0 < names < len(data):
        return False
    report.format = FORMAT
    report.fact(v.LIBRARY, "mnn", "")
    name = posixpath.basename(report.bare)
    report.fact(v.EXTERNAL_DATA, [f"{name}.weight"], "")
    follow(data, lambda net: _net(net, report), whole=whole)
    return True


def _net(net: Table, report: Report) -> None:
    kind = net.scalar(_SOURCE, "b")
    known = 0 <= kind < len(_SOURCES)
    report.declared(v.PRODUCER, f"converted from {_SOURCES[kind]}" if known else None, "sourceType")
    names = list(islice(net.vector(_OUTPUTS).texts(256), _NAMES))
    report.fact(v.OUTPUTS, [{"name": printable(one, 256)} for one in names], "outputName")
    for operator in net.vector(_OPERATORS).tables():
        operator.scalar(5, "i")  # each must lie in the file
