"""PaddlePaddle: programs (``.pdmodel``, ``__model__``, PIR's JSON) and their parameters.

framework.proto: a ProgramDesc has blocks of variables and operators. ``.pdiparams`` are tensors in
a row: two versions, no level of detail, a TensorDesc of the size before it, elements.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.formats.protobuf import BYTES, VARINT, Message, first_fields
from lading.models.stream import BytesSource, Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = [
    "params_like",
    "parse_params",
    "parse_pir",
    "parse_program",
    "pir_like",
    "program_like",
]

FORMAT: Final = "paddle"
#: VarType.Type → name, bytes.
_TYPES: Final = {
    0: ("BOOL", 1), 1: ("I16", 2), 2: ("I32", 4), 3: ("I64", 8), 4: ("F16", 2), 5: ("F32", 4),
    6: ("F64", 8), 20: ("U8", 1), 21: ("I8", 1), 22: ("BF16", 2), 23: ("C64", 8), 24: ("C128", 16),
}  # fmt: skip
_DESCRIPTION: Final = 1024
_PIR: Final = re.compile(rb'\{\s*"base_code"\s*:\s*\{\s*"magic"\s*:\s*"pir"')


def program_like(head: bytes) -> bool:
    """Whether ``head`` starts a ProgramDesc: block 0, which has no parent, with variables."""
    fields = first_fields(head, 1)
    if not fields or fields[0][:2] != (1, BYTES):
        return False
    block = first_fields(fields[0][3], 3)
    return (
        block is not None
        and len(block) == 3
        and block[0][:3] == (1, VARINT, 0)
        and block[1][:2] == (2, VARINT)
        and block[1][2] >= 1 << 31  # -1
        and block[2][:2] in ((3, BYTES), (4, BYTES))
    )


def params_like(head: bytes) -> bool:
    """Whether ``head`` starts a tensor in a row."""
    size = int.from_bytes(head[16:20], "little")
    if head[:16] != bytes(16) or not 2 <= size <= _DESCRIPTION:
        return False
    fields = first_fields(head[20 : 20 + size], 8)
    if not fields or fields[0][:2] != (1, VARINT) or fields[0][2] not in _TYPES:
        return False
    return all(field == 2 for field, *_ in fields[1:])


def pir_like(head: bytes) -> bool:
    """Whether ``head`` starts a program of the newer representation."""
    return _PIR.match(head) is not None


def parse_program(source: Source, report: Report) -> None:
    """Walk the program once, for its version."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "paddlepaddle", "")
    blocks = 0
    for field, wire in (message := Message(source)):
        if field == 1 and wire == BYTES:
            blocks += 1
        elif field == 4 and wire == BYTES:
            _version(message.message(), report)
    if not blocks:
        raise Malformed("the program has no block")


def _version(message: Message, report: Report) -> None:
    for field, wire in message:
        if field == 1 and wire == VARINT and 0 < message.number < 1 << 31:
            number = message.number
            text = f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
            report.fact(v.FRAMEWORK_VERSION, text, "version")


def parse_pir(source: Source, report: Report) -> None:  # noqa: ARG001 - its name says it all
    """Note a program of the newer representation."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "paddlepaddle", "")


def parse_params(source: Source, report: Report) -> None:
    """Walk the tensors."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "paddlepaddle", "")
    elements: Counter[str] = Counter()
    count = 0
    while not source.at_end():
        kind, size, width = _tensor(source)
        source.skip(size * width)
        elements[kind] += size
        count += 1
    report.fact(v.TENSOR_COUNT, count, "tensors")
    report.fact(v.PARAMETERS, elements.total(), "tensors: dims")
    report.fact(v.DTYPE, elements.most_common(1)[0][0], "tensors: data_type")


def _tensor(source: Source) -> tuple[str, int, int]:
    version, levels, inner, size = struct.unpack("<IQIi", source.exactly(20))
    if version or levels or inner or not 0 <= size <= _DESCRIPTION:
        raise Malformed("a tensor's header is wrong")
    kind, elements = -1, 1
    message = Message(BytesSource(source.exactly(size)), size)
    for field, wire in message:
        if field == 1 and wire == VARINT:
            kind = message.number
        elif field == 2 and wire in (VARINT, BYTES):
            for extent in message.integers(wire, 64):
                elements = min(elements * extent, 1 << 48)
    if kind not in _TYPES:
        raise Malformed(f"a tensor of type {kind}")
    return _TYPES[kind][0], elements, _TYPES[kind][1]
