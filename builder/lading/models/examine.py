"""One file in, at most one record out: the bytes are read once, and hashed on the way."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from lading.limits import LIMITS
from lading.models.detect import reader_for
from lading.models.report import Report
from lading.models.stream import HashedSource, Malformed
from lading.models.suffixes import NEVER, SMALL

if TYPE_CHECKING:
    from lading.inventory import ModelFile
    from lading.models.readers import Reader
    from lading.models.stream import FileStream

__all__ = ["examine"]

#: What a parser may raise at bytes that nobody foresaw; a file is then unscannable.
_BAD_CONTENT = (ValueError, struct.error, RecursionError, OverflowError)


def examine(file: FileStream) -> ModelFile | None:
    """Return what a file is to a model, or None when it is nothing to any.

    Malformed content never raises: the record then says *unscannable*, and why. When None is
    returned the stream may have been read, in part or whole.

    Raises:
        InputError: the stream itself broke.
    """
    path = file.path
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    # A hidden name has no suffix; but a checkpoint that was saved to a directory has only that.
    suffix = name[dot:] if dot > 0 or name[:6] == ".data-" else ""
    if (suffix in NEVER and file.size < SMALL) or file.size == 0:
        return None
    name = name.lower()
    reader = reader_for(path, name, suffix.lower(), file.peek(LIMITS.sniff_bytes), file.size)
    return None if reader is None else _read(file, reader)


def _read(file: FileStream, reader: Reader) -> ModelFile | None:
    report = Report(file.path, file.size)
    source = HashedSource(file)
    try:
        if reader(source, report) is False:
            return None
    except _BAD_CONTENT as error:
        what = str(error) if isinstance(error, Malformed) else type(error).__name__
        report.find("unscannable", f"cannot be read as {report.format or 'what it is'}: {what}")
    return report.file(source.sha256())
