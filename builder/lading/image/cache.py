"""Findings of layers kept between runs, by diff ID: layers never change, so neither do these.

One file an entry, compressed JSON with a checksum, written beside and renamed, so that a reader
in another process sees a whole entry or none. The version (scanner and format) is part of the
directory: another version never reads them, and they age out with the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lading.caching import prune, read_bounded, room_cache, write_atomic
from lading.image.streams import gathered
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LayerCache"]

_MAGIC = b"lading1\n"
_DIFF_ID = re.compile(r"sha256:([0-9a-f]{64})")
_SUFFIX = ".layer"
_PIECE = 256 * 1024


class LayerCache:
    """A bounded cache; whatever goes wrong with it is a miss, never an error.

    Args:
        directory: made when first written; ``None`` for the user's cache.
        version: of the scanner; entries of another version are not seen.
        bound: total bytes over all versions; least recently used entries go first.
    """

    def __init__(
        self, directory: Path | None, version: str, *, bound: int = LIMITS.layer_cache_total
    ) -> None:
        self._root = directory or room_cache("layers")
        self._directory = self._root / hashlib.sha256(version.encode()).hexdigest()[:16]
        self._bound = bound

    def get(self, diff_id: str) -> dict[str, Any] | None:
        """Return the findings, or None; an entry that does not check out is removed."""
        path = self._path(diff_id)
        if path is None:
            return None
        found = _unpack(read_bounded(path, LIMITS.layer_cache_entry) or b"")
        with suppress(OSError):
            if found is None:
                path.unlink(missing_ok=True)
            else:
                os.utime(path)
        return found

    def put(self, diff_id: str, value: dict[str, Any]) -> None:
        """Keep findings, JSON data; a full or read-only disk keeps nothing.

        Nor is kept what JSON has no word for (a model's header may say ``NaN``).
        """
        path = self._path(diff_id)
        try:
            raw = _pack(value)
        except (ValueError, RecursionError):
            return
        if path is None or len(raw) > min(LIMITS.layer_cache_entry, self._bound):
            return
        if write_atomic(path, raw):
            prune(self._root, self._bound)

    def _path(self, diff_id: str) -> Path | None:
        matched = _DIFF_ID.fullmatch(diff_id)
        return matched and self._directory / (matched[1] + _SUFFIX)


def _pack(findings: dict[str, Any]) -> bytes:
    packer = zlib.compressobj(1)
    texts = (piece.encode() for piece in _pieces(findings))
    packed = [packer.compress(piece) for piece in gathered(texts, _PIECE)]
    body = b"".join([*packed, packer.flush()])
    return _MAGIC + hashlib.sha256(body).digest() + body


def _pieces(findings: dict[str, Any]) -> Iterator[str]:
    """Yield a JSON object in pieces: a layer's as one text would be tens of MiB."""
    encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode
    comma = "{"
    for name, value in findings.items():
        yield f"{comma}{encode(name)}:"
        comma = ","
        if isinstance(value, list):
            yield "["
            for number, item in enumerate(value):
                yield ("," if number else "") + encode(item)
            yield "]"
        else:
            yield encode(value)
    yield "}" if findings else "{}"


def _unpack(raw: bytes) -> dict[str, Any] | None:
    head = len(_MAGIC) + 32
    body = raw[head:]
    if raw[:head] != _MAGIC + hashlib.sha256(body).digest():
        return None
    try:
        found = json.loads(zlib.decompress(body))
    except (ValueError, zlib.error, RecursionError):
        return None
    return found if isinstance(found, dict) else None
