"""The JSON documents of images: read strictly and bounded, turned into facts.

OCI image-spec 1.1: manifest.md, image-index.md, config.md; and ``manifest.json`` of docker save.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, LimitError
from lading.inventory import ImageFacts, LayerFacts, Platform
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "ImageConfig",
    "checked_digest",
    "json_array",
    "json_object",
    "make_facts",
    "parse_config",
    "read_config",
]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _parse(raw: bytes, what: str, where: str, limit: int) -> Any:
    if len(raw) > limit:
        raise LimitError(
            f"{what} is too large", where=where, got=f"{len(raw)} bytes", wanted=f"at most {limit}"
        )
    try:
        return json.loads(raw, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is no JSON", where=where, got=str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def json_object(
    raw: bytes, what: str, where: str, limit: int = LIMITS.image_manifest
) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        InputError: it is something else, or has a key twice.
    """
    found = _parse(raw, what, where, limit)
    if not isinstance(found, dict):
        raise InputError(f"{what} is no JSON object", where=where)
    return found


def json_array(raw: bytes, what: str, where: str) -> list[Any]:
    """Return a JSON array.

    Raises:
        InputError: it is something else.
    """
    found = _parse(raw, what, where, LIMITS.image_manifest)
    if not isinstance(found, list):
        raise InputError(f"{what} is no JSON array", where=where)
    return found


def checked_digest(value: object, what: str, where: str) -> str:
    """Return a SHA-256 digest with its prefix.

    Raises:
        InputError: it is something else.
    """
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise InputError(
            f"{what} is no SHA-256 digest", where=where, got=ascii(value)[:100], wanted="sha256:…"
        )
    return value


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What lading needs of an image's configuration (config.md)."""

    platform: Platform
    diff_ids: tuple[str, ...]
    created: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_by: tuple[str | None, ...] = ()  # one a layer, or empty


def parse_config(raw: bytes, where: str) -> ImageConfig:
    """Return an image configuration out of its bytes.

    Raises:
        InputError: it is none.
    """
    return read_config(
        json_object(raw, "the image configuration", where, LIMITS.image_config), where
    )


def read_config(document: Mapping[str, Any], where: str) -> ImageConfig:
    """Return an image configuration out of its JSON object.

    Raises:
        InputError: it is none.
        LimitError: more layers than ``LIMITS.layers``.
    """
    rootfs = document.get("rootfs")
    listed = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(listed, list):
        raise InputError("the image configuration lists no layers", where=where, wanted="rootfs")
    if len(listed) > LIMITS.layers:
        raise LimitError(
            "the image has too many layers",
            where=where,
            got=str(len(listed)),
            wanted=f"at most {LIMITS.layers}",
        )
    diff_ids = tuple(checked_digest(item, "a diff ID", where) for item in listed)
    config = document.get("config")
    labels = config.get("Labels") if isinstance(config, dict) else None
    return ImageConfig(
        Platform(
            _text(document, "os") or "unknown",
            _text(document, "architecture") or "unknown",
            _text(document, "variant"),
        ),
        diff_ids,
        _text(document, "created"),
        {
            key: value
            for key, value in (labels if isinstance(labels, dict) else {}).items()
            if isinstance(value, str)
        },
        _created_by(document.get("history"), len(diff_ids)),
    )


def _text(document: Mapping[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) and value else None


def _created_by(history: object, layers: int) -> tuple[str | None, ...]:
    """Return the command of each layer; empty when history and layers do not fit each other."""
    steps = (
        [step for step in history if isinstance(step, dict)] if isinstance(history, list) else []
    )
    commands = tuple(_text(step, "created_by") for step in steps if not step.get("empty_layer"))
    return commands if len(commands) == layers else ()


def make_facts(
    name: str,
    config: ImageConfig,
    *,
    config_digest: str,
    blobs: Sequence[str | None] = (),
    manifest_digest: str | None = None,
    index_digest: str | None = None,
    repo_digests: Sequence[str] = (),
) -> ImageFacts:
    """Return the facts of an image. Layer sizes are 0: only reading a layer tells.

    ``blobs`` are the digests of the layers as they are stored, one a layer, or empty.
    """
    count = len(config.diff_ids)
    commands = config.created_by or (None,) * count
    return ImageFacts(
        name=name,
        platform=config.platform,
        config_digest=config_digest,
        layers=tuple(
            LayerFacts(diff_id, 0, digest=blob, created_by=command)
            for diff_id, blob, command in zip(
                config.diff_ids, blobs or (None,) * count, commands, strict=True
            )
        ),
        manifest_digest=manifest_digest,
        index_digest=index_digest,
        repo_digests=tuple(repo_digests),
        created=config.created,
        labels=config.labels,
    )
