"""PyTorch files: tensors by ``torch._utils._rebuild_*``, storages by persistent id.

A zip (since 1.6) holds ``data.pkl`` and one member a storage; the legacy format is five pickles in
a row, then each storage as a 64-bit count and its elements. Shapes and types stand in the pickle.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.pickles.machine import Seen
from lading.models.pickles.names import judge
from lading.models.pickles.scan import describe, scan_one
from lading.models.pickles.values import Global, Persistent

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["LEGACY_HEAD", "TYPES", "Tensors", "judge_script", "parse_legacy"]

FORMAT: Final = "pytorch-legacy"
#: PROTO 2, LONG1 of ten bytes: torch's magic number 0x1950a86a20f9469cfc6c, STOP.
LEGACY_HEAD: Final = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

#: Storage classes and dtypes → name and bytes of an element.
TYPES: Final = {
    "FloatStorage": ("F32", 4), "DoubleStorage": ("F64", 8), "HalfStorage": ("F16", 2),
    "BFloat16Storage": ("BF16", 2), "LongStorage": ("I64", 8), "IntStorage": ("I32", 4),
    "ShortStorage": ("I16", 2), "CharStorage": ("I8", 1), "ByteStorage": ("U8", 1),
    "BoolStorage": ("BOOL", 1), "ComplexFloatStorage": ("C64", 8),
    "ComplexDoubleStorage": ("C128", 16), "QInt8Storage": ("I8", 1), "QUInt8Storage": ("U8", 1),
    "QInt32Storage": ("I32", 4), "UntypedStorage": ("U8", 1),
    "float32": ("F32", 4), "float64": ("F64", 8), "float16": ("F16", 2), "bfloat16": ("BF16", 2),
    "int64": ("I64", 8), "int32": ("I32", 4), "int16": ("I16", 2), "int8": ("I8", 1),
    "uint8": ("U8", 1), "bool": ("BOOL", 1), "float8_e4m3fn": ("F8_E4M3", 1),
    "float8_e5m2": ("F8_E5M2", 1),
}  # fmt: skip

_REBUILD: Final = frozenset(
    f"torch._utils.{name}"
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor")
)


class Tensors:
    """Counts tensors as the walk meets the calls that rebuild them."""

    def __init__(self) -> None:
        self._elements: Counter[str] = Counter()
        self._seen: set[int] = set()
        self.storages: dict[str, tuple[int, int]] = {}  # key → elements, bytes of one

    def on_call(self, function: Global, args: tuple[Any, ...]) -> None:
        """Take one call; tensors that share storage, offset and shape are one."""
        if str(function) not in _REBUILD or len(args) < 3 or type(args[0]) is not Persistent:
            return
        storage, offset, shape = args[:3]
        pid = storage.args
        if len(pid) < 5 or type(shape) is not tuple:
            return
        kind = pid[1].name if type(pid[1]) is Global else ""
        name, width = TYPES.get(kind, ("unknown", 0))
        if type(pid[2]) is str and type(pid[4]) is int and len(self.storages) < LIMITS.pickle_memo:
            self.storages[pid[2]] = (pid[4], width)
        if function.name.endswith("_v3") and len(args) > 6 and type(args[6]) is Global:
            name = TYPES.get(args[6].name, (name, 0))[0]
        key = hash((pid[2], offset, shape))
        if key in self._seen or len(self._seen) >= LIMITS.gguf_tensors:
            return
        self._seen.add(key)
        elements = 1
        for extent in shape:
            elements = min(elements * extent, 1 << 63) if type(extent) is int else 0
        if elements >= 0:
            self._elements[name] += elements

    def describe(self, report: Report) -> None:
        """Note counts and the type that most elements have."""
        report.fact(v.TENSOR_COUNT, len(self._seen) or None, "pickle: tensors")
        if self._elements:
            report.fact(v.PARAMETERS, self._elements.total(), "pickle: shapes of tensors")
            report.fact(v.DTYPE, self._elements.most_common(1)[0][0], "pickle: storages")


def judge_script(module: str, name: str) -> Verdict:
    """Judge a name in TorchScript's pickles: ``__torch__`` classes are code of the archive."""
    if module == "__torch__" or module.startswith("__torch__."):
        return Verdict.SAFE
    return judge(module, name)


def parse_legacy(source: Source, report: Report) -> None:
    """Walk magic, version, system facts, object and storage keys; then pass over the storages."""
    report.format = FORMAT
    tensors, seen = Tensors(), Seen()
    result = None
    for number in range(5):
        value = scan_one(source, report, seen, on_call=tensors.on_call)
        if number == 3:
            result = value
    seen.result = result
    describe(seen, report)
    report.fact(v.LIBRARY, "pytorch", "magic number")
    tensors.describe(report)
    known = all(width for _, width in tensors.storages.values())
    wanted = sum(8 + count * width for count, width in tensors.storages.values())
    have = source.drain()
    if known and have > wanted:
        text = f"{have - wanted} bytes follow the storages"
        report.find("pickle-trailing-data", text, Level.WARNING, Verdict.UNSCANNABLE)
    elif known and have < wanted:
        report.find("pytorch-truncated", f"{wanted - have} bytes of the storages are missing")
