"""Files that hold a model's tensors and say nothing of themselves: another file names them.

ONNX, OpenVINO and TensorFlow keep tensors without any header beside the model. Such a file is
kept, and counts as weights, only when a model says that it is its own.
"""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from lading.inventory import Fact, ModelFile, Origin, Role
from lading.models import vocabulary as v
from lading.models.grouping.place import kind_of
from lading.models.readers import RAW

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PART", "external_of", "with_parts"]

#: The kind of a file that a model has named.
PART: Final = "part"


def external_of(file: ModelFile) -> set[str]:
    """Return the paths at which ``file`` says that its tensors are."""
    fact = file.facts.get(v.EXTERNAL_DATA)
    directory = posixpath.dirname(file.path)
    return {posixpath.join(directory, one) for one in fact.value} if fact else set()


def with_parts(files: Iterable[ModelFile]) -> list[ModelFile]:
    """Return the files; those that a model names are weights, of its format."""
    files = list(files)
    named = {
        path: file for file in files if v.EXTERNAL_DATA in file.facts for path in external_of(file)
    }
    return [
        _part(file, named[file.path]) if file.path in named and kind_of(file) == RAW else file
        for file in files
    ]


def _part(file: ModelFile, model: ModelFile) -> ModelFile:
    facts = {**file.facts, v.KIND: Fact(PART, Origin.OBSERVED, model.path)}
    return replace(file, role=Role.WEIGHTS, format=model.format, facts=facts)
