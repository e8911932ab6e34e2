"""Git LFS pointers: the small texts that stand for large files.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: at most 1024 bytes, ``version`` first,
the other keys sorted; only the SHA-256 form is in use.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["POINTER_SIZE", "Pointer", "parse_pointer"]

POINTER_SIZE = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-\d-\S+ \S+\n)*"
    rb"oid sha256:(?P<oid>[0-9a-f]{64})\nsize (?P<size>\d{1,15})\n?"
)


@dataclass(frozen=True, slots=True)
class Pointer:
    """What a pointer stands for: SHA-256 (hexadecimal) and bytes."""

    sha256: str
    size: int


def parse_pointer(content: bytes) -> Pointer | None:
    """Return the pointer that ``content`` is, or None."""
    found = _POINTER.fullmatch(content) if len(content) < POINTER_SIZE else None
    return None if found is None else Pointer(found["oid"].decode(), int(found["size"]))
