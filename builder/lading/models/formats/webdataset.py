"""WebDataset: a tar whose members are samples, a name each and one suffix per part.

https://github.com/webdataset/webdataset: ``0001.jpg``, ``0001.cls``, ``0002.jpg`` … in a row.
Any other tar is none: the first sample must have two parts, and another must follow it.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.report import printable
from lading.models.tars import BLOCK, header_of

if TYPE_CHECKING:
    from lading.models.report import Report

__all__ = ["Samples", "looks_like"]

FORMAT: Final = "webdataset"
_REGULAR: Final = (b"0", b"\x00")
#: Parts of samples: what is looked at, and what is known about it.
_MEDIA_WORDS: Final = """
jpg jpeg png webp ppm pgm pbm gif bmp tiff flac wav mp3 ogg m4a opus mp4 avi mov mkv npy npz pth
pt pyd pickle pkl ten tensor mp msgpack depth.png seg.png
"""
_LABELS_WORDS: Final = "cls cls2 index inx id json jsn txt text transcript caption"
_MEDIA: Final = frozenset(_MEDIA_WORDS.split())
_LABELS: Final = frozenset(_LABELS_WORDS.split())
_NAME: Final = re.compile(r"([^.]+)\.(.+)\Z")


def looks_like(head: bytes) -> bool:
    """Whether ``head`` starts a tar whose first member may be a part of a sample."""
    header = header_of(head[:BLOCK])
    if header is None or header.kind not in _REGULAR:
        return False
    part = _part(header.name)
    return part is not None and part[1] in _MEDIA | _LABELS


def _part(name: str) -> tuple[str, str] | None:
    """Return sample and suffix of a member's name."""
    directory, base = posixpath.split(name)
    found = _NAME.match(base)
    return (posixpath.join(directory, found[1]), found[2].lower()) if found else None


class Samples:
    """Counts samples; the first decides whether the rest is looked at."""

    def __init__(self) -> None:
        self.count = 0
        self.parts: set[str] = set()
        self._first: set[str] = set()
        self._current = ""

    def add(self, name: str) -> bool:
        """Take the next member; False when it is no part of a sample."""
        part = _part(name)
        if part is None or part[1] not in _MEDIA | _LABELS:
            return False
        if part[0] != self._current:
            self._current = part[0]
            self.count += 1
            if self.count == 2 and not self.plausible():
                return False
        if self.count == 1:
            self._first.add(part[1])
        self.parts.add(part[1])
        return True

    def plausible(self) -> bool:
        """Whether samples have two parts, one of them a label: a folder of pictures has not."""
        return self.count >= 2 and len(self._first) >= 2 and bool(self._first & _LABELS)

    def describe(self, report: Report) -> None:
        """Say that the file is a data set, and of what parts."""
        report.forget()
        report.format, report.role = FORMAT, Role.DATA
        report.fact(v.ROWS, self.count, "members")
        report.fact(v.COLUMNS, sorted(printable(one) for one in self.parts), "members")
