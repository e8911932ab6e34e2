"""What the name of a file promises: suffixes and names, in lower case, as tables.

A suffix is a hint. What is decided by it, and when, is in ``by_content`` and ``by_name``.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

__all__ = [
    "AMBIGUOUS",
    "ARCHIVES",
    "EXPORTED",
    "FOREIGN",
    "MODEL",
    "NEVER",
    "PACKED",
    "PASSED",
    "PICKLE",
    "PROMISED",
    "RAW",
    "SMALL",
    "TAR",
    "TARRED",
    "TEXTS",
    "TORCH_BIN",
    "UNPICKLED",
    "WALKED",
    "names_model",
    "tar_name",
    "without_compressor",
]

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
PICKLE: Final = frozenset({".pkl", ".pickle", ".pck", ".pk", ".dill", ".joblib", ".cloudpickle"})
_TORCH: Final = frozenset({".pt", ".pth", ".ckpt", ".pt2", ".ptl"})
#: Suffixes of files that loaders give to an unpickler when they know no better.
UNPICKLED: Final = frozenset({*PICKLE, *_TORCH, ".npy", ".npz"})
ARCHIVES: Final = frozenset({".keras", ".mar", ".skops", ".zip"})
#: Names under which transformers, diffusers and peft unpickle.
TORCH_BIN: Final = re.compile(
    r"(?:(?:diffusion_)?pytorch_model|adapter_model|training_args|optimizer|scheduler|scaler)"
    r"(?:[-_.].*)?\.bin\Z"
)
#: Suffixes under which a broken pickle is believed to be one.
MODEL: Final = frozenset({".bin", ".safetensors", ".model", ".sav", *_TORCH, *PICKLE})
#: Archives that are walked whatever their first member is, and those that never are.
WALKED: Final = frozenset({".zip", ".mar", ".keras", ".npz", ".skops", *MODEL})
PASSED: Final = frozenset(
    {".whl", ".egg", ".jar", ".apk", ".docx", ".xlsx", ".pptx", ".odt", ".nupkg"}
)

#: Suffixes of R's objects, and of Torch's in Lua.
FOREIGN: Final = frozenset({".rds", ".rda", ".rdata", ".t7"})
#: Suffixes that compressors add to a name; pandas and joblib go by them.
PACKED: Final = frozenset({".gz", ".bz2", ".xz", ".lzma", ".z", ".zst", ".lz4"})
#: Suffixes under which torch (before 0.1.10) and NeMo keep tars of pickles.
TARRED: Final = frozenset({".nemo", *MODEL})
#: Suffixes of tars, and whole ends of names that promise a model in one.
TAR: Final = frozenset({".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", *PACKED})
_TAR_NAME: Final = re.compile(
    r".*?(?:(?P<promise>\.(?:pth?|ckpt|nemo))|(?P<hint>model|checkpoint|ckpt|weights|pretrained)"
    r"[^/]*?)?\.(?:tar(?:\.(?:gz|bz2|xz|lzma|zst|lz4))?|t(?:gz|bz2?|xz|zst))\Z"
)

TEXTS: Final = frozenset({".json", ".txt", ".md", ".pdf"})
#: Suffixes under which models keep tensors without any header in files beside them.
RAW: Final = re.compile(r"\.(?:bin|data|weights?|bias|raw|onnx_data|data-\d{5}-of-\d{5})\Z")
#: How torch's exporter to ONNX, and TensorFlow.js, name files of tensors.
EXPORTED: Final = re.compile(r"onnx__|.*[_-]shard\d+(?:of\d+)?\Z")
_PROMISED_WORDS: Final = """
.onnx .gguf .ggml .h5 .hdf5 .keras .tflite .pb .msgpack .npz .npy .ot .mlmodel .engine .plan .ftz
.params .pdmodel .pdiparams .cbm .ubj .onnx_data .nemo .llamafile .xml .zip .vec .traineddata
.crfsuite .caffemodel .weights .pte .rknn .litertlm .task .spm .mnn
"""
#: Suffixes under which a Git LFS pointer stands for a model.
PROMISED: Final = MODEL | frozenset(_PROMISED_WORDS.split())
#: Those of them that files of other programs have as well.
AMBIGUOUS: Final = frozenset(
    {".bin", ".engine", ".params", ".pb", ".plan", ".task", ".vec", ".weights", ".xml", ".zip"}
)


def tar_name(name: str) -> re.Match[str] | None:
    """Match the lower-case name of a tar, compressed or not: groups ``promise`` and ``hint``."""
    return _TAR_NAME.match(name) if ".t" in name else None


def names_model(name: str) -> bool:
    """Whether the lower-case name of a file speaks of a model, and of nothing else."""
    suffix = posixpath.splitext(without_compressor(name))[1]
    sure = suffix in PROMISED and suffix not in AMBIGUOUS
    return sure or TORCH_BIN.match(name) is not None


def without_compressor(name: str) -> str:
    """Return a name without the suffix that a compressor added."""
    bare, suffix = posixpath.splitext(name)
    return bare if suffix.lower() in PACKED else name
