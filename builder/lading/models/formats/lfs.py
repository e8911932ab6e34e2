"""Git LFS pointers: what lies in a checkout in place of a file that was never fetched.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: lines of key and value, ``version``
first, shorter than 1024 bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.inventory import Level, Role, Verdict
from lading.models import vocabulary as v
from lading.models.stream import Malformed

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = ["START", "read_pointer"]

START: Final = b"version https://git-lfs.github.com/spec/v1\n"
_POINTER: Final = re.compile(
    rb"(?:[a-z0-9.-]+ [^\n]+\n)*?oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n"
)
_LONGEST: Final = 1024


def read_pointer(source: Source, report: Report, role: Role) -> None:
    """Say that the file is only a pointer, and to what.

    Raises:
        Malformed: it starts as a pointer and is none.
    """
    text = source.read(_LONGEST)
    found = _POINTER.match(text, len(START))
    if found is None or len(text) >= _LONGEST:
        raise Malformed("it starts as a Git LFS pointer and is none")
    report.role = role
    report.format = "lfs-pointer" if role in (Role.WEIGHTS, Role.DATA) else None
    size = int(found[2])
    report.fact(v.LFS_OID, found[1].decode(), "oid")
    report.fact(v.LFS_SIZE, size, "size")
    message = (
        f"the file is a Git LFS pointer to {size} bytes that were never fetched: "
        "run git lfs pull before the build"
    )
    report.find("lfs-pointer", message, Level.ERROR, Verdict.UNSCANNABLE)
