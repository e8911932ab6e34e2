"""Core ML compiled, ``.mlmodelc``: a directory with a program in text, or a network in JSON.

``coremlcompiler`` writes ``model.mil`` (MIL in text, its tensors in ``weights/weight.bin``) or
``model.espresso.net`` with ``model.espresso.weights``, and ``metadata.json`` beside them. Custom
layers ask the application for a class; the rest is data.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Role, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.jsonstream import JsonObject, read_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["metadata_like", "network_like", "parse_metadata", "parse_network", "parse_program",
           "program_like"]  # fmt: skip

FORMAT: Final = "coreml"
_PROGRAM: Final = re.compile(rb"program\(\d{1,2}(?:\.\d{1,2})?\)\s*\[buildInfo = dict<")
_NETWORK: Final = re.compile(rb'\{\s*"storage"\s*:\s*"[\w.-]{1,100}\.espresso\.weights"')
_METADATA: Final = re.compile(rb'\[\s*\{\s*"(?:metadataOutputVersion|storagePrecision)"\s*:')
_TOOLS: Final = re.compile(rb'\{"coremltools-version", "([\w.+-]{1,32})"\}')
_TENSOR: Final = re.compile(rb"tensor<(\w{2,8}), \[([\d, ]{0,200})\]>\(BLOBFILE\(")
_TYPES: Final = {
    b"fp16": "F16", b"fp32": "F32", b"int8": "I8", b"uint8": "U8", b"int32": "I32",
    b"int16": "I16", b"uint16": "U16", b"int4": "I4", b"uint4": "U4", b"bool": "BOOL",
}  # fmt: skip
_OVERLAP: Final = 512
_CUSTOM: Final = ("custom", "custom_layer")


def program_like(head: bytes) -> bool:
    """Whether ``head`` starts a program in text."""
    return _PROGRAM.match(head) is not None


def network_like(head: bytes) -> bool:
    """Whether ``head`` starts a network in JSON."""
    return _NETWORK.match(head) is not None


def metadata_like(head: bytes) -> bool:
    """Whether ``head`` starts what the compiler notes about a model."""
    return _METADATA.match(head) is not None


def parse_program(source: Source, report: Report) -> None:
    """Search the text for tensors in the file of weights."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "coreml", "")
    report.fact(v.ARCHITECTURE, "mlProgram", "program")
    elements: Counter[str] = Counter()
    count, window = 0, b""
    while piece := source.some():
        window += piece
        found = _TOOLS.search(window)
        if found:
            report.declared(v.PRODUCER, f"coremltools {found[1].decode()}", "buildInfo")
        seen = 0
        for tensor in _TENSOR.finditer(window):
            seen = tensor.end()
            count += 1
            extents = [int(one) for one in re.findall(rb"\d{1,12}", tensor[2])]
            elements[_TYPES.get(tensor[1], "unknown")] += min(math.prod(extents), 1 << 63)
        window = window[max(seen, len(window) - _OVERLAP) :]
    if not window.rstrip().endswith(b"}"):
        raise Malformed("it ends before the program does")
    report.fact(v.TENSOR_COUNT, count, "BLOBFILE")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "BLOBFILE: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "BLOBFILE: types")


def parse_network(source: Source, report: Report) -> None:
    """Read where the weights are, and look for layers that the application brings."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "coreml", "")
    report.fact(v.ARCHITECTURE, "neuralNetwork", "layers")
    for (name, *_), value in JsonObject(source, value_limit=LIMITS.companion_json):
        if name == "storage" and isinstance(value, str):
            report.fact(v.EXTERNAL_DATA, [value], name)
        elif name == "layers" and isinstance(value, list):
            kinds = {one.get("type") for one in value if isinstance(one, dict)}
            if not kinds.isdisjoint(_CUSTOM):
                text = "a custom layer asks the application to load a class by its name"
                report.find("coreml-custom", text, Level.WARNING, Verdict.SUSPICIOUS)


def parse_metadata(source: Source, report: Report) -> bool:
    """Read author, licence, version and description; False when it is another program's."""
    document = read_json(source, "metadata.json")
    first = document[0] if document else None
    if not isinstance(first, dict) or "modelType" not in first:
        return False
    report.role = Role.CONFIG
    report.fact(v.KIND, "mlmodelc", "")
    for key, name in (
        ("author", v.AUTHOR), ("license", v.LICENSE), ("version", v.VERSION),
        ("shortDescription", v.DESCRIPTION),
    ):  # fmt: skip
        value = first.get(key)
        report.declared(name, value if isinstance(value, str) else None, key)
    for key, name in (("inputSchema", v.INPUTS), ("outputSchema", v.OUTPUTS)):
        report.fact(name, _features(first.get(key)), key)
    return True


def _features(schema: Any) -> list[dict[str, str]]:
    names = [one.get("name") for one in schema or () if isinstance(one, dict)]
    return [{"name": printable(name, 256)} for name in names if isinstance(name, str)][:256]
