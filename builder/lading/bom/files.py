"""The files of a model or data set: nested components, occurrences and digests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lading.bom.encode import encode
from lading.bom.properties import Properties
from lading.bom.text import label, location
from lading.inventory import Role
from lading.root_digest import root_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lading.inventory import ModelFile

__all__ = ["file_components", "files_digest", "hashes", "occurrences", "sole_digest"]

_SHA256 = re.compile("[0-9a-f]{64}")


def file_components(files: Iterable[ModelFile]) -> list[dict[str, Any]]:
    """Return one ``file`` component per path, sorted.

    ``name`` is the path with a leading slash. bom-refs are given by :mod:`lading.bom.refs`.
    """
    found = {encode(component): component for component in map(_file_component, files)}
    return [one for _, one in sorted(found.items(), key=lambda pair: (pair[1]["name"], pair[0]))]


def _file_component(file: ModelFile) -> dict[str, Any]:
    properties = (
        Properties()
        .add("lading:file:size", file.size)
        .add("lading:file:role", str(file.role))
        .add("lading:file:format", file.format)
        .add("lading:layer", file.layer)
    )
    for other in file.also_at:
        properties.add("lading:file:also-at", location(other.path))
    if file.role is Role.WEIGHTS or file.safety.verdict:
        properties.add("lading:safety:verdict", file.safety.verdict.word)
    return {
        "type": "file",
        "name": location(file.path),
        "hashes": hashes({"SHA-256": file.sha256}),
        "properties": properties.render(),
    }


def occurrences(files: Iterable[ModelFile]) -> list[dict[str, str]]:
    """Return ``evidence.occurrences``: every place of every file, links and copies included.

    ``additionalContext`` is ``key=value`` pairs parted by blanks: layer, role, size, sha256.
    """
    found = set()
    for file in files:
        tail = f"role={file.role} size={file.size} sha256={file.sha256}"
        places = [(file.path, file.layer), *((one.path, one.layer) for one in file.also_at)]
        for path, layer in places:
            found.add((location(path), f"layer={layer} {tail}" if layer else tail))
    return [
        {"location": path, "additionalContext": label(context)} for path, context in sorted(found)
    ]


def hashes(by_algorithm: Iterable[tuple[str, str]] | dict[str, str]) -> list[dict[str, str]]:
    """Return the ``hashes`` array of those pairs that the schema accepts, sorted."""
    pairs = by_algorithm.items() if isinstance(by_algorithm, dict) else by_algorithm
    return [
        {"alg": algorithm, "content": content.lower()}
        for algorithm, content in sorted(pairs)
        if algorithm in _HEX_LENGTH
        and len(content) == _HEX_LENGTH[algorithm]
        and _HEX.fullmatch(content)
    ]


_HEX = re.compile("[0-9a-fA-F]+")
_HEX_LENGTH = {
    "MD5": 32,
    "SHA-1": 40,
    "SHA-256": 64,
    "SHA-384": 96,
    "SHA-512": 128,
    "SHA3-256": 64,
    "SHA3-384": 96,
    "SHA3-512": 128,
    "BLAKE2b-256": 64,
    "BLAKE2b-384": 96,
    "BLAKE2b-512": 128,
    "BLAKE3": 64,
}


def sole_digest(files: Sequence[ModelFile]) -> dict[str, str]:
    """Return the SHA-256 of a model that is one weight file; nothing for several or none."""
    weights = {file.sha256 for file in files if file.role in (Role.WEIGHTS, Role.DATA)}
    return {"SHA-256": weights.pop()} if len(weights) == 1 else {}


def files_digest(files: Iterable[ModelFile]) -> str | None:
    """Return the root digest of files (:mod:`lading.root_digest`), or None without any."""
    return root_digest((file.path, file.sha256) for file in files if _SHA256.fullmatch(file.sha256))
