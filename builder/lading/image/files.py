"""Regular files of ours as streams: by ``pread``, so that several readers share one descriptor."""

from __future__ import annotations

import os
import stat

from lading.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FilePart", "open_file"]


def open_file(path: Path | str) -> tuple[int, int]:
    """Return a descriptor and the size of a regular file.

    Raises:
        InputError: missing, unreadable, or no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise InputError("the file cannot be opened", where=str(path), got=error.strerror) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise InputError("this is no regular file", where=str(path), wanted="an archive")
    return descriptor, status.st_size


class FilePart:
    """A stretch of an open file; a :class:`lading.image.streams.Readable` that can skip.

    Attributes:
        position: of the next byte, in the whole file.
    """

    def __init__(self, descriptor: int, start: int, end: int) -> None:
        self._descriptor = descriptor
        self._end = end
        self.position = start

    def readinto(self, buffer: memoryview, /) -> int:
        """See :class:`lading.image.streams.Readable`."""
        room = self._end - self.position
        try:
            count = os.preadv(self._descriptor, [buffer[:room]], self.position) if room > 0 else 0
        except OSError as error:
            raise InputError("a file cannot be read", got=error.strerror) from None
        self.position += count
        return count

    def skip(self, count: int) -> int:
        """Leave out up to ``count`` bytes; return how many there were."""
        count = min(count, self._end - self.position)
        self.position += count
        return count
