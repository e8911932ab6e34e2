"""Objects that R and Lua's Torch write whole: listed, and not read.

Reading one back makes what it holds: in R also closures and promises (CVE-2024-27322), in Torch
functions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import vocabulary as v
from lading.models.unpack import peek_inside, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["by_suffix"]

#: Where R and its packages keep data, help and indexes of their own.
_R_PLACE: Final = re.compile(r"(?:^|/)(?:lib\d*/R|[\w.-]*-library|renv/library|packrat/lib)/")
_R: Final = re.compile(rb"RD[XAB][23]\n|[XB]\n\x00\x00\x00[\x02\x03]|A\n[23]\n")
_TORCH7: Final = re.compile(
    rb"\x04\x00\x00\x00.{4}\x03\x00\x00\x00V 1|4\n\d{1,9}\n3\nV 1\n", re.DOTALL
)


def parse_r(source: Source, report: Report) -> bool:
    """List what R's ``saveRDS`` or ``save`` wrote; False when it is something else."""
    inside = unpacked(source, report) or source
    if not _R.match(inside.peek(16)):
        return False
    report.format = "r-data"
    report.fact(v.LIBRARY, "r", "")
    report.find("unscannable", "R evaluates promises and keeps functions in it: it is not read")
    return True


def parse_torch7(source: Source, report: Report) -> None:  # noqa: ARG001 - only its digest counts
    """List what Lua's ``torch.save`` wrote."""
    report.format = "torch7"
    report.fact(v.LIBRARY, "torch7", "")
    report.find("unscannable", "objects of Torch may hold functions in Lua: they are not read")


def by_suffix(
    path: str, suffix: str, head: bytes
) -> Callable[[Source, Report], bool | None] | None:
    """Decide about what has a suffix of R's or Torch's; None when it is something else."""
    if suffix == ".t7":
        return parse_torch7 if _TORCH7.match(head) else None
    if _R_PLACE.search(path):
        return None
    inside = peek_inside(head, 16)
    # A whole block of bzip2 may be longer than what is at hand.
    if _R.match(inside or head) or (not inside and head[:3] in (b"BZh", b"\xfd7z")):
        return parse_r
    return None
