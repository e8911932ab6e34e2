"""Memory that was given back by us, kept within bounds by the C library, too."""

from __future__ import annotations

import contextlib
from typing import Final

__all__ = ["be_frugal"]

# mallopt(3)
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

_MIB: Final = 1024 * 1024


def be_frugal() -> None:
    """Have all threads use the same memory, and little of it kept once it is free.

    glibc gives each thread memory of its own, and keeps more and more of what was freed: after the
    buffers of several threads that read layers, 25 MiB are nobody's and still ours. Buffers of a
    MiB are kept for the next one: to map each anew costs a third of what hashing it does. Other C
    libraries know no such settings. They are the whole process's, and so for programs alone; to be
    called before there are threads.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 1)
        mallopt(_M_MMAP_THRESHOLD, 2 * _MIB)
        mallopt(_M_TRIM_THRESHOLD, 4 * _MIB)
