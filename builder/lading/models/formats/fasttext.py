"""fastText's ``.bin`` and ``.ftz``; ``FastText::signModel`` and ``Args::save``.

Little-endian: magic, version, thirteen arguments, then the dictionary's sizes.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "parse"]

FORMAT: Final = "fasttext"
MAGIC: Final = struct.pack("<i", 793_712_314)
_HEADER: Final = struct.Struct("<i12id")
_DICTIONARY: Final = struct.Struct("<iii")
_NEWEST: Final = 12
_MODELS: Final = {1: "cbow", 2: "skipgram", 3: "supervised"}


def parse(source: Source, report: Report) -> None:
    """Read arguments and the sizes of the dictionary."""
    report.format = FORMAT
    report.fact(v.LIBRARY, "fasttext", "magic")
    source.exactly(4)
    version, dimensions, *arguments = _HEADER.unpack(source.exactly(_HEADER.size))
    if not 1 <= version <= _NEWEST or dimensions <= 0 or arguments[6] not in _MODELS:
        raise Malformed(f"version {version}, {dimensions} dimensions, model {arguments[6]}")
    report.fact(v.FORMAT_VERSION, str(version), "version")
    report.fact(v.ARCHITECTURE, _MODELS[arguments[6]], "args.model")
    if arguments[6] == 3:
        report.fact(v.TASK, "text-classification", "args.model")
    size, words, labels = _DICTIONARY.unpack(source.exactly(_DICTIONARY.size))
    if size != words + labels or words < 0 or labels < 0:
        raise Malformed(f"the dictionary has {size} entries: {words} words, {labels} labels")
    report.fact(v.VOCABULARY_SIZE, words, "dictionary")
    # A quantised file says so only behind its dictionary, but it has a suffix of its own.
    if not report.named.endswith(".ftz"):
        buckets = max(0, arguments[7])
        outputs = labels if arguments[6] == 3 else words
        report.fact(v.PARAMETERS, (words + buckets + outputs) * dimensions, "args, dictionary")
        report.fact(v.DTYPE, "F32", "")
