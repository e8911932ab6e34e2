"""Documents that name a model's files by their digests, or say that a directory is one package.

Ollama and Docker keep models as an OCI image manifest (image-spec, manifest.md) and blobs that
have no names. Core ML's packages have a ``Manifest.json``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lading.inventory import Role
from lading.models import vocabulary as v
from lading.models.jsonstream import JsonObject
from lading.models.report import printable

if TYPE_CHECKING:
    from lading.models.report import Report
    from lading.models.stream import Source

__all__ = [
    "INDEX",
    "MANIFEST",
    "MODEL_MEDIA",
    "parse_model_index",
    "parse_model_manifest",
    "parse_package",
]

#: The kind of a manifest whose layers are a model's parts.
MANIFEST: Final = "model-manifest"
#: The kind of a document that names a store's models.
INDEX: Final = "model-index"
#: Media types of the layers that are a model's parts.
MODEL_MEDIA: Final = re.compile(
    r"application/vnd\.(?:ollama\.image|docker\.ai|cncf\.model)\.[\w.+-]{1,100}\Z"
)
_OLLAMA: Final = re.compile(r"(?:^|/)manifests/([^/]+)/([^/]+)/([^/]+)/([^/]+)\Z")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_MOST: Final = 256


def parse_model_manifest(source: Source, report: Report) -> bool:
    """Note the blobs of a model; False when the manifest is an image's, or no manifest."""
    blobs: list[dict[str, Any]] = []
    for path, value in JsonObject(source):
        if path == ("layers",) and isinstance(value, list):
            blobs += [one for one in map(_blob, value[:_MOST]) if one]
        elif path == ("config",):
            config = _blob(value)
            blobs += [config] if config else []
    if not any(MODEL_MEDIA.match(one["media_type"]) for one in blobs):
        return False
    report.role = Role.INDEX
    report.fact(v.KIND, MANIFEST, "")
    report.fact(v.BLOBS, blobs, "layers")
    named = _OLLAMA.search(report.path)
    if named:
        namespace = "" if named[2] == "library" else f"{named[2]}/"
        report.declared(v.NAME, f"{namespace}{named[3]}:{named[4]}", "")
    return True


def parse_model_index(source: Source, report: Report) -> bool:
    """Note the tags of the models in a store of Docker's; False when the document is another's."""
    tags: list[list[str]] = []
    for path, value in JsonObject(source):
        if path == ("models",) and isinstance(value, list):
            for entry in value[:_MOST]:
                tags += _tags(entry)
    report.role = Role.INDEX
    report.fact(v.KIND, INDEX, "")
    report.fact(v.REFS, tags, "models.tags")
    return bool(tags)


def _tags(entry: Any) -> list[list[str]]:
    if not isinstance(entry, dict) or not isinstance(entry.get("tags"), list):
        return []
    digest = entry.get("id")
    if not isinstance(digest, str) or not _DIGEST.match(digest):
        return []
    return [[printable(tag), digest] for tag in entry["tags"][:_MOST] if isinstance(tag, str)]


def _blob(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    digest, media_type, size = (value.get(key) for key in ("digest", "mediaType", "size"))
    if not isinstance(digest, str) or not _DIGEST.match(digest) or not isinstance(media_type, str):
        return None
    known = size if type(size) is int and 0 <= size < 1 << 62 else 0
    return {"digest": digest, "media_type": media_type[:200], "size": known}


def parse_package(source: Source, report: Report) -> bool:
    """Note a Core ML package; False when the manifest is another's."""
    names = {path[0] for path, _ in JsonObject(source)}
    if not {"fileFormatVersion", "itemInfoEntries", "rootModelIdentifier"} <= names:
        return False
    report.role = Role.CONFIG
    report.fact(v.KIND, "mlpackage", "")
    return True
