"""SentencePiece: a protobuf of pieces with scores, and how they were trained.

``ModelProto`` of google/sentencepiece. A tokenizer beside weights; on its own, a model. It is data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.formats.protobuf import BYTES, FIXED32, VARINT, Message, first_fields
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["looks_like", "parse"]

FORMAT: Final = "sentencepiece"
#: The first pieces of every trainer: for what is unknown, and the marks of a text.
_FIRST: Final = (b"<unk>", b"<pad>", b"<s>", b"</s>", b"[PAD]", b"[UNK]", b"<blank>")
_PIECES: Final = 4


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts with pieces: texts with scores, a usual mark among the first."""
    fields = first_fields(head, _PIECES)
    if not fields or len(fields) < _PIECES:
        return False
    pieces = [_piece(value) for field, wire, _, value in fields if (field, wire) == (1, BYTES)]
    return len(pieces) == _PIECES and all(pieces) and any(one in _FIRST for one in pieces)


def _piece(value: bytes) -> bytes:
    """Return the text of a piece, ``b""`` when it is none."""
    inner = first_fields(value, 3) or []
    kinds = [one[:2] for one in inner]
    whole = kinds in ([(1, BYTES), (2, FIXED32)], [(1, BYTES), (2, FIXED32), (3, VARINT)])
    return inner[0][3] if whole else b""


def parse(source: Source, report: Report) -> None:
    """Count the pieces; nothing else of a tokenizer is a fact of the model that it belongs to."""
    report.format = FORMAT
    report.role = Role.TOKENIZER
    report.fact(v.KIND, "vocabulary", "")
    pieces = trained = 0
    for field, wire in Message(source):
        if field == 1 and wire == BYTES:
            pieces += 1
        elif field == 2 and wire == BYTES:
            trained += 1
    if not trained:
        raise Malformed("nothing says how the pieces were made")
    report.fact(v.VOCABULARY_SIZE, pieces, "pieces")
