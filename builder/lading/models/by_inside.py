"""What is compressed: decided by what it holds, and by the name without the compressor's suffix.

The first bytes of a file are enough where a decompressor gives something for them. bzip2 and
Zstandard want a whole block first, and what cannot be compressed is longer than it was: then the
choice is made when the file is read, and more of it is at hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from lading.limits import LIMITS
from lading.models import places, readers
from lading.models.by_content import OLD_PICKLE, PROTOCOLS, by_content, goes_on
from lading.models.by_name import PLAIN, by_table
from lading.models.companions.names import COMPANIONS, SKIPPED_PLACES
from lading.models.pickles.scan import hides_pickle, imports_danger
from lading.models.suffixes import AMBIGUOUS, MODEL, PACKED, PICKLE, PROMISED, UNPICKLED, tar_name
from lading.models.unpack import compression, peek_inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

    Chooser = Callable[[str, str, str, bytes, int], Reader | None]

    class TarChooser(Protocol):
        """Chooses what reads a tar that begins with ``head``."""

        def __call__(
            self, name: str, suffix: str, head: bytes, *, nameless: bool
        ) -> Reader | None: ...


__all__ = ["STARTS", "Named", "by_inside"]

#: First bytes of what may be compressed.
STARTS: Final = frozenset(
    bytes([one]) for one in (0x1F, 0x42, 0xFD, 0x5D, 0x28, 0x04, 0x02, 0x78, *range(0x50, 0x60))
)
#: Bytes that are enough to pass over what holds no model: most compressed files are texts.
_GLANCE: Final = 64
#: More than any file that holds nothing has.
_SMALLEST: Final = 64
#: Suffixes of companions that say what a model is, or what it runs.
_DOCUMENTS: Final = frozenset({".json", ".jinja"})
#: What is seen of compressed bytes: as far as the first members of a tar show.
_PEEKED: Final = 64 * 1024


class Named(NamedTuple):
    """A file: its path, its name and suffix in lower case, its size as it lies there."""

    path: str
    name: str
    suffix: str
    size: int
    nameless: bool  # links or manifests name it

    def bare(self) -> Named:
        """Return what it would be called without the compressor's suffix."""
        if self.suffix not in PACKED:
            return self
        cut = -len(self.suffix)
        name = self.name[:cut]
        dot = name.rfind(".")
        suffix = name[dot:] if dot > 0 else ""
        return Named(self.path[:cut], name, suffix, self.size, self.nameless)


def by_inside(
    file: Named,
    head: bytes,
    reader_for: Chooser,
    tar: TarChooser,
    otherwise: Callable[[], Reader | None],
) -> Reader | None:
    """Return what reads a file that may be compressed, or what ``otherwise`` reads it.

    ``reader_for`` chooses what reads a file by its name and first bytes, ``tar`` what reads a tar.
    """
    inside = _Inside(file, reader_for, tar)
    kind = compression(head)
    if kind == "lz4" and inside.promises and file.size > _SMALLEST and not peek_inside(head, 1):
        return readers.packed(readers.unknown)  # as with a dictionary: reading on says why
    if (inside.pickled and (kind or file.suffix in PACKED)) or (
        # nothing else of that name is LZ4
        kind in ("lz4", "skipped") and file.suffix in MODEL - {".bin"}
    ):
        return readers.compressed_pickle
    if kind is None:
        return otherwise() or inside.without_mark(head)
    telling = inside.telling
    seen = peek_inside(head, _PEEKED if telling else _GLANCE)
    if not telling and len(seen) >= _GLANCE and inside.choose(seen) is None:
        return otherwise()
    if file.size > len(head) and (not telling or len(seen) < LIMITS.sniff_bytes):
        return readers.later(
            lambda start: inside.reader(peek_inside(start, _PEEKED)) or otherwise()
        )
    return inside.reader(seen if telling else peek_inside(head, _PEEKED)) or otherwise()


class _Inside:
    """Chooses what reads the inside of one file, which has ``depth`` compressors around it.

    ``telling`` is a name that speaks of a model, ``promises`` one that speaks of nothing else.
    """

    def __init__(
        self,
        file: Named,
        reader_for: Chooser,
        tar: TarChooser,
        *,
        depth: int = 1,
        named: bool = False,
    ) -> None:
        self._file = file
        self._bare = file.bare()
        self._reader_for = reader_for
        self._tar = tar
        self._depth = depth
        self._named = named or file.nameless or self._bare is not file
        inner = self._bare.suffix
        self.pickled = inner in PICKLE
        self.telling = file.nameless or inner in PROMISED or tar_name(file.name) is not None
        self.promises = self._named and inner in PROMISED and inner not in AMBIGUOUS

    def reader(self, inside: bytes) -> Reader | None:
        """Return what reads the file itself, which holds bytes that begin with these."""
        found = self.choose(inside)
        inner = self._bare.suffix
        if not inside and self._named and (inner in UNPICKLED or inner in PLAIN):
            found = readers.unknown  # which says why there is nothing
        return None if found is None else readers.packed(found)

    def without_mark(self, head: bytes) -> Reader | None:
        """Return what reads a file that is compressed by its name, and by nothing that is known."""
        inner = self._bare.suffix
        sure = inner in UNPICKLED or inner in PLAIN
        # Blocks of LZ4 without a frame have no mark.
        sure = sure or (self.promises and self._file.suffix == ".lz4")
        return readers.packed(readers.unknown) if sure and readers.is_binary(head) else None

    def choose(self, inside: bytes) -> Reader | None:
        """Return what reads the bytes that are compressed, and begin with these."""
        if not inside:
            return None
        file, head = self._file, inside[: LIMITS.sniff_bytes]
        if compression(head) is not None and self._depth < LIMITS.archive_nesting:
            return readers.later(self._deeper)
        found = self._tar(file.name, file.suffix, inside, nameless=file.nameless)
        if found is not None:
            return found
        found = self._of_a_file(head) if self._named else None
        if found not in (None, readers.pickle, readers.likely_pickle):
            return found
        if found is not None or head[:2] in PROTOCOLS or OLD_PICKLE.match(head):
            return readers.joblib
        searched = file.nameless or file.suffix in MODEL
        hidden = (
            imports_danger(head) or goes_on(head) if searched else hides_pickle(head, len(head))
        )
        return readers.joblib if hidden else None

    def _deeper(self, start: bytes) -> Reader | None:
        """Return what reads bytes that were compressed, and are compressed once more."""
        inner = _Inside(
            self._bare, self._reader_for, self._tar, depth=self._depth + 1, named=self._named
        )
        if inner.pickled:
            return readers.compressed_pickle
        found = inner.reader(peek_inside(start, _PEEKED))
        return readers.joblib if found is None and self.pickled else found

    def _of_a_file(self, head: bytes) -> Reader | None:
        """Return what reads a file that is called as this one without the compressor's suffix."""
        path, name, suffix, size, _ = self._bare
        if not self.telling and head[:1].isspace() and not readers.is_binary(head):
            return None  # a protobuf may begin so, and a text is none
        companion = COMPANIONS.get(name) if suffix in _DOCUMENTS else None
        if companion is not None and not SKIPPED_PLACES.search(path):
            return places.companion(*companion)
        if suffix in PROMISED:
            whole = len(head) + (len(head) >= LIMITS.sniff_bytes)
            return self._reader_for(path, name, suffix, head, whole)
        return by_table(path, suffix, size) or by_content(suffix, head)
