"""dlib's networks and landmark predictors, in its own serialization.

A number is a byte with how many bytes follow it (and 0x80 when it is negative), then these bytes;
a text is its length and its bytes; a float is two numbers, mantissa and exponent
(``dlib/serialize.h``, ``float_details.h``). A network begins with the version of its outermost
layer and the loss's name (``dnn/core.h``, ``dnn/loss.h``); a ``shape_predictor`` with its version,
then the mean shape: a matrix of one column, with negated extents. All of it is data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "dlib"
_LOSS: Final = re.compile(rb"\x01\x01\x01([\x08-\x40])(loss_[a-z0-9_]{3,58})")
_SHAPE: Final = re.compile(rb"\x01\x01(?:\x81(.)|\x82(..))\x81\x01", re.DOTALL)
#: Coordinates of the mean shape that must be floats.
_COORDINATES: Final = 8
_TASKS: Final = {
    "loss_mmod": "object-detection",
    "loss_metric": "feature-extraction",
    "loss_multiclass_log": "image-classification",
    "loss_multiclass_log_per_pixel": "image-segmentation",
    "loss_mean_squared": "regression",
}


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a network with a loss, or a mean shape."""
    return _loss(head) is not None or _points(head) > 0


def _loss(head: bytes) -> str | None:
    found = _LOSS.match(head)
    if found is None or len(found[2]) < found[1][0]:
        return None
    return re.sub(r"_\d*\Z", "", found[2][: found[1][0]].decode())


def _points(head: bytes) -> int:
    """Return the landmarks of a predictor, 0 when ``head`` starts none."""
    found = _SHAPE.match(head)
    if found is None:
        return 0
    coordinates = int.from_bytes(found[1] or found[2], "little")
    if coordinates % 2 or not _COORDINATES <= coordinates <= 20_000:
        return 0
    at = found.end()
    for _ in range(_COORDINATES):
        mantissa, at = _integer(head, at)
        exponent, at = _integer(head, at)
        if at < 0 or abs(mantissa) >= 1 << 53 or not -1100 < exponent < 100:
            return 0
    return coordinates // 2


def _integer(head: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends; -1 when there is none."""
    control = head[at] if 0 <= at < len(head) else 0
    size = control & 0x0F
    if control & 0x70 or not 1 <= size <= 8 or at + 1 + size > len(head):
        return 0, -1
    number = int.from_bytes(head[at + 1 : at + 1 + size], "little")
    return (-number if control & 0x80 else number), at + 1 + size


def parse(source: Source, report: Report) -> None:
    """Note the loss, or how many landmarks there are."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "dlib", "")
    head = source.peek(512)
    loss, points = _loss(head), _points(head)
    if loss is not None:
        report.fact(v.ARCHITECTURE, loss, "outermost layer")
        report.fact(v.TASK, _TASKS.get(loss), "outermost layer")
    elif points:
        report.fact(v.ARCHITECTURE, "shape_predictor", "initial_shape")
        report.fact(v.TASK, "keypoint-detection", "initial_shape")
        report.fact(v.OUTPUTS, [{"name": "landmarks", "shape": [points, 2]}], "initial_shape")
    else:
        raise Malformed("neither a loss nor a mean shape")
