"""Which files of a directory without a configuration are of one model: those with the same stem.

Three kinds of files say it otherwise: those that are named after another file with one more suffix
(gensim keeps large arrays as ``NAME.ATTRIBUTE.npy``); Paddle's, of which a program and its
parameters, or each parameter alone, have names of their own; and the parts of an acoustic model.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from lading.models.grouping.naming import directory_name, stem, stem_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from lading.inventory import ModelFile

__all__ = ["name_of", "stems_of"]

#: Suffixes of Paddle's files that are named after their model.
_PADDLE: Final = frozenset({".pdmodel", ".pdiparams", ".pdparams", ".pdopt", ".json"})


def stems_of(files: Iterable[ModelFile]) -> dict[str, str]:
    """Return path → stem; a stem that ends with a slash is the directory itself."""
    by_path = {file.path: file for file in files}
    return {path: _stem(file, by_path) for path, file in by_path.items()}


def _stem(file: ModelFile, paths: Collection[str]) -> str:
    directory, name = posixpath.split(file.path)
    if file.format == "paddle" and posixpath.splitext(name)[1].lower() not in _PADDLE:
        return f"{directory}/"
    if file.format == "sphinx":
        return f"{directory}/"
    if file.format == "tensorflow-checkpoint" and name[:1] == ".":
        return f"{directory}/"  # saved to ``DIRECTORY/``: the prefix of its names is empty
    at = name.find(".")
    while at > 0:
        above = posixpath.join(directory, name[:at])
        if above in paths:
            return stem(above)
        at = name.find(".", at + 1)
    return stem(file.path)


def name_of(one: str, path: str) -> str:
    """Return a name for the model with a stem, of which ``path`` is a file."""
    return directory_name(one) if one.endswith("/") else stem_name(path)
