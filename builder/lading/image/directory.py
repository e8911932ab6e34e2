"""Directories on this machine as layers: an engine's layer directories, and ``dir:`` targets.

Links are never followed, other kinds than regular files never opened; the walk is in the order in
which engines write layers (names sorted bytewise, a directory before what is in it), so that the
first name of hard-linked bytes is the same whichever way a layer is read.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from lading.errors import InputError, LimitError
from lading.image.interface import EntryKind
from lading.image.paths import WHITEOUT_PREFIX, whiteout
from lading.image.streams import check_expansion
from lading.image.tar_entry import read_entry
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["FileEntry", "walk"]

_OPAQUE_MARKS = ("trusted.overlay.opaque", "user.overlay.opaque")
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class FileEntry:
    """One entry of a directory; satisfies :class:`lading.image.interface.Entry`."""

    __slots__ = ("_at", "_descriptor", "_file", "_status", "kind", "mode", "path", "size", "target")

    def __init__(
        self, path: str, kind: EntryKind, mode: int = 0, target: str = "", file: bytes = b""
    ) -> None:
        self.path = path
        self.kind = kind
        self.size = 0
        self.mode = stat.S_IMODE(mode)
        self.target = target
        self._file = file
        self._status: os.stat_result | None = None
        self._descriptor = -1
        self._at = 0

    def __repr__(self) -> str:
        return f"<{self.kind.value} {self.path!r}, {self.size} bytes>"

    @classmethod
    def regular(cls, path: str, file: bytes, status: os.stat_result) -> FileEntry:
        """Return the entry of a regular file that will be read from ``file``."""
        entry = cls(path, EntryKind.FILE, status.st_mode, file=file)
        entry.size = status.st_size
        entry._status = status
        return entry

    def peek(self, size: int) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        size = min(size, LIMITS.sniff_bytes, self.size - self._at)
        if size <= 0:
            return b""
        try:
            found = os.pread(self._open(), size, self._at)
        except OSError as error:
            raise self._unreadable(error) from None
        if len(found) < size:
            raise self._changed()
        return found

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the beginning of ``buffer``; 0 only at the end (or for an empty buffer)."""
        wanted = min(len(buffer), self.size - self._at)
        if wanted <= 0:
            return 0
        try:
            count = os.preadv(self._open(), [buffer[:wanted]], self._at)
        except OSError as error:
            raise self._unreadable(error) from None
        if not count:
            raise self._changed()
        self._at += count
        return count

    def read(self, size: int = -1) -> bytes:
        """See :class:`lading.image.interface.Entry`."""
        return read_entry(self, size)

    def some(self, size: int) -> bytes:
        """Return between 1 and ``size`` next bytes, without a copy; ``b""`` at the end."""
        size = min(size, self.size - self._at)
        if size <= 0:
            return b""
        try:
            piece = os.pread(self._open(), size, self._at)
        except OSError as error:
            raise self._unreadable(error) from None
        if not piece:
            raise self._changed()
        self._at += len(piece)
        return piece

    def _open(self) -> int:
        if self._descriptor < 0:
            if self._status is None:
                raise ValueError("an entry can be read only until the next one is asked for")
            check_expansion(self.size, self.size, _decoded(self._file))
            self._descriptor = os.open(self._file, _FLAGS)
            if not os.path.samestat(os.fstat(self._descriptor), self._status):
                raise self._changed()
        return self._descriptor

    def _unreadable(self, error: OSError) -> InputError:
        denied = error.errno in {errno.EACCES, errno.EPERM}
        return InputError(
            "a file cannot be read",
            where=_decoded(self._file),
            got=error.strerror,
            hint="run as a user who may read the whole tree" if denied else None,
        )

    def _changed(self) -> InputError:
        return InputError(
            "a file changed while it was read",
            where=_decoded(self._file),
            hint="nothing may write to the directory meanwhile",
        )

    def close(self) -> None:
        """End its readability; may be called twice."""
        self._status = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def walk(
    root: str, *, overlay: bool = False, leave_out: Collection[str] = ()
) -> Iterator[FileEntry]:
    """Yield what is below ``root``.

    Args:
        root: a directory.
        overlay: it is a layer's directory of overlayfs: 0/0 character devices are whiteouts, an
            xattr marks opaque directories, and ``.wh.`` names mean what they would in its tar.
        leave_out: paths not to yield or enter.

    Raises:
        InputError: a directory cannot be read.
        LimitError: more entries, or longer paths, than ``LIMITS`` allow.
    """
    base = os.fsencode(root)
    seen: dict[tuple[int, int], str] = {}
    skipped = {os.fsencode(path) for path in leave_out}
    todo = [_names(base)]
    count = 0
    try:
        opaque = overlay and _is_opaque(base)
    except OSError as error:
        raise _unreadable(base, error) from None
    if opaque:
        yield FileEntry("", EntryKind.OPAQUE)
    while todo:
        if not todo[-1]:
            todo.pop()
            continue
        relative = todo[-1].pop()
        if relative in skipped:
            continue
        count += 1
        _check(count, relative, root)
        file = base + b"/" + relative
        try:
            status = os.lstat(file)
            if stat.S_ISDIR(status.st_mode):
                todo.append(_names(file, relative + b"/"))
            found = _entries(relative, file, status, seen, overlay=overlay)
        except OSError as error:
            raise _unreadable(file, error) from None
        for entry in found:
            try:
                yield entry
            finally:
                entry.close()


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")


def _names(directory: bytes, prefix: bytes = b"") -> list[bytes]:
    """Return the names in a directory, last first, each after ``prefix``."""
    try:
        names = os.listdir(directory)  # noqa: PTH208 - bytes stay bytes
    except OSError as error:
        raise _unreadable(directory, error) from None
    return [prefix + name for name in sorted(names, reverse=True)]


def _check(count: int, relative: bytes, root: str) -> None:
    if count > LIMITS.tar_entries:
        raise LimitError(
            "a directory has too many entries", where=root, wanted=f"at most {LIMITS.tar_entries}"
        )
    if len(relative) > LIMITS.tar_path_length:
        raise LimitError(
            "a path in a directory is too long",
            where=root,
            got=f"{len(relative)} bytes",
            wanted=f"at most {LIMITS.tar_path_length}",
        )


def _entries(
    relative: bytes,
    file: bytes,
    status: os.stat_result,
    seen: dict[tuple[int, int], str],
    *,
    overlay: bool,
) -> list[FileEntry]:
    """Return what one name stands for; two things for an opaque directory."""
    path = _decoded(relative)
    mode = status.st_mode
    if stat.S_ISDIR(mode):
        entry = FileEntry(path, EntryKind.DIRECTORY, mode)
        if overlay and _is_opaque(file):
            return [entry, FileEntry(path, EntryKind.OPAQUE)]
        return [entry]
    if overlay and stat.S_ISCHR(mode) and status.st_rdev == 0:
        return [FileEntry(path, EntryKind.WHITEOUT)]
    if status.st_nlink > 1:
        first = seen.setdefault((status.st_dev, status.st_ino), path)
        if first != path:
            return [FileEntry(path, EntryKind.HARDLINK, mode, first)]
    if stat.S_ISLNK(mode):
        target = os.readlink(file)  # noqa: PTH115 - bytes stay bytes
        return [FileEntry(path, EntryKind.SYMLINK, mode, _decoded(target))]
    if not stat.S_ISREG(mode):
        return [FileEntry(path, EntryKind.OTHER, mode)]
    regular = FileEntry.regular(path, file, status)
    if overlay and WHITEOUT_PREFIX in path and (marked := whiteout(path, path)):
        hidden = FileEntry(marked[1], marked[0])
        return [regular, hidden] if regular.size else [hidden]
    return [regular]


def _is_opaque(directory: bytes) -> bool:
    for name in _OPAQUE_MARKS:
        try:
            if os.getxattr(directory, name, follow_symlinks=False) == b"y":
                return True
        except OSError as error:
            if error.errno not in {errno.ENODATA, errno.ENOTSUP, errno.EPERM}:
                raise
    return False


def _unreadable(file: bytes, error: OSError) -> InputError:
    denied = error.errno in {errno.EACCES, errno.EPERM}
    return InputError(
        "a directory cannot be read",
        where=_decoded(file),
        got=error.strerror,
        hint="run as a user who may read the whole tree" if denied else None,
    )
