"""Tars of the natasha project: Slovnet's networks, and Navec's word vectors in codes.

``meta.json`` comes first; ``model.json`` of a network says shape and type of each ``arrays/N.bin``;
``pq.bin`` has how many words, dimensions, parts and codes there are, then the codes' values and
each word's codes (natasha/slovnet ``pack.py``, natasha/navec ``pq.py``). All of it is numbers.
"""

from __future__ import annotations

import json
import math
import re
import struct
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["CODES", "NETWORK", "codes", "codes_like", "network", "network_like"]

#: Names of the members that say what the tar is.
NETWORK: Final = "model.json"
CODES: Final = "pq.bin"
_LAYERS: Final = re.compile(rb'\{\s*"emb":\s*\{\s*"word":\s*\{\s*"id":')
_HEADER: Final = struct.Struct("<4I")


def network_like(head: bytes) -> bool:
    """Whether ``head`` starts the description of a network of Slovnet's."""
    return _LAYERS.match(head) is not None


def network(source: Source, report: Report) -> None:
    """Count the arrays that a network has of its own: those of its vectors are elsewhere."""
    report.format = "slovnet"
    report.fact(v.LIBRARY, "slovnet", "")
    content = source.read(LIMITS.companion_json + 1)
    if len(content) > LIMITS.companion_json:
        raise Malformed("the description of the network is too large")
    try:
        sizes = _sizes(json.loads(content))
    except (ValueError, RecursionError):
        raise Malformed("the description of the network is no JSON") from None
    report.fact(v.TENSOR_COUNT, len(sizes), NETWORK)
    report.fact(v.PARAMETERS, sum(sizes), f"{NETWORK}: shape")


def _sizes(node: Any) -> list[int]:
    if isinstance(node, list):
        return [size for one in node for size in _sizes(one)]
    if not isinstance(node, dict):
        return []
    shape = node.get("shape")
    if "array" in node and isinstance(shape, list) and all(type(one) is int for one in shape):
        return [min(max(math.prod(shape), 0), 1 << 63)]
    return [size for one in node.values() for size in _sizes(one)]


def codes_like(head: bytes, size: int) -> bool:
    """Whether ``size`` is that of the codes whose numbers ``head`` begins with."""
    if len(head) < _HEADER.size:
        return False
    words, dimensions, parts, values = _HEADER.unpack(head[: _HEADER.size])
    return bool(parts) and size == _HEADER.size + 4 * values * dimensions + words * parts


def codes(source: Source, report: Report) -> None:
    """Read how many words and dimensions there are."""
    report.format = "navec"
    report.fact(v.LIBRARY, "navec", "")
    words, dimensions, parts, values = _HEADER.unpack(source.exactly(_HEADER.size))
    report.fact(v.VOCABULARY_SIZE, words, CODES)
    report.fact(v.EMBEDDING_LENGTH, dimensions, CODES)
    report.fact(v.PARAMETERS, values * dimensions + words * parts, CODES)
    source.skip(4 * values * dimensions + words * parts)
