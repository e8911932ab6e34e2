r"""Kaldi's models, as Vosk ships them: ``\0B`` and the name of an object in angle brackets.

``WriteToken`` and ``InitKaldiOutputStream`` of kaldi-asr/kaldi. Matrices and OpenFst's graphs are
parts of a model in whose directory they lie, and nothing on their own. All of it is numbers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.stream import CHUNK, Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["fst_like", "looks_like", "parse", "parse_part", "part_like"]

FORMAT: Final = "kaldi"
_OBJECTS: Final = {
    b"TransitionModel": "automatic-speech-recognition",
    b"Nnet": None, b"Nnet3": None, b"NNET": None, b"IvectorExtractor": None, b"Plda": None,
    b"DiagGMM": None, b"DiagGMMBegin": None, b"FullGMM": None, b"DIMENSION": None,
}  # fmt: skip
#: What lies behind a TransitionModel → its architecture.
_BEHIND: Final = {b"<Nnet3> ": "Nnet3", b"<Nnet> ": "Nnet2", b"<DIMENSION> ": "DiagGMM"}
_OBJECT: Final = re.compile(rb"\x00B<(\w{3,40})> ")
_MATRIX: Final = re.compile(rb"\x00B(?:[FD][MV]|CM[23]?) ")

_FST: Final = re.compile(
    rb"\xd6\xfd\xb2\x7e([\x03-\x20])\x00\x00\x00([a-z_]{3,32}).\x00\x00\x00", re.DOTALL
)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts an object that is a model, or a part of one."""
    found = _OBJECT.match(head)
    return found is not None and found[1] in _OBJECTS


def part_like(head: bytes) -> bool:
    """Whether ``head`` starts a matrix or vector."""
    return _MATRIX.match(head) is not None


def fst_like(head: bytes) -> bool:
    """Whether ``head`` starts a graph of OpenFst: the names of its type and its arcs' type."""
    found = _FST.match(head)
    return found is not None and len(found[2]) == found[1][0]


def parse(source: Source, report: Report) -> None:
    """Note which object it is."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "kaldi", "")
    found = _OBJECT.match(source.peek(64))
    name = found[1] if found else b""
    if name == b"TransitionModel":  # what follows it is the model
        start = source.peek(CHUNK)
        kind = next((kind for mark, kind in _BEHIND.items() if mark in start), None)
        report.fact(v.ARCHITECTURE, kind, "tokens")
    else:
        report.fact(v.ARCHITECTURE, name.decode(), "first token")
    report.fact(v.TASK, _OBJECTS.get(name), "first token")
    if source.total() < 256:
        raise Malformed("the data ends behind the first token")


def parse_part(source: Source, report: Report) -> None:  # noqa: ARG001 - only its digest counts
    """Note a matrix or a graph."""
    report.role = Role.OTHER
    report.fact(v.KIND, "kaldi-part", "")
