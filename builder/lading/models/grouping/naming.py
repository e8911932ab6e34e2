"""What a model is called, and which files are shards of one."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lading.inventory import Origin
from lading.models import vocabulary as v

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.inventory import Fact, ModelFile

__all__ = ["directory_name", "hub_purl", "names_base", "stem", "stem_name", "variant"]

_SHARD: Final = re.compile(r"[-_.](?:0*\d{1,6})[-_]of[-_]\d{1,6}(?=\.|\Z)")
#: MXNet's names: ``NAME-symbol.json`` and ``NAME-0000.params``.
#: And those of TensorFlow.js for a list of weights: ``NAME-weights_manifest.json``.
_MXNET: Final = re.compile(
    r"-(?:symbol(?=\.json\Z)|\d{4}(?=\.params\Z)|weights_manifest(?=\.json\Z))"
)
_PACKAGE: Final = re.compile(r"\.ml(?:package|modelc)\Z")
_SUFFIXES: Final = re.compile(r"(?:\.[A-Za-z][\w-]{0,11}){1,2}\Z")
#: Names that say nothing about which model it is.
_GENERIC_WORDS: Final = """
model models weights weight checkpoint checkpoints ckpt pytorch_model tf_model flax_model
saved_model best final last latest data assets variables artifacts artifact snapshot onnx
model_optimized model_quantized decoder encoder adapter_model diffusion_pytorch_model app src
export exported output resources static files consolidated inference classifier network
"""
_GENERIC: Final = frozenset(_GENERIC_WORDS.split())
_VERSION: Final = re.compile(r"v?\d+(?:\.\d+)*\Z")


def stem(path: str) -> str:
    """Return a path without shard number and suffix: equal for the shards of one model."""
    directory, name = posixpath.split(path)
    plain = _MXNET.sub("", _SHARD.sub("", name))
    return posixpath.join(directory, _SUFFIXES.sub("", plain) or plain)


def variant(path: str) -> str:
    """Return a name without shard number and last suffix: ``model`` is not ``model.fp16``."""
    return posixpath.splitext(_SHARD.sub("", posixpath.basename(path)))[0]


def _generic(name: str) -> bool:
    return name.lower() in _GENERIC or bool(_VERSION.match(name)) or not name


def stem_name(path: str) -> str:
    """Return a name for a file on its own: its stem, or its directory's when that says more."""
    name = posixpath.basename(stem(path))
    if not _generic(name):
        return name
    above = directory_name(posixpath.dirname(path))
    return above if above and not _generic(above) else name


def directory_name(directory: str) -> str:
    """Return the last part of a directory that says something, else its last part."""
    parts = [_PACKAGE.sub("", part) for part in directory.split("/") if part]
    for part in reversed(parts[-3:]):
        if not _generic(part):
            return part
    return parts[-1] if parts else ""


def names_base(name: Fact, files: Iterable[ModelFile]) -> bool:
    """Say whether a name is that of the model which this one was made from.

    A configuration's ``_name_or_path`` is what was loaded when it was written: of a model that
    was fine-tuned, its base.
    """
    bases = (file.facts[v.BASE_MODEL].value for file in files if v.BASE_MODEL in file.facts)
    return any(name.value in found for found in bases)


def hub_purl(facts: Mapping[str, Fact]) -> str | None:
    """Return the purl of a Hub model; only a commit that more than a claim tells identifies one.

    https://github.com/package-url/purl-spec, type ``huggingface``.
    """
    repository, commit = facts.get(v.REPOSITORY), facts.get(v.COMMIT)
    if repository is None or commit is None or commit.origin is Origin.DECLARED:
        return None
    name = "/".join(quote(part, safe="._-") for part in str(repository.value).split("/"))
    return f"pkg:huggingface/{name}@{commit.value}"
