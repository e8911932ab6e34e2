"""Which reader a file needs, from its name and its first bytes.

Asked for every file of an image, most of which are no models: names and suffixes are looked up in
tables, content by its first bytes. A suffix alone never makes a model, and never unmakes one: the
files that are not even looked at have a suffix that no loader of models takes, and are small.

Here is the order of the questions; ``by_inside``, ``by_content`` and ``by_name`` answer. They are
asked again of what is in a tar, and of what is compressed.
"""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING, Final

from lading.models import formats, places, readers
from lading.models.by_content import PICKLES, ZIP, by_content, goes_on
from lading.models.by_inside import STARTS, Named, by_inside
from lading.models.by_name import by_place, by_suffix, may_hide
from lading.models.companions.names import COMPANIONS, SKIPPED_PLACES, by_pattern
from lading.models.formats import archives, hdf5, lfs
from lading.models.formats.tarred import looks_like as tar_like
from lading.models.formats.tarred import tarred
from lading.models.formats.tarred import telling as tar_telling
from lading.models.formats.webdataset import looks_like as samples_like
from lading.models.pickles.scan import hides_pickle, imports_danger, may_be_pickle
from lading.models.suffixes import (
    FOREIGN,
    PACKED,
    PROMISED,
    TAR,
    TARRED,
    TEXTS,
    UNPICKLED,
    tar_name,
    without_compressor,
)
from lading.models.unpack import compression

if TYPE_CHECKING:
    from lading.models.readers import Reader

__all__ = ["reader_for"]


def reader_for(path: str, name: str, suffix: str, head: bytes, size: int) -> Reader | None:
    """Return what reads the file, or None when it is not a model's.

    ``name`` and ``suffix`` are in lower case; ``head`` is the first ``LIMITS.sniff_bytes`` of the
    ``size`` bytes of the file, or all of it.
    """
    if suffix in FOREIGN and (found := formats.foreign.by_suffix(path, suffix, head)):
        return found
    nameless = not suffix and places.nameless(path)
    if suffix in PACKED or (head[:1] in STARTS and compression(head) is not None):
        otherwise = partial(_uncompressed, path, name, suffix, head, size, nameless=nameless)
        file = Named(path, name, suffix, size, nameless)
        return by_inside(file, head, reader_for, _by_tar, otherwise)
    return _uncompressed(path, name, suffix, head, size, nameless=nameless)


def _uncompressed(
    path: str, name: str, suffix: str, head: bytes, size: int, *, nameless: bool
) -> Reader | None:
    """Decide about a file as it lies there."""
    found = _by_tar(name, suffix, head, nameless=nameless)
    if found is not None:
        return found
    found = by_content(suffix, head)
    if found is readers.searched and nameless:
        return archives.parse
    if found is not None:
        promised = suffix in UNPICKLED and found not in PICKLES
        return readers.disguised(found) if promised and may_be_pickle(head) else found
    if head.startswith(lfs.START):
        inner = posixpath.splitext(without_compressor(name))[1]
        return places.pointer(name, suffix, promised=nameless or inner in PROMISED)
    if hdf5.behind_block(head):
        return hdf5.parse
    if nameless and (found := _by_link(head)) is not None:
        return found
    companion = COMPANIONS.get(name)
    if companion is None and suffix in TEXTS:
        companion = by_pattern(name)
    if companion is not None and not SKIPPED_PLACES.search(path):
        return places.companion(*companion)
    if nameless and readers.is_binary(head):
        return readers.raw
    if suffix == ".nemo":
        return _PROMISED_TAR  # for the reader to say what is wrong with it
    return _by_name(path, name, suffix, head, size)


def _by_name(path: str, name: str, suffix: str, head: bytes, size: int) -> Reader | None:
    """Decide about what has no mark; a pickle, or an archive, may lie there all the same."""
    found = by_suffix(name, suffix, head) or by_place(path, suffix, size)
    if suffix in hdf5.SUFFIXES:
        found = found or hdf5.parse  # which is behind a long block, if anywhere
    elif found is None and may_hide(suffix, head, size):
        found = readers.searched
    if found in _WEAK and hides_pickle(head, size):
        return readers.hidden_pickle(found)
    return found


def _by_tar(name: str, suffix: str, head: bytes, *, nameless: bool) -> Reader | None:
    """Decide about tars, whose first bytes are a name, and can be those of anything."""
    if suffix in TARRED:
        promised, hinted = True, False
    elif nameless:
        promised, hinted = False, True
    elif suffix in TAR and (found := tar_name(name)):
        promised, hinted = found["promise"] is not None, found["hint"] is not None
    else:
        return None
    if not tar_like(head):
        return None
    if promised:
        return readers.disguised(_PROMISED_TAR) if may_be_pickle(head) else _PROMISED_TAR
    if hinted or tar_telling(head):
        return _HINTED_TAR
    return _ANY_TAR if samples_like(head) else None


def _by_link(head: bytes) -> Reader | None:
    """Decide about a blob that a loader reaches by a link, whose name is not known here."""
    if head.startswith(ZIP):
        return archives.parse
    if imports_danger(head):
        return readers.pickle
    return readers.raw_pickle if goes_on(head) else None


#: Readers of what says nothing of itself: it may be a pickle as well.
_WEAK: Final = (None, readers.raw, readers.searched, hdf5.parse)
_PROMISED_TAR: Final = tarred(reader_for, promised=True)
_HINTED_TAR: Final = tarred(reader_for)
_ANY_TAR: Final = tarred(reader_for, hinted=False)
