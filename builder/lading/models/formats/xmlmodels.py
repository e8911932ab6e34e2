"""Models in XML: OpenVINO's IR, and PMML.

Nothing is parsed as XML: entities of strangers are not worth it. The root element tells the
format, and tags are searched as the text passes by.

OpenVINO IR (``.xml`` with the weights in a ``.bin`` beside it): docs.openvino.ai, "Operation
Sets". PMML 4.4.1: dmg.org/pmml/v4-4-1/GeneralStructure.html.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["parse_openvino", "parse_pmml", "reader_name"]

_ROOT: Final = re.compile(
    # A comment is taken as soon as it ends, and not given back: many of them would be read in
    # twice as many ways each.
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?>(?><!--.{0,1000}?-->)\s*)*+"
    rb"<(?:(net)\s[^>]*?\bversion=\"\d+\"|(?:\w+:)?(PMML)[\s>])",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(rb'([\w:]+)\s*=\s*"([^"<]{0,2000})"')
_OPENVINO: Final = re.compile(
    rb'<(net|data|Runtime_version|framework|layer)((?:\s+[\w:.-]+\s*=\s*"[^"<]{0,2000}")*)\s*/?>'
)
_PMML: Final = re.compile(
    rb"<(?:\w+:)?(PMML|Header|Application|DataField|[A-Z]\w*(?:Model|Network|Machine|Rules|Ruleset))"
    rb'((?:\s+[\w:.-]+\s*=\s*"[^"<]{0,2000}")*)\s*/?>'
)
_PRECISIONS: Final = {
    b"f32": "F32", b"f16": "F16", b"bf16": "BF16", b"f64": "F64", b"i8": "I8", b"u8": "U8",
    b"i4": "I4", b"u4": "U4", b"i32": "I32", b"i64": "I64", b"nf4": "NF4", b"u1": "U1",
    b"i16": "I16", b"u16": "U16", b"u32": "U32", b"u64": "U64", b"boolean": "BOOL",
}  # fmt: skip
#: More than any tag that is searched for is long.
_OVERLAP: Final = 4096


def reader_name(head: bytes) -> str | None:
    """Return ``"openvino"`` or ``"pmml"`` when that is what ``head`` starts."""
    if b"<net" not in head and b"PMML" not in head:
        return None
    found = _ROOT.match(head)
    if found is None:
        return None
    return "openvino" if found[1] else "pmml"


def _tags(
    source: Source, wanted: re.Pattern[bytes], end: bytes
) -> Iterator[tuple[bytes, dict[bytes, str]]]:
    """Yield name and attributes of each wanted tag; a tag that pieces cut is found whole.

    Raises:
        Malformed: ``end``, the tag that closes the root element, is not at the end.
    """
    import html  # its table of entities: not for who only tells formats apart

    window = b""
    while piece := source.some():
        window += piece
        seen = 0
        for found in wanted.finditer(window):
            seen = found.end()
            pairs = _ATTRIBUTE.findall(found[2])
            yield (
                found[1],
                {key: html.unescape(value.decode("utf-8", "replace")) for key, value in pairs},
            )
        window = window[max(seen, len(window) - _OVERLAP) :]
    if end not in window:
        raise Malformed("it ends before its root element does")


def parse_openvino(source: Source, report: Report) -> None:
    """Read the network's name, its constants, and what made it."""
    report.format = "openvino"
    report.fact(v.LIBRARY, "openvino", "")
    name = posixpath.basename(report.bare)
    report.fact(v.EXTERNAL_DATA, [f"{name.removesuffix('.xml')}.bin"], "")
    elements: Counter[str] = Counter()
    count = 0
    for tag, attributes in _tags(source, _OPENVINO, b"</net>"):
        if tag == b"net":
            report.declared(v.NAME, printable(attributes.get(b"name", "")), "net.name")
            report.fact(v.FORMAT_VERSION, f"IR {attributes.get(b'version', '')[:8]}", "net.version")
        elif tag == b"data" and {b"element_type", b"shape", b"offset"} <= attributes.keys():
            count += 1
            kind = _PRECISIONS.get(attributes[b"element_type"].encode(), "unknown")
            elements[kind] += _elements(attributes[b"shape"])
        elif tag == b"Runtime_version":
            version = printable(attributes.get(b"value", ""), 64)
            report.declared(v.FRAMEWORK_VERSION, version, "rt_info")
        elif tag == b"framework":
            producer = printable(attributes.get(b"value", ""), 64)
            report.declared(v.PRODUCER, producer, "rt_info.framework")
    report.fact(v.TENSOR_COUNT, count, "constants")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "constants: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "constants: element_type")


def _elements(shape: str) -> int:
    extents = [int(one) for one in re.findall(r"\d{1,12}", shape[:500])][:64]
    return min(math.prod(extents), 1 << 63)


def parse_pmml(source: Source, report: Report) -> None:
    """Read version, header, fields and the first model's element."""
    report.format = "pmml"
    fields: list[str] = []
    for tag, attributes in _tags(source, _PMML, b"PMML>"):
        if tag == b"PMML":
            version = printable(attributes.get(b"version", ""), 16)
            report.fact(v.FORMAT_VERSION, version, "PMML.version")
        elif tag == b"Header":
            text = attributes.get(b"description", "")
            report.declared(v.DESCRIPTION, printable(text, LIMITS.fact_text), "Header.description")
        elif tag == b"Application":
            words = (attributes.get(b"name", ""), attributes.get(b"version", ""))
            report.declared(
                v.PRODUCER, printable(" ".join(" ".join(words).split()), 100), "Application"
            )
        elif tag == b"DataField":
            if len(fields) < LIMITS.fact_items:
                fields.append(printable(attributes.get(b"name", "")))
        elif v.ARCHITECTURE not in report.facts:
            report.fact(v.ARCHITECTURE, tag.decode(), tag.decode())
            function = attributes.get(b"functionName")
            report.fact(v.TASK, _TASKS.get(function or ""), f"{tag.decode()}.functionName")
            report.declared(v.NAME, printable(attributes.get(b"modelName", "")), tag.decode())
    report.fact(v.INPUTS, fields, "DataDictionary")


_TASKS: Final = {
    "classification": "tabular-classification",
    "regression": "tabular-regression",
    "clustering": "clustering",
    "timeSeries": "time-series-forecasting",
}
