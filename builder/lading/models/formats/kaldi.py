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
#: What lies behind a TransitionModel → its architecture, and the token that ends it.
_BEHIND: Final = {
    b"<Nnet3> ": ("Nnet3", b"</Nnet3> "),
    b"<Nnet> ": ("Nnet2", b"</Nnet> "),
    b"<DIMENSION> ": ("DiagGMM", b"</DiagGMM> "),
}
#: Objects that end with another token than their own.
_ENDS: Final = {b"DiagGMMBegin": b"<DiagGMMEnd> ", b"DIMENSION": b"</DiagGMM> "}
#: What follows a network: contexts, and the logarithms of probabilities.
_PRIORS: Final = re.compile(rb"<Priors> FV \x04(....)", re.DOTALL)
_LAST: Final = 1024 * 1024
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
    end = _ENDS.get(name, b"</%b> " % name)
    if name == b"TransitionModel":  # what follows it is the model
        start = source.peek(CHUNK)
        kind, end = next((one for mark, one in _BEHIND.items() if mark in start), (None, end))
        report.fact(v.ARCHITECTURE, kind, "tokens")
    else:
        report.fact(v.ARCHITECTURE, name.decode(), "first token")
    report.fact(v.TASK, _OBJECTS.get(name), "first token")
    _whole(source, end)


def _whole(source: Source, end: bytes) -> None:
    """Look for the token that ends an object, and for as many probabilities as follow."""
    last, ended = b"", False
    while piece := source.some():
        last = (last + piece)[-_LAST:]
        ended = ended or end in last
    if not ended:
        raise Malformed(f"it ends before {end.decode().strip()}")
    behind = last[last.rfind(end) :] if end in last else last
    found = _PRIORS.search(behind)
    if found and len(behind) != found.end() + 4 * int.from_bytes(found[1], "little"):
        raise Malformed("it does not have as many probabilities as it says")


def parse_part(source: Source, report: Report) -> None:  # noqa: ARG001 - only its digest counts
    """Note a matrix or a graph."""
    report.role = Role.OTHER
    report.fact(v.KIND, "kaldi-part", "")
