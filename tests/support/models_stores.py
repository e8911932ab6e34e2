"""Stores of Ollama's and Docker's as their programs write them: manifests, and blobs by digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from support.models_fixtures import write_files

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

OLLAMA = "root/.ollama/models"
OLLAMA_CONFIG = b'{"model_format":"gguf","model_family":"llama"}'


def digest(data: bytes) -> str:
    """Return a SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def manifest(config: bytes, layers: Mapping[str, bytes], prefix: str) -> bytes:
    """Return an OCI manifest: last words of media types → blobs."""

    def described(kind: str, data: bytes) -> dict[str, object]:
        return {
            "mediaType": f"application/vnd.{prefix}.{kind}",
            "digest": f"sha256:{digest(data)}",
            "size": len(data),
        }

    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": described("config.v0.1+json", config),
        "layers": [described(kind, data) for kind, data in layers.items()],
    }
    return json.dumps(document).encode()


def write_ollama(
    directory: Path,
    tags: Mapping[str, Mapping[str, bytes]],
    *,
    missing: Collection[bytes] = (),
) -> None:
    """Write a store of Ollama's: tags → layers; ``missing`` blobs are named and not there."""
    for tag, layers in tags.items():
        blobs = {
            f"sha256-{digest(data)}": data
            for data in (OLLAMA_CONFIG, *layers.values())
            if data not in missing
        }
        write_files(directory / OLLAMA / "blobs", dict(blobs))
        name = f"manifests/registry.ollama.ai/{tag}"
        write_files(directory / OLLAMA, {name: manifest(OLLAMA_CONFIG, layers, "ollama.image")})
