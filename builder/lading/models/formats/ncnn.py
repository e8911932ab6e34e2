"""ncnn: a program of layers, in text or binary, with the weights in a ``.bin`` beside it.

``Net::load_param`` of Tencent/ncnn: 7767517, the numbers of layers and blobs, then of each layer
its type, its name, how many blobs go in and out, their names, and ``key=value`` parameters.
The weights have no header at all. Layers are those that the library was built with: data.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["binary_like", "looks_like", "parse", "parse_binary"]

FORMAT: Final = "ncnn"
_BINARY: Final = (7_767_517).to_bytes(4, "little")
_HEAD: Final = re.compile(rb"7767517 *\r?\n *(\d{1,7}) +(\d{1,7}) *\r?\n")
_LAYER: Final = re.compile(r"(\w{1,64}) +(\S{1,256}) +(\d{1,5}) +(\d{1,5})(?: |\Z)")
#: Layers with weights → the parameters that hold: outputs, whether there is a bias, weights.
_WEIGHTED: Final = {
    **dict.fromkeys(
        ("Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise",
         "Convolution1D", "Convolution3D", "DeformableConv2D"), (0, 5, 6),
    ),
    "InnerProduct": (0, 1, 2),
    "PReLU": (0, None, None),
}  # fmt: skip
#: Further layers that have weights, and are not counted: then nothing is.
_UNCOUNTED: Final = re.compile(
    r"BatchNorm|Scale|Bias|Embed|Normalize|LSTM|GRU|RNN|MemoryData|\w*Norm|MultiHeadAttention|Gemm"
)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` has both lines, and behind them a layer."""
    found = _HEAD.match(head)
    if found is None:
        return False
    line = head[found.end() : found.end() + 512].partition(b"\n")[0]
    return _LAYER.match(line.decode("utf-8", "replace")) is not None


def _start(report: Report) -> None:
    report.format = FORMAT
    report.fact(v.LIBRARY, "ncnn", "")
    name = posixpath.basename(report.bare)
    plain = re.sub(r"\.param(?:\.bin)?\Z", "", name)
    report.fact(v.EXTERNAL_DATA, [f"{plain}.bin"], "")


def parse(source: Source, report: Report) -> None:
    """Read every layer: inputs, and how many weights those with weights have."""
    _start(report)
    source.line(64)
    count = int(source.line(64).split()[0])
    inputs: list[str] = []
    elements, counted = 0, True
    for number in range(min(count, LIMITS.gguf_tensors)):
        line = source.line(LIMITS.text_line).decode("utf-8", "replace").strip()
        found = _LAYER.match(line)
        if found is None:
            raise Malformed(f"layer {number} of {count} is none: {printable(line, 80)}")
        if found[1] == "Input" and len(inputs) < LIMITS.fact_items:
            inputs.append(printable(found[2]))
        elements += _weights(found[1], line)
        counted = counted and _UNCOUNTED.fullmatch(found[1]) is None
    report.fact(v.INPUTS, inputs, "layers")
    if counted and elements:
        report.fact(v.PARAMETERS, elements, "layers: weights")


def _weights(kind: str, line: str) -> int:
    """Return the numbers that a layer keeps in the file beside."""
    keys = _WEIGHTED.get(kind)
    if keys is None:
        return 0
    pairs = dict(re.findall(r" (\d{1,2})=(\d{1,12})(?= |\Z)", line))
    outputs, bias, weights = (int(pairs.get(str(key), 0)) for key in keys)
    if kind == "PReLU":
        return outputs
    return weights + (outputs if bias else 0)


def binary_like(head: bytes) -> bool:
    """Whether ``head`` has the number and a count of layers and of blobs."""
    counts = [int.from_bytes(head[at : at + 4], "little") for at in (4, 8)]
    return head.startswith(_BINARY) and all(0 < one <= LIMITS.gguf_tensors for one in counts)


def parse_binary(source: Source, report: Report) -> None:
    """Note a program in binary."""
    _start(report)
    if len(source.read(16)) < 16:
        raise Malformed("the data ends inside the first layer")
