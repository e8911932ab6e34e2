"""Memory that was given back by us, given back by the C library, too."""

from __future__ import annotations

import contextlib
from typing import Final

__all__ = ["be_frugal"]

_M_MMAP_THRESHOLD: Final = -3  # mallopt(3)
_LARGE: Final = 128 * 1024


def be_frugal() -> None:
    """Have every large block mapped apart, so that it is gone when it is freed.

    glibc does so until the first one is freed, and then keeps larger and larger ones: after the
    buffers of several threads that read layers, 25 MiB are nobody's and still ours. Other C
    libraries know no such setting. It is the whole process's, and so for programs alone.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
