"""Which reader a file needs, from its name and its first bytes.

Asked for every file of an image, most of which are no models: names and suffixes are looked up in
tables, content by its first bytes. A suffix alone never makes a model, and never unmakes one: the
files that are not even looked at have a suffix that no loader of models takes, and are small.

Here is the order of the questions, and what is asked again of the inside of a tar or of compressed
data; ``by_content`` and ``by_name`` answer.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import places, rarer, readers
from lading.models.by_content import PICKLES, ZIP, by_content, goes_on, hides_pickle
from lading.models.by_name import by_place, by_suffix, may_hide
from lading.models.companions.names import COMPANIONS, SKIPPED_PLACES, by_pattern
from lading.models.formats import archives, catboost, lfs, safetensors, tflite
from lading.models.formats.tarred import looks_like as tar_like
from lading.models.formats.tarred import tarred
from lading.models.formats.tarred import telling as tar_telling
from lading.models.formats.webdataset import looks_like as samples_like
from lading.models.pickles.scan import imports_danger, may_be_pickle
from lading.models.suffixes import (
    PACKED,
    PICKLE,
    PROMISED,
    TAR,
    TAR_NAME,
    TARRED,
    TEXTS,
    UNPICKLED,
)
from lading.models.unpack import peek_inside

if TYPE_CHECKING:
    from lading.models.readers import Reader

__all__ = ["reader_for"]

#: First bytes of a compressed tar are looked at as far as this.
_TAR_PEEKED: Final = 64 * 1024


def reader_for(path: str, name: str, suffix: str, head: bytes, size: int) -> Reader | None:
    """Return what reads the file, or None when it is not a model's.

    ``name`` and ``suffix`` are in lower case; ``head`` is the first ``LIMITS.sniff_bytes`` of the
    ``size`` bytes of the file, or all of it.
    """
    found = _by_tar(name, suffix, head) or by_content(suffix, head)
    if found is not None:
        promised = found is _PROMISED_TAR or (suffix in UNPICKLED and found not in PICKLES)
        return readers.disguised(found) if promised and may_be_pickle(head) else found
    nameless = not suffix and places.nameless(path)
    if head.startswith(lfs.START):
        return places.pointer(name, suffix, promised=nameless or suffix in PROMISED)
    if nameless and (found := _by_link(head)) is not None:
        return found
    if suffix in PACKED and (found := _by_inner_name(path, name, suffix, head, size)) is not None:
        return found
    companion = COMPANIONS.get(name)
    if companion is None and suffix in TEXTS:
        companion = by_pattern(name)
    if companion is not None and not SKIPPED_PLACES.search(path):
        return places.companion(*companion)
    hidden = may_hide(suffix, head, size)
    if nameless and readers.is_binary(head):
        return readers.raw
    if suffix == ".nemo":
        return _PROMISED_TAR  # for the reader to say what is wrong with it
    found = by_suffix(name, suffix, head) or by_place(path, suffix, size)
    return readers.searched if found is None and hidden else found


def _by_tar(name: str, suffix: str, head: bytes) -> Reader | None:
    """Decide about tars, whose first bytes are a name, and can be those of anything."""
    if suffix in TARRED:
        promised, hinted = True, False
    elif suffix in TAR and (found := TAR_NAME.match(name)):
        promised, hinted = found["promise"] is not None, found["hint"] is not None
    else:
        return None
    inside = head if tar_like(head) else peek_inside(head, _TAR_PEEKED)
    if not tar_like(inside):
        return None
    if promised:
        return _PROMISED_TAR
    if hinted or tar_telling(inside):
        return _HINTED_TAR
    return _ANY_TAR if samples_like(inside) else None


def _by_inner_name(path: str, name: str, suffix: str, head: bytes, size: int) -> Reader | None:
    """Decide about what is compressed, and has a model's suffix before the compressor's."""
    name = name[: -len(suffix)]
    inner = posixpath.splitext(name)[1]
    if inner in PICKLE:
        return readers.compressed_pickle
    inside = peek_inside(head, LIMITS.sniff_bytes) if inner in PROMISED else b""
    found = reader_for(path[: -len(suffix)], name, inner, inside, size) if inside else None
    if found is None:
        return None
    return readers.unsized if found in _SIZED else readers.packed(found)


def _by_link(head: bytes) -> Reader | None:
    """Decide about a blob that a loader reaches by a link, whose name is not known here."""
    if head.startswith(ZIP):
        return archives.parse
    if tar_like(head) or tar_like(inside := peek_inside(head, _TAR_PEEKED)):
        return _HINTED_TAR
    if imports_danger(head):
        return readers.pickle
    if goes_on(head):
        return readers.raw_pickle
    return readers.compressed_pickle if hides_pickle(inside[: LIMITS.sniff_bytes]) else None


#: Readers that compare what a header says with the size of the file, which is not known here.
_SIZED: Final = rarer.SIZED | {safetensors.parse, tflite.parse, catboost.parse}
_PROMISED_TAR: Final = tarred(reader_for, promised=True)
_HINTED_TAR: Final = tarred(reader_for)
_ANY_TAR: Final = tarred(reader_for, hinted=False)
