"""TensorFlow.js: ``model.json``, or a list of weights alone, with the tensors in files beside it.

``ModelJSON`` and ``WeightsManifestConfig`` of tensorflow/tfjs-core, ``io/types.ts``. A graph runs
the kernels that the library brings along: it is data.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.jsonstream import SKIPPED, JsonObject, read_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "manifest_like", "parse", "parse_manifest"]

FORMAT: Final = "tfjs"
_MODEL: Final = re.compile(
    rb'\{\s*"(?:format"\s*:\s*"(?:layers|graph)-model"'
    rb'|modelTopology"\s*:\s*\{\s*"(?:node|library|versions|keras_version|model_config|class_name)")'
)
_MANIFEST: Final = re.compile(
    rb'\[\s*\{\s*"(?:weights"\s*:\s*\[\s*\{\s*"(?:name|shape|dtype)"'
    rb'|paths"\s*:\s*\[[^\]]{1,2000}\]\s*,\s*"weights"\s*:)'
)
_TYPES: Final = {
    "float32": "F32", "int32": "I32", "bool": "BOOL", "string": "STRING", "complex64": "C64",
    "uint8": "U8", "uint16": "U16", "float16": "F16",
}  # fmt: skip


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a ``model.json``."""
    return _MODEL.match(head) is not None


def manifest_like(head: bytes) -> bool:
    """Whether ``head`` starts a list of weights."""
    return _MANIFEST.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Walk the members: what it is, what made it, and which tensors are where."""
    _start(report)
    manifest: Any = None
    for (name, *_), value in JsonObject(source, value_limit=LIMITS.companion_json):
        if name == "format" and isinstance(value, str):
            report.fact(v.ARCHITECTURE, printable(value, 32), name)
        elif name == "convertedBy" and isinstance(value, str):
            report.declared(v.PRODUCER, printable(value), name)
        elif name == "modelTopology" and isinstance(value, dict):
            _topology(value, report)
        elif name == "weightsManifest":
            manifest = value
    if manifest is SKIPPED or not isinstance(manifest, list):
        raise Malformed("it has no list of weights")
    _weights(manifest, report)


def _topology(topology: dict[str, Any], report: Report) -> None:
    config = topology.get("model_config", topology)
    kind = config.get("class_name") if isinstance(config, dict) else None
    if isinstance(kind, str):
        report.facts.pop(v.ARCHITECTURE, None)  # says more than "layers-model"
        report.fact(v.ARCHITECTURE, printable(kind, 64), "modelTopology.class_name")


def parse_manifest(source: Source, report: Report) -> None:
    """Read a list of weights without a model's topology, which the program knows."""
    _start(report)
    _weights(read_json(source, "the list of weights"), report)


def _start(report: Report) -> None:
    report.format = FORMAT
    report.fact(v.LIBRARY, "tensorflow.js", "")


def _weights(manifest: Any, report: Report) -> None:
    elements: Counter[str] = Counter()
    paths: list[str] = []
    count = 0
    for group in manifest if isinstance(manifest, list) else ():
        if not isinstance(group, dict):
            raise Malformed("a group of weights is no object")
        paths += [one for one in _list(group, "paths") if isinstance(one, str)]
        for tensor in _list(group, "weights"):
            shape = tensor.get("shape") if isinstance(tensor, dict) else None
            if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
                raise Malformed("a tensor has no shape")
            stored = tensor.get("quantization") or {}
            kind = stored.get("dtype") if isinstance(stored, dict) else None
            name = _TYPES.get(str(kind or tensor.get("dtype")), "unknown")
            elements[name] += min(math.prod(shape), 1 << 63)
            count += 1
    if not count:
        raise Malformed("its list of weights is empty")
    report.fact(v.EXTERNAL_DATA, paths[: LIMITS.fact_items], "weightsManifest.paths")
    report.fact(v.TENSOR_COUNT, count, "weightsManifest")
    report.fact(v.PARAMETERS, elements.total(), "weightsManifest: shapes")
    report.fact(v.DTYPE, elements.most_common(1)[0][0], "weightsManifest: dtype")


def _list(group: dict[str, Any], key: str) -> list[Any]:
    value = group.get(key)
    return value if isinstance(value, list) else []
