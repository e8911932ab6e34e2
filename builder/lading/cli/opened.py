"""Key files that ``lading build`` opened before and that nobody has touched since.

A mistyped or broken key is told before docker starts, and to know a good one, the library for keys
has to be loaded. A file that was opened without a password, and that is the very same by inode,
size and times, opens again: it is opened while docker builds. Nothing of a key is kept but that.
Should it fail all the same, the error comes when docker has ended, and nothing is signed.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from lading import __version__

if TYPE_CHECKING:
    from lading.attest.signers.options import SigningOptions

__all__ = ["is_known", "keep", "mark_of"]

_MOST: Final = 16  # keys
_MOST_BYTES: Final = 64 * 1024


def mark_of(options: SigningOptions) -> str | None:
    """Return one line that stands for a key file as it is now; None when signing takes more."""
    more = options.certificate or options.log or options.timestamp
    key = options.key
    # a colon may name a key service
    if key is None or ":" in key or more or os.environ.get("LADING_NO_CACHE"):
        return None
    try:
        found = os.stat(key)  # noqa: PTH116 - docker waits, and pathlib does no more
    except OSError:
        return None  # whoever opens it will tell
    if not stat.S_ISREG(found.st_mode):
        return None
    facts = (
        *(__version__, os.geteuid(), os.path.abspath(key)),  # noqa: PTH100
        *(found.st_dev, found.st_ino, found.st_mode, found.st_uid, found.st_gid),
        *(found.st_size, found.st_mtime_ns, found.st_ctime_ns),
    )
    return ascii(facts)


def is_known(mark: str) -> bool:
    """Say whether that very file was opened before."""
    return mark in _kept()


def keep(mark: str) -> None:
    """Keep that the file was opened; where nothing can be kept, nothing is."""
    from pathlib import Path

    from lading.caching import write_atomic

    lines = [mark, *(line for line in _kept() if line != mark)][:_MOST]
    write_atomic(Path(_place()), "".join(f"{line}\n" for line in lines).encode("ascii"))


def _kept() -> list[str]:
    try:
        with open(_place(), "rb") as file:  # noqa: PTH123 - as above
            found = file.read(_MOST_BYTES)
    except OSError:
        return []
    return found.decode("ascii", "replace").splitlines()


def _place() -> str:
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = base if base.startswith("/") else os.path.expanduser("~/.cache")  # noqa: PTH111
    return f"{root}/lading/opened-keys"
