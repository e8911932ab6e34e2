"""NVIDIA TensorRT engines: a closed format, of which only the header is told.

Magic, serialisation version at byte 8, TensorRT's version as four bytes from byte 24. Exporters
put the length of a JSON text and that text before it. An engine holds code for the GPU, and may
hold the shared libraries of its plugins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Level
from lading.models import vocabulary as v
from lading.models.jsonstream import parse_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGICS", "looks_prefixed", "parse"]

FORMAT: Final = "tensorrt"
MAGICS: Final = (b"ftrt", b"ptrt")
_SUFFIXES: Final = frozenset({".engine", ".plan", ".trt"})
_HEADER: Final = 32
_METADATA: Final = 64 * 1024
_KEY: Final = re.compile(rb'....\{\s*"', re.DOTALL)
_FACTS: Final = {
    "description": v.DESCRIPTION, "author": v.AUTHOR, "license": v.LICENSE_NAME,
    "version": v.VERSION, "task": v.TASK,
}  # fmt: skip


def looks_prefixed(head: bytes, suffix: str) -> bool:
    """Whether ``head`` is the length of a JSON text, and the text, with an engine behind it.

    Of a text that is longer than ``head`` the suffix must say what follows.
    """
    size = int.from_bytes(head[:4], "little")
    if not _KEY.match(head) or not 2 <= size <= _METADATA:
        return False
    if 8 + size > len(head):
        return suffix in _SUFFIXES
    return head[4 + size : 8 + size] in MAGICS


def parse(source: Source, report: Report) -> None:
    """Read the versions, and the text before the engine where there is one."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "tensorrt", "")
    if source.peek(4) not in MAGICS:
        _metadata(source, report)
    header = source.exactly(_HEADER)
    if header[:4] not in MAGICS or header[4:8] != bytes(4):
        raise Malformed("not the header of an engine")
    report.fact(v.FORMAT_VERSION, str(int.from_bytes(header[8:12], "little")), "header")
    if 1 <= header[24] <= 99:
        version = ".".join(str(byte) for byte in header[24:28])
        report.fact(v.FRAMEWORK_VERSION, version, "header")
    text = "an engine holds machine code, which cannot be looked into"
    report.find("tensorrt-engine", text, Level.NOTE)


def _metadata(source: Source, report: Report) -> None:
    size = int.from_bytes(source.exactly(4), "little")
    if size > _METADATA:
        raise Malformed(f"the metadata declares {size} bytes")
    metadata = parse_json(source.exactly(size).decode("utf-8", "replace"))
    if isinstance(metadata, dict):
        for key, name in _FACTS.items():
            if isinstance(metadata.get(key), str):
                report.declared(name, printable(metadata[key]), f"metadata.{key}")
