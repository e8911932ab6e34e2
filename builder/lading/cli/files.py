"""Result files: whole, or what was there before."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from lading.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["insist_on_place", "write_file"]


def insist_on_place(path: Path) -> None:
    """Refuse a path where no result file can be, before the work that it is the result of.

    Raises:
        InputError: it is a directory, or in one that is not there or takes no files.
    """
    there = path.exists()  # a pipe of the shell's has no other name than this one
    directory = path.resolve().parent
    if path.is_dir():
        why, wanted = "it is a directory", "the path of a file"
    elif there and not os.access(path, os.W_OK):
        why, wanted = "it may not be written", "a file that you may write"
    elif not there and not directory.is_dir():
        why, wanted = f"there is no directory {directory}", "a directory that is there"
    elif not there and not os.access(directory, os.W_OK):
        why, wanted = f"you may not write to {directory}", "a directory that you may write to"
    else:
        return
    raise InputError("The file cannot be written", where=str(path), got=why, wanted=wanted)


def write_file(path: Path, content: bytes) -> None:
    """Write a result file; one that was there is replaced when all of the new one is written.

    Links are followed, and permissions kept. A device, a pipe, a file of several names or of
    somebody else, and one in a directory that takes no files, are written where they are.

    Raises:
        InputError: it cannot be written.
    """
    try:
        if not _replaceable(path) or not _replaced(path.resolve(), content):
            path.write_bytes(content)
    except OSError as error:
        raise InputError(
            "The file cannot be written", where=str(path), got=error.strerror
        ) from error


def _replaceable(path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return True
    alone = status.st_nlink == 1 and status.st_uid == os.geteuid()
    return stat.S_ISREG(status.st_mode) and alone and os.access(path, os.W_OK)


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
