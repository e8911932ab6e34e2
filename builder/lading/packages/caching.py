"""Small files under ``$XDG_CACHE_HOME/lading``: written atomically, read within a bound.

A cache that cannot be read or written only costs time, so no function here raises ``OSError``.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

__all__ = ["prune", "read_bounded", "room_cache", "write_atomic"]


def room_cache(room: str) -> Path:
    """Return the directory of one room's cache; it need not exist."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return root / "lading" / room


def read_bounded(path: Path, limit: int) -> bytes | None:
    """Return the file's content; None when it is not there, not a file or larger than ``limit``."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError:
        return None
    return content if len(content) <= limit else None


def write_atomic(path: Path, content: bytes) -> bool:
    """Replace ``path`` by a file of ``content`` that only this user can read, all or nothing."""
    temporary: str | None = None
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        return False
    return True


def prune(directory: Path, suffix: str, limit: int) -> None:
    """Remove the files longest unused until those ending in ``suffix`` are within ``limit`` bytes.

    Use is told by modification time: readers that want to keep a file touch it.
    """
    found: list[tuple[float, int, Path]] = []
    with contextlib.suppress(OSError):
        for path in directory.iterdir():
            if path.name.endswith(suffix):
                with contextlib.suppress(OSError):
                    status = path.stat()
                    found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size
