"""Key files that ``lading build`` opened before and that nobody has touched since.

A mistyped or broken key is told before docker starts, and to know a good one, the library for keys
has to be loaded. A file that was opened without a password, and that is the very same by inode,
size and times, opens again: it is opened while docker builds. Nothing of a key is kept but that.
Should it fail all the same, the error comes when docker has ended, and nothing is signed.
"""

from __future__ import annotations

import os
import stat

from lading import __version__
from lading.caching import read_bounded, room_cache, write_atomic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from lading.attest.signers.options import SigningOptions

__all__ = ["is_known", "keep", "mark_of"]

_ROOM: Final = "opened-keys"
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
        found = os.stat(key)
    except OSError:
        return None  # whoever opens it will tell
    if not stat.S_ISREG(found.st_mode):
        return None
    facts = (
        *(__version__, os.geteuid(), os.path.abspath(key)),
        *(found.st_dev, found.st_ino, found.st_mode, found.st_uid, found.st_gid),
        *(found.st_size, found.st_mtime_ns, found.st_ctime_ns),
    )
    return ascii(facts)


def is_known(mark: str) -> bool:
    """Say whether that very file was opened before."""
    return mark in _kept()


def keep(mark: str) -> None:
    """Keep that the file was opened; where nothing can be kept, nothing is."""
    lines = [mark, *(line for line in _kept() if line != mark)][:_MOST]
    write_atomic(room_cache(_ROOM), "".join(f"{line}\n" for line in lines).encode("ascii"))


def _kept() -> list[str]:
    found = read_bounded(room_cache(_ROOM), _MOST_BYTES) or b""
    return found.decode("ascii", "replace").splitlines()
