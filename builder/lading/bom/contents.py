"""The files of a document's models and data sets: what is compared when content is verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["model_files"]

_KINDS = frozenset({"machine-learning-model", "data"})


def model_files(document: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    """Return each file of the models and data sets: path to its SHA-256 digests (hexadecimal).

    A path has several digests when the document lists it more than once with different ones.

    Raises:
        InputError: a field has the wrong type, or a file has no SHA-256.
    """
    found: dict[str, set[str]] = {}
    for component in _components(document):
        if component.get("type") in _KINDS:
            for file in _components(component):
                if file.get("type") == "file":
                    found.setdefault(str(file.get("name")), set()).add(_sha256(file))
    return {path: frozenset(digests) for path, digests in found.items()}


def _components(parent: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = parent.get("components", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise InputError("the document is not valid CycloneDX", where="components")
    yield from listed


def _sha256(file: Mapping[str, Any]) -> str:
    hashes = file.get("hashes", [])
    for one in hashes if isinstance(hashes, list) else ():
        if isinstance(one, dict) and one.get("alg") == "SHA-256":
            return str(one.get("content")).lower()
    raise InputError("a model's file has no SHA-256 in the BOM", where=str(file.get("name"))[:300])
