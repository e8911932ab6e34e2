"""GGML's unversioned, GGMF, GGJT and GGLA files: what llama.cpp and others wrote before GGUF.

The magic is a 32-bit number in little-endian order; what follows it depends on the program that
wrote the file, so only the container is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGICS", "parse"]

FORMAT: Final = "ggml"
#: Magic → the container's name, and whether a version follows.
MAGICS: Final = {
    b"lmgg": ("ggml", False),
    b"fmgg": ("ggmf", True),
    b"tjgg": ("ggjt", True),
    b"algg": ("ggla", True),
}


def parse(source: Source, report: Report) -> None:
    """Note container and version."""
    report.format = FORMAT
    name, versioned = MAGICS[source.exactly(4)]
    if not versioned:
        source.exactly(4)
        report.fact(v.FORMAT_VERSION, name, "magic")
        return
    version = int.from_bytes(source.exactly(4), "little")
    if not 1 <= version <= 16:
        raise Malformed(f"{name} version {version} is unknown")
    report.fact(v.FORMAT_VERSION, f"{name} {version}", "magic")
