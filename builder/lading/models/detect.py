"""Which reader a file needs, from its name and its first bytes.

Asked for every file of an image, most of which are no models: names and suffixes are looked up in
tables, content by its first bytes. A suffix alone never makes a model, and never unmakes one: the
files that are not even looked at have a suffix that no loader of models takes, and are small.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from lading.limits import LIMITS
from lading.models import readers
from lading.models.companions.names import COMPANIONS, SKIPPED_PLACES, by_pattern
from lading.models.formats import (
    archives,
    catboost,
    gguf,
    lfs,
    onnx,
    safetensors,
    tables,
    tflite,
    torch,
)
from lading.models.formats.tarred import looks_like as tar_like
from lading.models.formats.tarred import tarred
from lading.models.formats.tarred import telling as tar_telling
from lading.models.formats.webdataset import looks_like as samples_like
from lading.models.pickles.scan import imports_danger, may_be_pickle
from lading.models.signatures import BY_MAGIC, behind
from lading.models.unpack import peek_inside, peek_lz4

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.models.readers import Reader

__all__ = ["NEVER", "SMALL", "reader_for"]

#: Files below this size are not opened when their suffix is one of ``NEVER``.
SMALL: Final = 1024 * 1024
_NEVER_WORDS: Final = """
.a .ac .adoc .am .asc .bash .bat .beam .c .cc .cfg .changes .cjs .class .cls .cmake .cmap .cnf
.conf .cpp .crt .cs .css .cts .cu .cuh .cxx .dart .def .desktop .diff .dll .dylib .egg-info .el
.elc .eot .eps .erl .f .f90 .fish .flake8 .gemspec .gif .gir .gitignore .go .gresource .h .hh
.hpp .hs .htm .html .hxx .ico .idl .in .inc .inf .ini .inl .install .ipp .jar .java .jpeg .jpg
.js .jsx .la .less .list .lock .lua .m .m4 .mak .map .md5sums .mjs .mli .mo .mod .mts .o .otf
.pc .pdf .pem .php .pl .pm .png .po .pod .postinst .postrm .preinst .prerm .proto .ps1 .pxd .pxi
.py .pyc .pyd .pyi .pyo .pyx .r .rb .rs .rst .s .sass .scala .scm .scss .sh .shlibs .so .svg
.swift .symbols .t .tcl .tex .tmpl .toml .triggers .ts .tsx .ttf .typed .vim .vue .webp .whl
.woff .woff2 .wsdl .xpm .xsd .xsl .xslt .zsh
"""
NEVER: Final = frozenset(_NEVER_WORDS.split())

#: Suffixes that promise a pickle: what is none is unscannable, not nothing.
_PICKLE: Final = frozenset({".pkl", ".pickle", ".pck", ".pk", ".dill", ".joblib", ".cloudpickle"})
_TORCH: Final = frozenset({".pt", ".pth", ".ckpt", ".pt2", ".ptl"})
#: Suffixes of files that loaders give to an unpickler when they know no better.
_UNPICKLED: Final = frozenset({*_PICKLE, *_TORCH, ".npy", ".npz"})
#: Suffixes that nothing else has.
_PLAIN: Final = {".safetensors": safetensors.parse, ".gguf": gguf.parse, ".onnx": onnx.parse}
_ARCHIVES: Final = frozenset({".keras", ".mar", ".skops", ".zip"})
#: Names under which transformers, diffusers and peft unpickle.
_TORCH_BIN: Final = re.compile(
    r"(?:(?:diffusion_)?pytorch_model|adapter_model|training_args|optimizer|scheduler|scaler)"
    r"(?:[-_.].*)?\.bin\Z"
)
#: Suffixes under which a broken pickle is believed to be one.
_MODEL: Final = frozenset({".bin", ".safetensors", ".model", ".sav", *_TORCH, *_PICKLE})
#: Archives that are walked whatever their first member is, and those that never are.
_WALKED: Final = frozenset({".zip", ".mar", ".keras", ".npz", ".skops", *_MODEL})
_PASSED: Final = frozenset(
    {".whl", ".egg", ".jar", ".apk", ".docx", ".xlsx", ".pptx", ".odt", ".nupkg"}
)

#: Suffixes that compressors add to a name; pandas and joblib go by them.
_PACKED: Final = frozenset({".gz", ".bz2", ".xz", ".lzma", ".z", ".zst", ".lz4"})
#: Suffixes under which torch (before 0.1.10) and NeMo keep tars of pickles.
_TARRED: Final = frozenset({".nemo", *_MODEL})
#: Suffixes of tars, and whole ends of names that promise a model in one.
_TAR: Final = frozenset({".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", *_PACKED})
_TAR_NAME: Final = re.compile(
    r".*?(?:(?P<promise>\.(?:pth?|ckpt|nemo))|(?P<hint>model|checkpoint|ckpt|weights|pretrained)"
    r"[^/]*?)?\.(?:tar(?:\.(?:gz|bz2|xz|lzma|zst))?|t(?:gz|bz2?|xz|zst))\Z"
)
#: First bytes of a compressed tar are looked at as far as this.
_TAR_PEEKED: Final = 64 * 1024

_TEXTS: Final = frozenset({".json", ".txt", ".md", ".pdf"})
#: Suffixes under which models keep tensors without any header in files beside them.
_RAW: Final = re.compile(r"\.(?:bin|data|weights?|bias|raw|onnx_data|data-\d{5}-of-\d{5})\Z")
#: How torch's exporter to ONNX names the files of tensors that have no name of their own.
_EXPORTED: Final = "onnx__"
_TABLES: Final = {
    ".csv": tables.parse_csv,
    ".tsv": tables.parse_csv,
    ".jsonl": tables.parse_lines,
    ".ndjson": tables.parse_lines,
}
_PROMISED_WORDS: Final = """
.onnx .gguf .ggml .h5 .hdf5 .keras .tflite .pb .msgpack .npz .npy .ot .mlmodel .engine .plan .ftz
.params .pdmodel .pdiparams .cbm .ubj .onnx_data .nemo .llamafile .xml .zip
"""
#: Suffixes under which a Git LFS pointer stands for a model.
_PROMISED: Final = _MODEL | frozenset(_PROMISED_WORDS.split())


#: Protocols 0 and 1 have no mark: a global, or an empty container that is memoized.
_OLD_PICKLE: Final = re.compile(
    rb"c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\(?[dl\]}(]?p\d+\n|\((?:i|c)[A-Za-z_][\w.]*\n"
    rb"|[\])}]q\x00|\(dq|\(lq|\(S'|\(V|\(lp\d"
)


def reader_for(path: str, name: str, suffix: str, head: bytes, size: int) -> Reader | None:
    """Return what reads the file, or None when it is not a model's.

    ``name`` and ``suffix`` are in lower case; ``head`` is the first ``LIMITS.sniff_bytes`` of the
    ``size`` bytes of the file, or all of it.
    """
    found = _by_tar(name, suffix, head) or _by_content(suffix, head)
    if found is not None:
        promised = found is _PROMISED_TAR or (suffix in _UNPICKLED and found not in _PICKLES)
        return readers.disguised(found) if promised and may_be_pickle(head) else found
    nameless = not suffix and readers.nameless(path)
    if head.startswith(lfs.START):
        return readers.pointer(name, suffix, promised=nameless or suffix in _PROMISED)
    if nameless and (found := _by_link(head)) is not None:
        return found
    if suffix in _PACKED and (found := _by_inner_name(path, name, suffix, head, size)) is not None:
        return found
    companion = COMPANIONS.get(name)
    if companion is None and suffix in _TEXTS:
        companion = by_pattern(name)
    if companion is not None and not SKIPPED_PLACES.search(path):
        return readers.companion(*companion)
    hidden = _RAW.match(suffix or ".bin") is not None and _may_hide(head, size)
    if nameless and readers.is_binary(head):
        return readers.raw
    found = _by_suffix(name, suffix, head) or _by_place(path, suffix, size)
    return readers.searched if found is None and hidden else found


def _by_tar(name: str, suffix: str, head: bytes) -> Reader | None:
    """Decide about tars, whose first bytes are a name, and can be those of anything."""
    if suffix in _TARRED:
        promised, hinted = True, False
    elif suffix in _TAR and (found := _TAR_NAME.match(name)):
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
    if inner in _PICKLE:
        return readers.compressed_pickle
    inside = peek_inside(head, LIMITS.sniff_bytes) if inner in _PROMISED else b""
    found = reader_for(path[: -len(suffix)], name, inner, inside, size) if inside else None
    if found is None:
        return None
    return readers.unsized if found in _SIZED else readers.packed(found)


def _by_content(suffix: str, head: bytes) -> Reader | None:
    """Decide about what has a signature."""
    for length in (4, 2, 1):
        by_magic = _BY_MAGIC.get(head[:length])
        if by_magic is not None:
            found = by_magic(suffix, head)
            if found is not None:
                return found
    return behind(suffix, head)


def _by_suffix(name: str, suffix: str, head: bytes) -> Reader | None:
    """Decide about what has no signature, but a name that promises something."""
    if suffix in _PICKLE:
        return readers.pickle
    if suffix in _PLAIN:
        return _PLAIN[suffix]  # for the reader to say what is wrong with it
    if suffix == ".nemo":
        return _PROMISED_TAR
    if _OLD_PICKLE.match(head):
        return (
            readers.pickle if suffix in _MODEL and readers.is_binary(head) else readers.old_pickle
        )
    if suffix in _ARCHIVES:
        return archives.parse  # loaders look for a directory at the end, whatever the beginning is
    if (suffix in _UNPICKLED and readers.is_binary(head)) or _TORCH_BIN.match(name):
        return readers.unknown
    if suffix in _MODEL and imports_danger(head):
        return readers.pickle
    if suffix in _MODEL and _goes_on(head):
        return readers.raw_pickle
    if (_RAW.match(suffix) or name.startswith(_EXPORTED)) and readers.is_binary(head):
        return readers.raw
    return readers.old_pickle if suffix in _MODEL or suffix in _UNPICKLED else None


def _by_link(head: bytes) -> Reader | None:
    """Decide about a blob that a loader reaches by a link, whose name is not known here."""
    if head.startswith(_ZIP):
        return archives.parse
    if tar_like(head) or tar_like(inside := peek_inside(head, _TAR_PEEKED)):
        return _HINTED_TAR
    if imports_danger(head):
        return readers.pickle
    if _goes_on(head):
        return readers.raw_pickle
    return readers.compressed_pickle if _hides_pickle(inside[: LIMITS.sniff_bytes]) else None


def _by_place(path: str, suffix: str, size: int) -> Reader | None:
    """Decide about what is a model's or a data set's only because of where it lies."""
    if suffix in _TABLES and tables.promising(path, size):
        return _TABLES[suffix]
    return readers.placed(path, size)


def _goes_on(head: bytes) -> bool:
    """Whether an unpickler gets through all that was peeked at: the import may come later."""
    return len(head) >= LIMITS.sniff_bytes and may_be_pickle(head)


def _hides_pickle(inside: bytes) -> bool:
    return imports_danger(inside) or _goes_on(inside)


def _pickle(suffix: str, head: bytes) -> Reader | None:
    if head[4:9] == b"\x00\x00\x00\x00{" and safetensors.looks_like(head):
        return safetensors.parse  # the length of its header; no opcode has the number 0
    if head.startswith(torch.LEGACY_HEAD):
        return torch.parse_legacy
    return readers.pickle if suffix in _MODEL else readers.likely_pickle


def _zip(suffix: str, head: bytes) -> Reader | None:
    if suffix in _WALKED or (suffix not in _PASSED and archives.telling(head)):
        return archives.parse
    return None


def _compressed(suffix: str, head: bytes) -> Reader | None:
    inside = peek_inside(head, 64)
    if suffix in _PICKLE or inside[:2] in _PROTOCOLS or _OLD_PICKLE.match(inside):
        return readers.compressed_pickle
    if suffix in _MODEL and _hides_pickle(peek_inside(head, LIMITS.sniff_bytes)):
        return readers.compressed_pickle
    return None


def _lz4(suffix: str, head: bytes) -> Reader | None:
    """Decide by the bytes that the compressor left as they were: joblib writes such pickles."""
    inside = peek_lz4(head)
    if inside[:2] in _PROTOCOLS or _OLD_PICKLE.match(inside):
        return readers.compressed_pickle
    return readers.compressed_pickle if suffix in _MODEL - {".bin"} else None


def _may_hide(head: bytes, size: int) -> bool:
    """Whether an archive is searched for behind bytes that say nothing of themselves."""
    if size <= len(head):
        return _ZIP in head
    known = head[:2] in _COMPRESSED or head.startswith(_SYSTEMS)
    return size <= LIMITS.searched_file and not known


#: Readers that compare what a header says with the size of the file, which is not known here.
_SIZED: Final = frozenset({safetensors.parse, tflite.parse, catboost.parse})
#: Programs, time zones, terminals, a Java runtime: what most binary files without a suffix are.
_SYSTEMS: Final = (b"\x7fELF", b"TZif", b"\x1a\x01", b"\x1e\x02", b"\xda\xda\xfe\xca")
_PROMISED_TAR: Final = tarred(reader_for, promised=True)
_HINTED_TAR: Final = tarred(reader_for)
_ANY_TAR: Final = tarred(reader_for, hinted=False)
_ZIP: Final = b"PK\x03\x04"
_PROTOCOLS: Final = frozenset(bytes([0x80, version]) for version in range(6))
_COMPRESSED: Final = (
    b"\x1f\x8b", b"BZ", b"\xfd7", b"\x5d\x00", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",
)  # fmt: skip
#: First bytes → what decides about the rest of them.
_BY_MAGIC: Final[dict[bytes, Callable[[str, bytes], Reader | None]]] = {
    **BY_MAGIC,
    _ZIP: _zip,
    b"\x04\x22\x4d\x18": _lz4,
    **dict.fromkeys(_PROTOCOLS, _pickle),
    **dict.fromkeys(_COMPRESSED, _compressed),
}
_PICKLES: Final = frozenset(
    {
        readers.pickle,
        readers.compressed_pickle,
        torch.parse_legacy,
        archives.parse,
    }
)
