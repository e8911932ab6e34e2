"""HDF5 files of Keras: searched, not navigated.

HDF5's object headers lie anywhere, so a stream cannot follow them. What matters is found by what
it looks like: the configuration is one JSON text wherever it is stored, and the header of a
dataset begins with fixed bytes (HDF5 File Format Specification 3.0, IV.A.1 and IV.A.2.b).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.formats.keras import ConfigSearch
from lading.models.stream import Truncated

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["MAGIC", "SUFFIXES", "behind_block", "parse"]

FORMAT: Final = "hdf5"
#: Suffixes under which a superblock is looked for however far behind it lies.
SUFFIXES: Final = frozenset({".h5", ".hdf5", ".hdf"})
MAGIC: Final = b"\x89HDF\r\n\x1a\n"

#: A dataspace message of version 1 with a datatype message after it, as h5py writes them first:
#: type 1, size, no flags; version 1, rank, whether maxima follow; extents; then type 3.
_DATASPACE: Final = re.compile(
    rb"\x01\x00[\x00-\xff]\x00[\x00\x01]\x00\x00\x00\x01([\x00-\x08])([\x00\x01])\x00{5}"
)
_KERAS: Final = (b"keras_version", b"model_config", b"layer_names", b"weight_names")
#: Groups of weights on their own, which have no attribute that speaks of Keras.
_WEIGHTS: Final = (b"layers\x00", b"vars\x00")
_OPTIMIZER: Final = b"optimizer_weights"
_VERSION: Final = re.compile(rb"keras_version[\x00-\xff]{1,160}?(\d+\.\d+\.\d+(?:-\w+)?)")


def behind_block(head: bytes) -> bool:
    """Whether the superblock lies behind a block of the user's that is not longer than ``head``.

    Readers look for it at byte 0, 512, and every power of two from there on (II.A).
    """
    return any(head[at : at + 8] == MAGIC for at in (512, 1024, 2048))


def _superblock(source: Source) -> bool:
    """Step to the superblock; False, all consumed, when there is none."""
    at = 0
    while source.peek(len(MAGIC)) != MAGIC:
        to = 2 * at or 512
        try:
            source.skip(to - at)
        except Truncated:
            return False
        at = to
    return True


def parse(source: Source, report: Report, name: str = "") -> bool:
    """Search for Keras' configuration and for datasets; False when it is not Keras'.

    ``name`` is that of a member of an archive, when it is not the report's file itself.
    """
    report.format = FORMAT
    start = source.offset
    if not _superblock(source):
        return False
    search = _Search(report, weights=(name.lower() or report.named).endswith(".weights.h5"))
    search.run(source, start)
    return search.finish()


class _Search:
    def __init__(self, report: Report, *, weights: bool) -> None:
        self._report = report
        self._wanted = set(_WEIGHTS) if weights else {b""}  # what is still to be seen
        self._config = ConfigSearch(report)
        self._elements: Counter[str] = Counter()
        self._datasets = 0
        self._missing = 0
        self._keras = False
        self._optimizer = False

    def run(self, source: Source, start: int) -> None:
        """Look at every byte of a file that began at ``start`` once; pieces overlap.

        The superblock says where the file ends; what ends before is noted once all was seen.
        """
        declared = _declared_end(source.peek(64))
        overlap = b""
        while piece := source.some():
            window = overlap + piece
            self._marks(window)
            self._dataspaces(window, len(overlap))
            self._config.feed(piece)
            overlap = window[-512:]
        self._config.finish()
        self._missing = max(0, declared - (source.offset - start))

    def _marks(self, window: bytes) -> None:
        """Look for what was not seen yet: each look at gigabytes costs as much as a hash."""
        if not self._keras and any(mark in window for mark in _KERAS):
            self._keras = True
            found = _VERSION.search(window)
            if found:
                self._report.fact(v.FRAMEWORK_VERSION, found[1].decode(), "keras_version")
        self._wanted = {mark for mark in self._wanted if not mark or mark not in window}
        self._optimizer = self._optimizer or _OPTIMIZER in window

    def _dataspaces(self, window: bytes, seen: int) -> None:
        """Count datasets; ``seen`` bytes of the window were looked at before."""
        for found in _DATASPACE.finditer(window):
            rank, maxima = found[1][0], found[2][0]
            after = found.end() + rank * 8 * (1 + maxima)
            kind = window[after : after + 2]
            whole = after + 20 <= len(window)
            if not whole or after + 20 <= seen or kind != b"\x03\x00":
                continue
            bits = _float_bits(window[after + 8 : after + 20])
            if bits:
                elements = 1
                for at in range(found.end(), found.end() + rank * 8, 8):
                    elements *= int.from_bytes(window[at : at + 8], "little")
                if rank and elements < 1 << 48:
                    self._datasets += 1
                    self._elements[bits] += elements

    def finish(self) -> bool:
        """Note the facts; False when nothing is Keras'."""
        if not self._keras and not self._config.found and self._wanted:
            return False
        report = self._report
        if self._missing:
            report.find("unscannable", f"the file ends {self._missing} bytes too early")
        report.fact(v.LIBRARY, "keras", "attributes")
        if self._datasets and not self._optimizer:
            # With an optimizer's state in the file, not every dataset is a parameter.
            report.fact(v.TENSOR_COUNT, self._datasets, "datasets")
            report.fact(v.PARAMETERS, self._elements.total(), "datasets: dataspaces")
        if self._elements:
            report.fact(v.DTYPE, self._elements.most_common(1)[0][0], "datasets: datatypes")
        return True


def _declared_end(head: bytes) -> int:
    """Return the end-of-file address of a superblock (II.A), 0 of an unknown version."""
    if len(head) < 52:
        return 0
    places = {0: (13, 40), 1: (13, 44), 2: (9, 28), 3: (9, 28)}
    width_at, end_at = places.get(head[8], (0, 0))
    if head[width_at] != 8:
        return 0
    return int.from_bytes(head[end_at : end_at + 8], "little")


def _float_bits(datatype: bytes) -> str | None:
    """Return the name of a floating-point datatype, by its class and size."""
    if len(datatype) < 8 or datatype[0] & 0x0F != 1:
        return None
    return {2: "F16", 4: "F32", 8: "F64"}.get(int.from_bytes(datatype[4:8], "little"))
