"""Java archives, cut down to what tells which libraries are in them.

A stand-in for a ``.jar`` (``.war``, ``.ear`` …, or a ``.zip`` around them) has the manifest,
Maven's ``pom.properties`` and ``pom.xml``, licence files, and the archives inside it, cut down
likewise. Classes and resources, nearly all of the bytes, are dropped.

A zip's directory is at its end, so the archive is put aside while it is read: in memory when it is
small, else in a temporary file that has no name.
"""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from lading.limits import LIMITS
from lading.packages.rules import LICENSE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.packages.capture import File

__all__ = ["JAVA_SUFFIXES", "cut_down", "is_java_archive"]

# fmt: off
JAVA_SUFFIXES = frozenset((
    "jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar", "far", "lpkg", "rar", "zap",
))
# fmt: on
_SURE = frozenset(("jar", "war", "ear"))  # whatever they begin with; the others must be zips
_ZIP = b"PK\x03\x04"
_SCRIPT = b"#!"  # a launcher in front of the zip
_INNER = re.compile(rb"\.(?:%s)" % "|".join(sorted(JAVA_SUFFIXES)).encode("ascii"))
_MEMORY = 16 * 1024 * 1024
_CHUNK = 1024 * 1024
_END = b"PK\x05\x06"
_END_SEARCH = 66_000
_LEAST_ENTRY = 46  # bytes of one entry in the directory, without its name
_ENTRY_BYTES = 16 * 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)


def is_java_archive(file: File, suffix: str) -> bool:
    """Return whether a file with this suffix may be a Java archive; consumes nothing.

    A ``.zip`` is taken for one that holds Java archives when its first entries show one.
    """
    if suffix in _SURE:
        return True
    if suffix != "zip":
        return file.peek(4).startswith((_ZIP, _SCRIPT))
    return file.peek(4) == _ZIP and _INNER.search(file.peek(LIMITS.sniff_bytes)) is not None


class _UnreadableError(Exception):
    """The archive is not one."""


class _ExcessiveError(_UnreadableError):
    """The archive is larger inside, or nested deeper, than it may be."""


def cut_down(file: File) -> bytes | None:
    """Read ``file`` to its end; return the stand-in, empty when nothing in it is of use.

    None when it cannot be read as a zip, or is larger inside than ``limits.py`` allows.

    Raises:
        InputError: the source ended before the file did.
    """
    with tempfile.SpooledTemporaryFile(max_size=_MEMORY) as aside:
        while chunk := file.read(_CHUNK):
            aside.write(chunk)
        budget = _Budget()
        try:
            return _cut(aside, budget, LIMITS.archive_nesting)
        except _UnreadableError:
            return None


class _Budget:
    """How much may still be inflated of one outermost archive."""

    def __init__(self) -> None:
        self.left = LIMITS.archive_inflated

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise _ExcessiveError


def _cut(aside: IO[bytes], budget: _Budget, depth: int) -> bytes:
    _check_directory(aside)
    kept: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(aside) as source:
            for entry in source.infolist():
                content = _content(source, entry, budget, depth)
                if content is not None:
                    kept[entry.filename] = content
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, OverflowError) as error:
        raise _UnreadableError from error
    except (NotImplementedError, RuntimeError) as error:  # a method or cipher that is not known
        raise _UnreadableError from error
    if not kept:
        return b""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name, content in kept.items():
            target.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _content(
    source: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget, depth: int
) -> bytes | None:
    """Return what the stand-in holds of one entry; None when it is dropped."""
    name = entry.filename
    if entry.is_dir():
        return None
    if name.rpartition(".")[2] in JAVA_SUFFIXES and "." in name:
        return _nested(source, entry, budget, depth)
    if not _says_something(name):
        return None
    with source.open(entry) as opened:
        content = opened.read(_ENTRY_BYTES + 1)
    budget.take(len(content))
    if len(content) > _ENTRY_BYTES:
        raise _ExcessiveError
    return content


def _nested(
    source: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: _Budget, depth: int
) -> bytes | None:
    if depth <= 0:
        raise _ExcessiveError
    with (
        source.open(entry) as opened,
        tempfile.SpooledTemporaryFile(max_size=_MEMORY) as aside,
    ):
        for chunk in _chunks(opened):
            budget.take(len(chunk))
            aside.write(chunk)
        try:
            return _cut(aside, budget, depth - 1) or None
        except _ExcessiveError:
            raise
        except _UnreadableError:
            return None  # named like an archive, and is none: syft finds nothing in it either


def _chunks(opened: IO[bytes]) -> Iterator[bytes]:
    while chunk := opened.read(_CHUNK):
        yield chunk


def _says_something(name: str) -> bool:
    if name.endswith(("pom.properties", "pom.xml")) or name.lstrip("/") == "META-INF/MANIFEST.MF":
        return True
    folder, _, base = name.lstrip("/").rpartition("/")
    return folder.lower() in ("", "meta-inf") and LICENSE_NAME.match(base) is not None


def _check_directory(aside: IO[bytes]) -> None:
    """Refuse a zip whose directory is too long, before a library reads it into memory."""
    size = aside.seek(0, io.SEEK_END)
    aside.seek(max(0, size - _END_SEARCH))
    tail = aside.read(_END_SEARCH)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < 22:
        raise _UnreadableError
    length = int.from_bytes(tail[at + 12 : at + 16], "little")  # 0xFFFFFFFF: it is elsewhere
    if min(length, size) > LIMITS.archive_entries * _LEAST_ENTRY:
        raise _ExcessiveError
    aside.seek(0)
