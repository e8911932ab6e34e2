"""Thinc's models, as spaCy pipelines keep them: MessagePack of nodes, attributes, parameters.

``Model.to_bytes`` of explosion/thinc writes a map of ``nodes``, ``attrs``, ``params`` and
``shims``; arrays in it are msgpack-numpy's maps with ``nd``, ``type``, ``kind``, ``shape``,
``data``. A shim is bytes of another framework's: Thinc gives those of PyTorch to ``torch.load``,
those of Keras to Keras, without further ado. So each binary value is looked at as if it were a
file, and MessagePack in MessagePack as well.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import vocabulary as v
from lading.models.formats import archives, hdf5, msgpack, torch
from lading.models.pickles.scan import imports_danger, passes_for_pickle, scan_all
from lading.models.stream import Limited, Malformed, Source

if TYPE_CHECKING:
    from lading.models.report import Report

__all__ = ["looks_like", "parse"]

FORMAT: Final = "spacy"
#: A map whose first key is one of the four: nobody demands an order.
_START: Final = re.compile(
    rb"(?:[\x81-\x8f]|\xde..|\xdf....)(?:[\xa5\xa6]|\xd9.|\xda..|\xdb....)(?:nodes|attrs|params|shims)",
    re.DOTALL,
)
_NESTED: Final = 4
#: Binary values of a file that are looked at, which costs microseconds each.
_LOOKED_AT: Final = 65_536
_MAPS: Final = (*range(0x81, 0x90), 0xDE, 0xDF)


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a map of a model's parts."""
    return _START.match(head) is not None


def parse(source: Source, report: Report) -> None:
    """Note a component's weights, and look at what is in them.

    Raises:
        Malformed: the walk does not come to the end of the map.
    """
    report.format = FORMAT
    report.fact(v.LIBRARY, "spacy", "")
    _Walk(source, report, 0).run()
    if not source.at_end():
        raise Malformed("bytes follow the model")


class _Walk:
    """Goes from value to value; a name is one, too."""

    def __init__(
        self, source: Source, report: Report, depth: int, binaries: Counter[str] | None = None
    ) -> None:
        self._source = source
        self._report = report
        self._depth = depth
        self._binaries = Counter() if binaries is None else binaries  # of all walks together

    def run(self) -> None:
        """Walk one value with all that is in it."""
        left = 1  # values that are still to come, whatever they are nested in
        for _ in range(LIMITS.json_members):
            if not left:
                return
            left += self._value() - 1
        raise Malformed(f"more than {LIMITS.json_members} values")

    def _value(self) -> int:
        """Read the next value's beginning, and all of a plain one; return how many it holds."""
        kind, size = msgpack.begin(self._source)
        if kind == msgpack.MAP:
            return 2 * size
        if kind == msgpack.ARRAY:
            return size
        if kind == msgpack.BINARY:
            self._binary(size)
        else:
            self._source.skip(size + (kind == msgpack.EXTENSION))  # whose type is a byte
        return 0

    def _binary(self, size: int) -> None:
        self._binaries["seen"] += 1
        if self._binaries["seen"] > _LOOKED_AT:
            raise Malformed(f"more than {_LOOKED_AT} binary values")
        content = Limited(self._source, size)
        found = self._report.inside(f"{self._source.offset}", size)
        try:
            self._look(content, found)
        except Malformed as error:
            found.find("unscannable", f"cannot be read as {found.format}: {error}")
        self._report.absorb(found)
        content.drain()

    def _look(self, content: Source, found: Report) -> None:
        """Read bytes as what another framework would take them for."""
        head = content.peek(LIMITS.sniff_bytes)
        found.format = "what it is"
        if head.startswith(b"PK\x03\x04"):
            archives.parse(content, found)
        elif head.startswith(hdf5.MAGIC):
            hdf5.parse(content, found)
        elif head.startswith(torch.LEGACY_HEAD):
            torch.parse_legacy(content, found)
        elif imports_danger(head) or (head[:1] == b"\x80" and passes_for_pickle(head)):
            scan_all(content, found)
        elif head[:1] and head[0] in _MAPS and self._depth < _NESTED:
            self._deeper(content, found)

    def _deeper(self, content: Source, found: Report) -> None:
        with contextlib.suppress(Malformed):  # they were an array's bytes
            _Walk(content, found, self._depth + 1, self._binaries).run()
