"""Models for one engine that say little of themselves: RKNN, LiteRT-LM, Picovoice, Darknet.

* RKNN: ``RKNN``, a version, the model's size, the model, and a JSON text about it.
* LiteRT-LM: ``LITERTLM`` and three numbers of a version (google-ai-edge/LiteRT-LM).
* Picovoice: an engine's name and its version, then what only that engine reads.
* Darknet: three numbers of a version and how many images were seen (pjreddie/darknet,
  ``load_weights``). No magic, so it is believed only under its suffix.

Each goes to a library that computes with it.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.jsonstream import parse_json
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["darknet_like", "litertlm_like", "parse_darknet",
           "parse_litertlm", "parse_picovoice", "parse_rknn", "picovoice_like",
           "rknn_like"]  # fmt: skip

_RKNN_MAGIC: Final = b"RKNN"
_LITERTLM: Final = b"LITERTLM"
_RKNN: Final = struct.Struct("<4s4xQQ")
#: Versions above the first have a longer header.
_RKNN_PADDING: Final = 40
_ENGINE: Final = re.compile(
    rb"(porcupine|rhino|cheetah|leopard|octopus|cobra|koala|eagle|falcon|orca|picollm)"
    rb"(\d{1,2}\.\d{1,2}\.\d{1,2})[^\x20-\x7e]"
)
_DARKNET: Final = struct.Struct("<3i")
_LARGEST: Final = 1e4


def rknn_like(head: bytes) -> bool:
    """Whether ``head`` has the mark, zeros, and a version."""
    return head[:8] == _RKNN_MAGIC + bytes(4) and 0 < int.from_bytes(head[8:16], "little") < 64


def parse_rknn(source: Source, report: Report) -> None:
    """Read the version, and step over the model to the text about it."""
    report.format = "rknn"
    report.fact(v.LIBRARY, "rknn", "")
    _, version, size = _RKNN.unpack(source.exactly(_RKNN.size))
    report.fact(v.FORMAT_VERSION, str(version), "header")
    source.skip((_RKNN_PADDING if version > 1 else 0) + size)
    length = int.from_bytes(source.exactly(8), "little")
    if length > LIMITS.companion_json:
        raise Malformed(f"a text of {length} bytes")
    about = parse_json(source.exactly(length).decode("utf-8", "replace").rstrip("\0"))
    _about(about if isinstance(about, dict) else {}, report)


def _about(about: dict[str, Any], report: Report) -> None:
    platform = about.get("target_platform")
    if isinstance(platform, list):
        platform = ", ".join(one for one in platform if isinstance(one, str))
    for name, value, key in (
        (v.NAME, about.get("name"), "name"),
        (v.TAGS, [platform] if isinstance(platform, str) and platform else None, "target_platform"),
    ):
        report.declared(name, printable(value) if isinstance(value, str) else value, key)


def litertlm_like(head: bytes) -> bool:
    """Whether ``head`` has the mark and a version."""
    return head.startswith(_LITERTLM) and len(head) > 32 and head[8:12] < b"\x40"


def parse_litertlm(source: Source, report: Report) -> None:
    """Read the version."""
    report.format = "litertlm"
    report.fact(v.LIBRARY, "litert-lm", "")
    report.fact(v.TASK, "text-generation", "")
    numbers = struct.unpack("<3I", source.exactly(20)[8:])
    report.fact(v.FORMAT_VERSION, ".".join(map(str, numbers)), "header")


def picovoice_like(head: bytes) -> bool:
    """Whether ``head`` starts with an engine's name and its version."""
    return _ENGINE.match(head) is not None


def parse_picovoice(source: Source, report: Report) -> None:
    """Read engine and version."""
    report.format = "picovoice"
    found = _ENGINE.match(source.peek(64))
    if found is None or source.total() < 1024:
        raise Malformed("the data ends behind the engine's version")
    report.fact(v.LIBRARY, f"pv{found[1].decode()}", "engine")
    report.fact(v.FORMAT_VERSION, found[2].decode(), "version")


def darknet_like(head: bytes) -> bool:
    """Whether ``head`` starts with a version of Darknet's, and has floats behind it."""
    if len(head) < 84:
        return False
    major, minor, revision = _DARKNET.unpack_from(head)
    if major or minor not in (1, 2) or not 0 <= revision <= 5:
        return False
    floats = struct.unpack_from("<16f", head, 12 + _counter(minor))
    return all(abs(one) < _LARGEST for one in floats) and any(floats)


def _counter(minor: int) -> int:
    """Return the bytes of the number of images."""
    return 8 if minor >= 2 else 4


def parse_darknet(source: Source, report: Report) -> None:
    """Read the version; the rest is floats."""
    report.format = "darknet"
    report.fact(v.LIBRARY, "darknet", "")
    major, minor, revision = _DARKNET.unpack(source.exactly(_DARKNET.size))
    report.fact(v.FORMAT_VERSION, f"{major}.{minor}.{revision}", "header")
    left = source.total() - _DARKNET.size - _counter(minor)
    if left % 4:
        raise Malformed(f"{left} bytes are no row of floats")
    report.fact(v.PARAMETERS, left // 4, "size")
    report.fact(v.DTYPE, "F32", "")
