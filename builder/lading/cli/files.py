"""Result files: whole, or what was there before."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from lading.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_file"]


def write_file(path: Path, content: bytes) -> None:
    """Write a result file; one that was there is replaced when all of the new one is written.

    Links are followed, and permissions kept. A device, a pipe, a file of several names or of
    somebody else, and one in a directory that takes no files, are written where they are.

    Raises:
        InputError: it cannot be written.
    """
    try:
        place = path.resolve()
        if not _replaceable(place) or not _replaced(place, content):
            path.write_bytes(content)
    except OSError as error:
        raise InputError(
            "The file cannot be written", where=str(path), got=error.strerror
        ) from error


def _replaceable(place: Path) -> bool:
    try:
        status = place.stat()
    except FileNotFoundError:
        return True
    alone = status.st_nlink == 1 and status.st_uid == os.geteuid()
    return stat.S_ISREG(status.st_mode) and alone and os.access(place, os.W_OK)


def _replaced(place: Path, content: bytes) -> bool:
    """Write beside and rename; False where no other name may be made."""
    beside = place.with_name(f".lading-{os.urandom(8).hex()}.tmp")
    try:
        file = beside.open("xb")
    except PermissionError:
        return False
    try:
        with file:
            with suppress(FileNotFoundError):
                beside.chmod(stat.S_IMODE(place.stat().st_mode))
            file.write(content)
        beside.replace(place)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return True
