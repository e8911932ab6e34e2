"""GGUF versions 1 to 3, either byte order: llama.cpp's model files.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md: magic, version, tensor count, metadata
count, key-value pairs, tensor infos, padding, tensors. Version 1 has 32-bit counts and lengths.
The chat template is a Jinja program that some runtimes execute: its dangers are findings.
"""

from __future__ import annotations

import struct
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Level, Verdict
from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats.jinja import judge_template
from lading.models.report import printable
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "parse"]

FORMAT: Final = "gguf"
MAGIC: Final = b"GGUF"

_STRING, _ARRAY = 8, 9
#: Metadata value types: number → struct code.
_SCALARS: Final = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip

#: Tensor types: number → (name, elements of a block, bytes of a block); ggml.h, ggml-common.h.
TENSOR_TYPES: Final = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2),
    26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip

#: ``general.file_type`` → name; llama.h, enum llama_ftype.
_FILE_TYPES: Final = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K",
    11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S",
    17: "Q5_K_M", 18: "Q6_K", 19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS",
    23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL", 26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S",
    29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0", 37: "TQ2_0",
    38: "MXFP4_MOE",
}  # fmt: skip

_TEXT_FACTS: Final = {
    "general.architecture": v.ARCHITECTURE_FAMILY,
    "general.name": v.NAME,
    "general.version": v.VERSION,
    "general.author": v.AUTHOR,
    "general.description": v.DESCRIPTION,
    "general.license": v.LICENSE,
    "general.license.name": v.LICENSE_NAME,
    "general.license.link": v.LICENSE_LINK,
    "general.repo_url": v.SOURCE_URL,
    "general.base_model.0.name": v.BASE_MODEL,
}
_LIST_FACTS: Final = {
    "general.tags": v.TAGS,
    "general.languages": v.LANGUAGES,
    "general.datasets": v.DATASETS,
}
#: Sizes: the end of the key, after the architecture's name.
_SIZES: Final = {
    "context_length": v.CONTEXT_LENGTH,
    "embedding_length": v.EMBEDDING_LENGTH,
    "block_count": v.BLOCK_COUNT,
    "attention.head_count": v.HEAD_COUNT,
    "attention.head_count_kv": v.HEAD_COUNT_KV,
    "feed_forward_length": v.FEED_FORWARD_LENGTH,
    "rope.dimension_count": v.ROPE_DIMENSION_COUNT,
}
_SIZE_ENDINGS: Final = tuple(f".{ending}" for ending in _SIZES)
_KEPT: Final = frozenset(
    (*_TEXT_FACTS, *_LIST_FACTS, "general.file_type", "general.quantization_version",
     "general.alignment", "split.no", "split.count", "tokenizer.ggml.tokens")
)  # fmt: skip


def parse(source: Source, report: Report) -> None:
    """Read metadata and tensor infos, and check that the tensors end where the file does."""
    report.format = FORMAT
    reader = _Reader(source)
    tensors, pairs = reader.counts()
    report.fact(v.FORMAT_VERSION, str(reader.version), "header: version")
    metadata: dict[str, Any] = {}
    seen: set[int] = set()
    for _ in range(pairs):
        key = reader.text(65_535)
        if hash(key) in seen:
            report.find("gguf-duplicate-key", f"two values are called {printable(key)}")
        seen.add(hash(key))
        value = reader.value(key)
        if key.startswith("tokenizer.chat_template") and isinstance(value, str):
            _judge(key, value, report)
        elif value is not None and len(metadata) < 2 * len(_KEPT) and _keep(key):
            metadata[key] = value
    _facts(metadata, report)
    _tensors(reader, tensors, metadata, report)


def _keep(key: str) -> bool:
    return key in _KEPT or key.endswith(_SIZE_ENDINGS)


class _Reader:
    """Reads fields in the file's byte order and the width of its version."""

    def __init__(self, source: Source) -> None:
        self.source = source
        if source.exactly(4) != MAGIC:
            raise Malformed("not GGUF")
        raw = source.exactly(4)
        little = struct.unpack("<I", raw)[0]
        self.order = "<" if little & 0xFFFF else ">"
        self.version: int = struct.unpack(self.order + "I", raw)[0]
        if not 1 <= self.version <= 3:
            raise Malformed(f"GGUF version {self.version} is unknown")
        self._length = struct.Struct(self.order + ("I" if self.version == 1 else "Q"))
        self._elements = LIMITS.gguf_array_elements  # of all arrays together
        self._u32 = struct.Struct(self.order + "I")

    def u32(self) -> int:
        value: int = self._u32.unpack(self.source.exactly(4))[0]
        return value

    def length(self) -> int:
        value: int = self._length.unpack(self.source.exactly(self._length.size))[0]
        return value

    def u64(self) -> int:
        value: int = struct.unpack(self.order + "Q", self.source.exactly(8))[0]
        return value

    def counts(self) -> tuple[int, int]:
        """Return the numbers of tensors and of metadata pairs, both within bounds."""
        tensors, pairs = self.length(), self.length()
        if tensors > LIMITS.gguf_tensors:
            raise Malformed(f"the header declares {tensors} tensors")
        if pairs > LIMITS.gguf_metadata_entries:
            raise Malformed(f"the header declares {pairs} metadata pairs")
        return tensors, pairs

    def text(self, limit: int = LIMITS.gguf_string) -> str:
        """Return a string of at most ``limit`` bytes."""
        length = self.length()
        if length > limit:
            raise Malformed(f"a string of {length} bytes")
        return self.source.exactly(length).decode("utf-8", "replace")

    def value(self, key: str) -> Any:
        """Return a scalar, a string, or a short list of strings; None for what has no use."""
        kind = self.u32()
        if kind == _STRING:
            wanted = key in _TEXT_FACTS or key.startswith("tokenizer.chat_template")
            return self.text() if wanted else self._skip_text()
        if kind == _ARRAY:
            return self._array(keep=key in _LIST_FACTS, key=key)
        code = _SCALARS.get(kind)
        if code is None:
            raise Malformed(f"metadata {printable(key)} has the unknown type {kind}")
        return struct.unpack(self.order + code, self.source.exactly(struct.calcsize(code)))[0]

    def _skip_text(self) -> None:
        length = self.length()
        if length > LIMITS.gguf_string:
            raise Malformed(f"a string of {length} bytes")
        self.source.skip(length)

    def _array(self, *, keep: bool, key: str) -> list[str] | int | None:
        """Return kept strings, or the length of ``tokenizer.ggml.tokens``; skip the rest."""
        kind, count = self.u32(), self.length()
        self._elements -= count
        if self._elements < 0:
            raise Malformed(f"metadata {printable(key)} is an array of {count} elements")
        if kind == _STRING:
            if keep and count <= LIMITS.fact_items:
                return [self.text(LIMITS.fact_text * 4) for _ in range(count)]
            self._skip_texts(count)
            return count if key == "tokenizer.ggml.tokens" else None
        code = _SCALARS.get(kind)
        if code is None:  # arrays of arrays exist in the text of the format, in no file
            raise Malformed(f"metadata {printable(key)} is an array of type {kind}")
        self.source.skip(count * struct.calcsize(code))
        return None

    def _skip_texts(self, count: int) -> None:
        """Skip an array of strings: vocabularies have hundreds of thousands."""
        unpack, width = self._length.unpack_from, self._length.size
        while count:
            window = self.source.peek(64 * 1024)
            at, last = 0, len(window) - width
            while count and at <= last:
                end = at + width + unpack(window, at)[0]
                if end > len(window):
                    break
                at = end
                count -= 1
            if at:
                self.source.skip(at)
            else:
                self._skip_text()
                count -= 1


def _facts(metadata: dict[str, Any], report: Report) -> None:
    for key, name in _TEXT_FACTS.items():
        value = metadata.get(key)
        if isinstance(value, str):
            report.declared(name, [value] if name == v.BASE_MODEL else value, key)
    for key, name in _LIST_FACTS.items():
        if isinstance(metadata.get(key), list):
            report.declared(name, metadata[key], key)
    family = metadata.get("general.architecture")
    if isinstance(family, str):
        for ending, name in _SIZES.items():
            key = f"{family}.{ending}"
            report.fact(name, _natural(metadata.get(key)), key)
    version = "general.quantization_version"
    report.fact(v.QUANTIZATION_VERSION, _natural(metadata.get(version)), version)
    report.fact(v.VOCABULARY_SIZE, _natural(metadata.get("tokenizer.ggml.tokens")), "tokens")
    kind = _natural(metadata.get("general.file_type"))
    report.fact(v.QUANTIZATION, _FILE_TYPES.get(-1 if kind is None else kind), "general.file_type")
    number, count = (_natural(metadata.get(f"split.{k}")) for k in ("no", "count"))
    if number is not None and count:
        report.fact(v.SHARD_NUMBER, number + 1, "split.no")
        report.fact(v.SHARD_COUNT, count, "split.count")


def _judge(key: str, template: str, report: Report) -> None:
    danger = judge_template(template)
    if danger:
        text = f"the chat template {printable(key)} uses {danger}"
        report.find("gguf-template", text, Level.ERROR, Verdict.DANGEROUS)


def _tensors(reader: _Reader, count: int, metadata: dict[str, Any], report: Report) -> None:
    elements: Counter[str] = Counter()
    end = 0
    for _ in range(count):
        name = reader.text(LIMITS.fact_text)
        dimensions = reader.u32()
        if dimensions > 8:
            raise Malformed(f"tensor {printable(name)} has {dimensions} dimensions")
        product = 1
        for _ in range(dimensions):
            product = min(product * reader.length(), 1 << 63)
        kind, offset = reader.u32(), reader.u64()
        known = TENSOR_TYPES.get(kind)
        if known is None:
            text = f"tensor {printable(name)} has the unknown type {kind}"
            report.find("gguf-unknown-type", text, Level.WARNING)
            elements["unknown"] += product
            continue
        label, block, size = known
        elements[label] += product
        end = max(end, offset + -(-product // block) * size)
    report.fact(v.TENSOR_COUNT, count, "header: tensor_count")
    if elements:
        report.fact(v.PARAMETERS, elements.total(), "tensor infos: shapes")
        report.fact(v.DTYPE, elements.most_common(1)[0][0], "tensor infos: type")
    _check_extent(reader.source, end, metadata, report)


def _check_extent(source: Source, end: int, metadata: dict[str, Any], report: Report) -> None:
    alignment = _natural(metadata.get("general.alignment")) or 32
    if alignment > 1 << 20:
        raise Malformed(f"the alignment is {alignment}")
    padding = -source.offset % alignment
    have = max(0, source.drain() - padding)  # a vocabulary alone is not padded
    if end > have:
        text = f"the tensors need {end} bytes, the file has {have} after its header"
        report.find("gguf-out-of-bounds", text)


def _natural(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None
