"""Findings of layers kept between runs, by diff ID: layers never change, so neither do these.

One file an entry, compressed JSON with a checksum, written beside and renamed, so that a reader
in another process sees a whole entry or none. The version (scanner and format) is part of the
directory: another version never reads them, and they age out with the rest.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress

from lading.caching import prune, read_bounded, room_cache, write_atomic
from lading.image.streams import gathered
from lading.limits import LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = ["LayerCache"]

_MAGIC = b"lading1\n"
_ALGORITHM, _DIGITS = "sha256:", 64
_SUFFIX = ".layer"
_PIECE = 256 * 1024


class LayerCache:
    """A bounded cache; whatever goes wrong with it is a miss, never an error.

    Args:
        directory: made when first written; ``None`` for the user's cache.
        version: of the scanner; entries of another version are not seen.
        bound: total bytes over all versions; least recently used entries go first.
        sweeps: each new entry sees to the bound; else the caller does, when nobody waits.
    """

    def __init__(
        self,
        directory: Path | None,
        version: str,
        *,
        bound: int = LIMITS.layer_cache_total,
        sweeps: bool = True,
    ) -> None:
        self._root = os.fspath(directory) if directory else room_cache("layers")
        self._directory = f"{self._root}/{hashlib.sha256(version.encode()).hexdigest()[:16]}"
        self._bound = bound
        self._sweeps = sweeps

    def get(self, diff_id: str) -> dict[str, Any] | None:
        """Return the findings, or None; an entry that does not check out is removed."""
        return self._get(diff_id, _findings)

    def get_text(self, key: str) -> str | None:
        """Return what :meth:`put_text` kept, as :meth:`get` does."""
        return self._get(key, _text)

    def _get(self, diff_id: str, read: Callable[[bytes], T | None]) -> T | None:
        path = self._path(diff_id)
        if path is None:
            return None
        body = _unpack(read_bounded(path, LIMITS.layer_cache_entry) or b"")
        found = None if body is None else read(body)
        with suppress(OSError):
            if found is None:
                os.unlink(path)
            else:
                os.utime(path)
        return found

    def put(self, diff_id: str, value: dict[str, Any]) -> None:
        """Keep findings, JSON data; a full or read-only disk keeps nothing.

        Nor is kept what JSON has no word for (a model's header may say ``NaN``).
        """
        try:
            raw = _pack(piece.encode() for piece in _pieces(value))
        except (ValueError, RecursionError):
            return
        self._put(diff_id, raw)

    def put_text(self, key: str, text: str) -> None:
        """Keep a text under something like a diff ID; another version than of findings is due."""
        self._put(key, _pack([text.encode("utf-8", "surrogatepass")]))

    def _put(self, diff_id: str, raw: bytes) -> None:
        path = self._path(diff_id)
        if path is None or len(raw) > min(LIMITS.layer_cache_entry, self._bound):
            return
        if write_atomic(path, raw) and self._sweeps:
            self.sweep()

    def sweep(self) -> None:
        """See to the bound: this looks at every entry that there is."""
        prune(self._root, self._bound)

    def _path(self, diff_id: str) -> str | None:
        digits = diff_id.removeprefix(_ALGORITHM)
        if len(digits) != _DIGITS or len(diff_id) == _DIGITS or digits.strip("0123456789abcdef"):
            return None
        return f"{self._directory}/{digits}{_SUFFIX}"


def _pack(texts: Iterable[bytes]) -> bytes:
    packer = zlib.compressobj(1)
    packed = [packer.compress(piece) for piece in gathered(texts, _PIECE)]
    body = b"".join([*packed, packer.flush()])
    return _MAGIC + hashlib.sha256(body).digest() + body


def _pieces(findings: dict[str, Any]) -> Iterator[str]:
    """Yield a JSON object in pieces: a layer's as one text would be tens of MiB."""
    import json  # a text is kept without

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


def _unpack(raw: bytes) -> bytes | None:
    head = len(_MAGIC) + 32
    body = raw[head:]
    if raw[:head] != _MAGIC + hashlib.sha256(body).digest():
        return None
    try:
        return zlib.decompress(body)
    except zlib.error:
        return None


def _text(body: bytes) -> str | None:
    try:
        return body.decode("utf-8", "surrogatepass")
    except ValueError:
        return None


def _findings(body: bytes) -> dict[str, Any] | None:
    import json

    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
