"""Which reader a file needs, from its name and its first bytes.

Asked for every file of an image, most of which are no models: names and suffixes are looked up in
tables, content by its first bytes. A suffix alone never makes a model, and never unmakes one: the
files that are not even looked at have a suffix that no loader of models takes, and are small.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lading.models import readers
from lading.models.companions.names import COMPANIONS, SKIPPED_PLACES, by_pattern
from lading.models.formats import archives, gguf, numpy, onnx, safetensors, torch
from lading.models.unpack import peek_inside

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
#: Suffixes under which a broken pickle is believed to be one.
_MODEL: Final = frozenset({".bin", ".safetensors", ".model", ".sav", *_TORCH, *_PICKLE})
#: Archives that are walked whatever their first member is, and those that never are.
_WALKED: Final = frozenset({".zip", ".mar", ".keras", ".npz", *_MODEL})
_PASSED: Final = frozenset(
    {".whl", ".egg", ".jar", ".apk", ".docx", ".xlsx", ".pptx", ".odt", ".nupkg"}
)

_TEXTS: Final = frozenset({".json", ".txt", ".md", ".pdf"})

#: Protocols 0 and 1 have no mark: a global, or an empty container that is memoized.
_OLD_PICKLE: Final = re.compile(
    rb"c[A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|\(?[dl\]}(]?p\d+\n|\((?:i|c)[A-Za-z_][\w.]*\n"
    rb"|[\])}]q\x00|\(dq|\(lq|\(S'|\(V|\(lp\d"
)
_BLOB: Final = re.compile(
    r"(?:^|/)(?:models|datasets|spaces)--[^/]+/(blobs/[0-9a-f]{40,64}|refs/.+)\Z"
)


def reader_for(path: str, name: str, suffix: str, head: bytes) -> Reader | None:
    """Return what reads the file, or None when it is not a model's.

    ``name`` and ``suffix`` are in lower case; ``head`` is the file's first
    ``LIMITS.sniff_bytes``, or all of it.
    """
    by_magic = _BY_MAGIC.get(head[:4]) or _BY_MAGIC.get(head[:2])
    if by_magic is not None:
        found = by_magic(suffix, head)
        if found is not None:
            return found
    if head[8:9] == b"{" and safetensors.looks_like(head):
        return safetensors.parse
    if head[:1] == b"\x08" and onnx.looks_like(head):
        return onnx.parse
    companion = COMPANIONS.get(name)
    if companion is None and suffix in _TEXTS:
        companion = by_pattern(name)
    if companion is not None and not SKIPPED_PLACES.search(path):
        return readers.companion(*companion)
    if suffix in _PICKLE:
        return readers.pickle
    if _OLD_PICKLE.match(head):
        return readers.old_pickle
    if suffix in _TORCH and _is_binary(head):
        return readers.unknown_torch
    if "--" in path and _BLOB.search(path):
        return readers.cached
    return None


def _is_binary(head: bytes) -> bool:
    """Whether the bytes are not a text: ``.pth`` and ``.pt`` are also suffixes of texts."""
    return b"\x00" in head or not head.isascii()


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
    return None


def _gguf(suffix: str, head: bytes) -> Reader | None:  # noqa: ARG001 - one shape for all
    return gguf.parse


def _numpy(suffix: str, head: bytes) -> Reader | None:  # noqa: ARG001 - one shape for all
    return numpy.parse if head[:6] == numpy.MAGIC else None


_PROTOCOLS: Final = frozenset(bytes([0x80, version]) for version in range(6))
_COMPRESSED: Final = (
    b"\x1f\x8b", b"BZ", b"\xfd7", b"\x5d\x00", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda",
)  # fmt: skip
#: First two or four bytes → what decides about the rest of them.
_BY_MAGIC: Final[dict[bytes, Callable[[str, bytes], Reader | None]]] = {
    gguf.MAGIC: _gguf,
    numpy.MAGIC[:4]: _numpy,
    b"PK\x03\x04": _zip,
    **dict.fromkeys(_PROTOCOLS, _pickle),
    **dict.fromkeys(_COMPRESSED, _compressed),
}
