"""Names that a policy can misspell without anybody noticing: what they can be.

A rule that denies the format ``Pickle``, or judges the licences of ``pip`` packages, would accept
everything. So a name must be one that exists, or a pattern that one of them fits.
"""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from lading.attest.predicates import SHORT_NAMES
from lading.policy.options import TEXT, Kind, listed

if TYPE_CHECKING:
    from lading.policy.source import Where

__all__ = ["ATTESTATION", "ATTESTATIONS", "FORMATS", "MODEL_FORMATS", "check_purl_type"]

#: As docs/formats/models.md lists them.
MODEL_FORMATS: Final = frozenset(
    {
        "7z", "arpa", "caffe", "catboost", "coreml", "crfsuite", "ctranslate2", "darknet", "dlib",
        "executorch", "fasttext", "flax", "ggml", "gguf", "glove", "h2o-mojo", "hdf5", "hts-voice",
        "java-serialized", "joblib", "kaldi", "kenlm", "keras", "lfs-pointer", "libsvm", "lightgbm",
        "litertlm", "llamafile", "mediapipe", "mnn", "model-archive", "mxnet", "navec", "ncnn",
        "nemo", "npz", "numpy", "onnx", "opencv", "openvino", "ort", "paddle", "pickle",
        "picovoice", "pmml", "pytorch", "pytorch-legacy", "pytorch-tar", "r-data", "rknn",
        "safetensors", "sentencepiece", "skops", "slovnet", "spacy", "sphinx", "sphinx-lm",
        "tensorflow-checkpoint", "tensorflow-graph", "tensorflow-saved-model", "tensorrt",
        "tesseract", "tfjs", "tflite", "torch-export", "torch7", "torchscript", "torchserve",
        "unknown", "wapiti", "word2vec", "xgboost",
    }
)  # fmt: skip

#: Package URL types, of its specification and of what scanners write.
_PURL_TYPES: Final = frozenset(
    {
        "alpm", "apk", "bazel", "bitbucket", "bitnami", "cargo", "chrome-extension", "cocoapods",
        "composer", "conan", "conda", "cpan", "cran", "deb", "docker", "ebuild", "gem", "generic",
        "github", "gitlab", "golang", "hackage", "hex", "huggingface", "julia", "luarocks",
        "maven", "mlflow", "nix", "npm", "nuget", "oci", "opam", "otp", "pub", "pypi", "qpkg",
        "rpm", "swid", "swift", "terraform", "vscode-extension", "wordpress", "wordpress-plugin",
        "yocto",
    }
)  # fmt: skip


def _read_format(value: Any, where: Where) -> str:
    pattern = TEXT.read(value, where)
    if not any(fnmatchcase(one, pattern) for one in MODEL_FORMATS):
        raise where.unknown("format of models", pattern, MODEL_FORMATS)
    return str(pattern)


def _read_attestation(value: Any, where: Where) -> str:
    name = TEXT.read(value, where)
    if name not in SHORT_NAMES and ":" not in name:
        raise where.unknown("type of attestations", name, SHORT_NAMES)
    return str(name)


def check_purl_type(kind: str, where: Where) -> None:
    """Return when ``kind`` is a purl type or like none of them: new ones come up.

    Raises:
        InputError: it is one of them, misspelt.
    """
    if kind in _PURL_TYPES or "*" in kind:
        return
    if difflib.get_close_matches(kind, _PURL_TYPES, n=1, cutoff=0.5):
        raise where.unknown("type of packages", kind, _PURL_TYPES)


FORMATS: Final = listed(Kind(_read_format, TEXT.schema))
ATTESTATION: Final = Kind(
    _read_attestation,
    {"anyOf": [{"enum": sorted(SHORT_NAMES)}, {**TEXT.schema, "pattern": ":"}]},
)
ATTESTATIONS: Final = listed(ATTESTATION)
