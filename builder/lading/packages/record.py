"""RECORD: which files a Python distribution installed, with their digests.

Format: https://packaging.python.org/specifications/recording-installed-packages/#the-record-file
"""

from __future__ import annotations

import binascii
import csv
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Record", "Row", "parse_record", "resolve"]


_ALGORITHM: Final = "sha256="
_URLSAFE: Final = bytes.maketrans(b"+/", b"-_")
_HOME: Final = "../../"
#: Ends of the directories from which RECORDs truly climb.
_HOMES: Final = ("-packages", "lib/python", "lib64/python")


class Row(NamedTuple):
    """One installed file. A tuple, for there are tens of thousands, most asked for their path."""

    path: str  # relative to the root of the image
    digest: str  # as written
    size: int | None

    @property
    def sha256(self) -> str | None:
        """The digest in hexadecimal; None when the row has no SHA-256."""
        return _sha256(self.digest)

    def has(self, digest: bytes) -> bool:
        """Say whether this is the row's SHA-256; asked for every file that was installed."""
        text = binascii.b2a_base64(digest, newline=False).translate(_URLSAFE)
        return self.digest == _ALGORITHM + text[:43].decode() or self.sha256 == digest.hex()


@dataclass(frozen=True, slots=True)
class Record:
    """The rows of one RECORD, and what was wrong with it."""

    rows: tuple[Row, ...]
    escaping: tuple[str, ...] = ()  # paths that climb out of the image, as written
    broken: str | None = None  # why reading stopped early


def parse_record(content: bytes, site: str, limit: int = LIMITS.record_rows) -> Record:
    """Read the rows of a RECORD whose paths are relative to the directory ``site``.

    Never fails on bad content: reading stops, with the reason, at what is not a RECORD, and at
    ``limit`` rows.
    """
    if b"\0" in content:
        return Record((), broken="it has NUL bytes")
    rows: list[Row] = []
    escaping: list[str] = []
    broken: str | None = None
    try:
        for fields in _rows(content):
            if len(rows) >= limit:
                broken = f"it has more than {limit} rows"
                break
            path = resolve(site, fields[0])
            if path is None:
                escaping.append(fields[0][:200])
                continue
            digest = fields[1] if len(fields) > 1 else ""
            size = fields[2] if len(fields) > 2 else ""
            rows.append(
                Row(path, digest, int(size) if size.isdecimal() and len(size) < 20 else None)
            )
    except csv.Error as error:
        broken = f"it is not CSV: {error}"
    return Record(tuple(rows), tuple(escaping), broken)


def resolve(site: str, path: str) -> str | None:
    """Return ``path``, as written in a RECORD in ``site``, relative to the image; None if outside.

    Absolute paths (files outside the site directory) are the image's. ``pip install --target``
    writes RECORD as if for ``lib/python`` of a home, and then moves all of it to one directory.
    """
    if path.startswith(_HOME) and not site.endswith(_HOMES):
        path = path.removeprefix(_HOME)
    if path.startswith("/"):
        joined = path
    else:
        joined = f"{site}/{path}" if site else path
        if ".." not in path and "./" not in path and "//" not in path:
            return joined
    parts: list[str] = []
    for part in joined.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts) or None


def _rows(content: bytes) -> Iterator[list[str]]:
    text = content.decode("utf-8", "surrogateescape")
    return (row for row in csv.reader(text.splitlines(keepends=True)) if row and row[0])


def _sha256(field: str) -> str | None:
    """Return the hexadecimal digest of ``sha256=<urlsafe base64 without padding>``."""
    if not field.startswith(_ALGORITHM) or len(field) != 50:
        return None
    try:
        digest = urlsafe_b64decode(field[7:] + "=")
    except (binascii.Error, ValueError):
        return None
    return digest.hex() if len(digest) == 32 else None
