"""Files under ``$XDG_CACHE_HOME/lading``: written whole or not at all, read within a bound.

A cache that cannot be read or written only costs time, so no function here raises ``OSError``.
Paths are text here, and may be objects: who only looks whether something is kept waits for no
``pathlib``.
"""

from __future__ import annotations

import os
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Place: TypeAlias = str | os.PathLike[str]

__all__ = ["prune", "read_bounded", "room_cache", "write_atomic"]

_SWEEP_TO = 0.8  # so that the sweep does not come at every write once the bound is reached


def room_cache(room: str) -> str:
    """Return the directory of one room's cache; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = base if base.startswith("/") else os.path.expanduser("~/.cache")
    return f"{root}/lading/{room}"


def read_bounded(path: Place, limit: int) -> bytes | None:
    """Return the file's content; None when it is not there, not a file or larger than ``limit``."""
    try:
        with open(path, "rb") as file:
            content = file.read(limit + 1)
    except OSError:
        return None
    return content if len(content) <= limit else None


def write_atomic(path: Place, content: bytes) -> bool:
    """Write a file that only this user can read beside ``path``, and rename it; False if not.

    Nobody waits for the disk: flushing would be a tenth of a rebuild. What a crash of the machine
    cuts short is for readers to find out.
    """
    directory = os.path.dirname(path)
    beside = f"{directory}/.{os.urandom(8).hex()}.tmp"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        try:
            with open(beside, "xb", opener=_private) as file:
                file.write(content)
            os.replace(beside, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(beside)
            raise
    except OSError:
        return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def prune(root: Place, limit: int, endings: tuple[str, ...] = ("",)) -> None:
    """Remove the files longest unused below ``root`` once there are more than ``limit`` bytes.

    ``endings`` are those of the files that count; ``.tmp`` has what dead writers left. Use is told
    by modification time: readers that want to keep a file touch it.
    """
    found: list[tuple[float, int, str]] = []
    for directory, _, names in os.walk(root):
        for name in names:
            path = f"{directory}/{name}"
            if name.endswith(endings):
                with suppress(OSError):  # another process may have removed it
                    status = os.stat(path)
                    found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return
    for _, size, path in sorted(found):
        if total <= limit * _SWEEP_TO:
            break
        with suppress(OSError):
            os.unlink(path)
        total -= size
