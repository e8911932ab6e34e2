"""What the first bytes of a file decide: a format's signature, or a container with models in it.

Formats are in ``signatures``; here are pickles and archives, whose suffix says whether they are
worth a walk.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import readers
from lading.models.formats import archives, safetensors, torch
from lading.models.pickles.scan import may_be_pickle
from lading.models.signatures import BY_MAGIC, behind
from lading.models.suffixes import MODEL, PASSED, WALKED
from lading.models.zipindex import END

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

__all__ = ["OLD_PICKLE", "PICKLES", "PROTOCOLS", "ZIP", "by_content", "goes_on"]

ZIP: Final = b"PK\x03\x04"
#: Protocols 0 and 1 have no mark: a global, or an empty container that is memoized.
OLD_PICKLE: Final = re.compile(
    rb"c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\(?[dl\]}(]?p\d+\n|\((?:i|c)[A-Za-z_][\w.]*\n"
    rb"|[\])}]q\x00|\(dq|\(lq|\(S'|\(V|\(lp\d"
)
#: Readers that walk what an unpickler would.
PICKLES: Final = frozenset({readers.pickle, torch.parse_legacy, archives.parse})
PROTOCOLS: Final = frozenset(bytes([0x80, version]) for version in range(6))


def by_content(suffix: str, head: bytes) -> Reader | None:
    """Decide about what has a signature."""
    for length in (4, 2, 1):
        by_magic = _BY_MAGIC.get(head[:length])
        if by_magic is not None:
            found = by_magic(suffix, head)
            if found is not None:
                return found
    return behind(suffix, head)


def goes_on(head: bytes) -> bool:
    """Whether an unpickler gets through all that was peeked at: the import may come later."""
    return len(head) >= LIMITS.sniff_bytes and may_be_pickle(head)


def _pickle(suffix: str, head: bytes) -> Reader | None:
    if head[4:9] == b"\x00\x00\x00\x00{" and safetensors.looks_like(head):
        return safetensors.parse  # the length of its header; no opcode has the number 0
    if head.startswith(torch.LEGACY_HEAD):
        return torch.parse_legacy
    return readers.pickle if suffix in MODEL else readers.likely_pickle


def _zip(suffix: str, head: bytes) -> Reader | None:
    if suffix in WALKED or (suffix not in PASSED and archives.telling(head)):
        return archives.parse
    # The first members need not be telling: loaders go by names wherever they stand.
    return None if suffix in PASSED else readers.searched


#: First bytes → what decides about the rest of them.
_BY_MAGIC: Final[dict[bytes, Callable[[str, bytes], Reader | None]]] = {
    **BY_MAGIC,
    ZIP: _zip,
    END: _zip,  # NumPy takes what begins as an empty archive for one, and reads it from its end
    **dict.fromkeys(PROTOCOLS, _pickle),
}
