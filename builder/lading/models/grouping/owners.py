"""Which directory owns a file: the one whose model it is part of."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from lading.inventory import ModelFile, Role
from lading.models.grouping.place import cached, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Owners", "owners_of"]

#: Companions that make a directory, and everything below it, one model.
_TREE_KINDS: Final = frozenset(
    {"pipeline", "modules", "mlflow", "spacy", "saved-model", "mlpackage"}
)
#: Companions that make a directory one model.
_HOME_KINDS: Final = frozenset({"config", "adapter", "component", "nemo"})
#: Directories in which exporters put further forms of the model of the directory above.
_VARIANTS_WORDS: Final = """
onnx openvino coreml tflite gguf flax original original_model rust tensorflow tf jax mlx
torchscript quantized int8 fp16 fp32 assets variables
"""
_VARIANTS: Final = frozenset(_VARIANTS_WORDS.split())
#: Core ML compiled.
_COMPILED: Final = re.compile(r"(.*?\.mlmodelc)/")
#: Directories of a model of Kaldi's, as Vosk wants them.
_KALDI: Final = frozenset({"am", "ivector", "graph", "rescore", "rnnlm"})


class Owners:
    """The directories that own others' files."""

    def __init__(self, files: Iterable[ModelFile]) -> None:
        self._trees: set[str] = set()
        self._homes: set[str] = set()
        for file in files:
            kind, directory = kind_of(file), posixpath.dirname(file.path)
            if (tree := _tree(file, directory)) is not None:
                self._trees.add(tree)
            if kind in _TREE_KINDS:
                self._trees.add(directory)
            elif kind in _HOME_KINDS and file.role in (Role.CONFIG, Role.INDEX):
                self._homes.add(directory)

    def owner(self, path: str) -> str | None:
        """Return the directory whose model ``path`` belongs to, None when it is on its own."""
        place = cached(path)
        if place is not None:
            return place.snapshot or place.root
        directory = posixpath.dirname(path)
        top = None
        for parent in _upwards(directory):
            if parent in self._trees:
                top = parent
        if top is not None:
            return top
        if directory in self._homes:
            return directory
        above = posixpath.dirname(directory)
        if posixpath.basename(directory).lower() in _VARIANTS and above in self._homes:
            return above
        return None


def _tree(file: ModelFile, directory: str) -> str | None:
    """Return the directory that is one model because of how it is laid out."""
    if file.format == "coreml" and (found := _COMPILED.match(file.path)):
        return found[1]
    if file.format == "kaldi" and posixpath.basename(directory) in _KALDI:
        return posixpath.dirname(directory)
    return None


def _upwards(directory: str) -> Iterable[str]:
    """Yield a directory and those above it, the image's root last."""
    while directory:
        yield directory
        directory = posixpath.dirname(directory)
    yield ""


def owners_of(
    files: list[ModelFile],
) -> tuple[dict[str, list[ModelFile]], dict[str, list[ModelFile]]]:
    """Return the files of each owning directory, and of each directory without an owner."""
    owners = Owners(files)
    owned: defaultdict[str, list[ModelFile]] = defaultdict(list)
    loose: defaultdict[str, list[ModelFile]] = defaultdict(list)
    for file in files:
        owner = owners.owner(file.path)
        if owner is None:
            loose[posixpath.dirname(file.path)].append(file)
        else:
            owned[owner].append(file)
    return dict(owned), dict(loose)
