"""What a name promises where bytes decide nothing: pickles without a mark, raw data, archives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import places, readers
from lading.models.by_content import OLD_PICKLE, ZIP, goes_on
from lading.models.formats import archives, gguf, onnx, safetensors, tables
from lading.models.pickles.scan import imports_danger
from lading.models.suffixes import ARCHIVES, EXPORTED, MODEL, PICKLE, RAW, TORCH_BIN, UNPICKLED

if TYPE_CHECKING:
    from lading.models.readers import Reader

__all__ = ["PLAIN", "by_place", "by_suffix", "by_table", "may_hide"]

#: Suffixes that nothing else has.
PLAIN: Final = {".safetensors": safetensors.parse, ".gguf": gguf.parse, ".onnx": onnx.parse}
_TABLES: Final = {
    ".csv": tables.parse_csv,
    ".tsv": tables.parse_csv,
    ".jsonl": tables.parse_lines,
    ".ndjson": tables.parse_lines,
}
#: Compressors that leave nothing as it was.
_COMPRESSED: Final = (
    b"\x1f\x8b", b"BZ", b"\xfd7", b"\x5d\x00", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",
)  # fmt: skip
#: Programs, time zones, terminals, a Java runtime: what most binary files without a suffix are.
_SYSTEMS: Final = (b"\x7fELF", b"TZif", b"\x1a\x01", b"\x1e\x02", b"\xda\xda\xfe\xca")


def by_suffix(name: str, suffix: str, head: bytes) -> Reader | None:
    """Decide about what has no signature, but a name that promises something."""
    if suffix in PICKLE:
        return readers.pickle
    if suffix in PLAIN:
        return PLAIN[suffix]  # for the reader to say what is wrong with it
    if TORCH_BIN.match(name):
        return readers.unknown
    if OLD_PICKLE.match(head):
        return readers.pickle if suffix in MODEL and readers.is_binary(head) else readers.old_pickle
    if suffix in ARCHIVES:
        return archives.parse  # loaders look for a directory at the end, whatever the beginning is
    if suffix in UNPICKLED and readers.is_binary(head):
        return readers.unknown
    if suffix in MODEL and imports_danger(head):
        return readers.pickle
    if suffix in MODEL and goes_on(head):
        return readers.raw_pickle
    if (RAW.match(suffix) or EXPORTED.match(name)) and readers.is_binary(head):
        return readers.raw
    return readers.old_pickle if suffix in MODEL or suffix in UNPICKLED else None


def by_place(path: str, suffix: str, size: int) -> Reader | None:
    """Decide about what is a model's or a data set's only because of where it lies."""
    return by_table(path, suffix, size) or places.placed(path, size)


def by_table(path: str, suffix: str, size: int) -> Reader | None:
    """Decide about a table, which is data by its place alone."""
    return _TABLES[suffix] if suffix in _TABLES and tables.promising(path, size) else None


def may_hide(suffix: str, head: bytes, size: int) -> bool:
    """Whether an archive is searched for behind bytes that say nothing of themselves."""
    if RAW.match(suffix or ".bin") is None:
        return False
    if size <= len(head):
        return ZIP in head
    known = head[:2] in _COMPRESSED or head.startswith(_SYSTEMS)
    return size <= LIMITS.searched_file and not known
