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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.image.streams import gathered
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LayerCache", "default_directory"]

_MAGIC = b"lading1\n"
_DIFF_ID = re.compile(r"sha256:([0-9a-f]{64})")
_SUFFIX = ".layer"
_PIECE = 256 * 1024
_SWEEP_TO = 0.8  # so that the sweep does not come at every write once the bound is reached


def default_directory() -> Path:
    """Return ``$XDG_CACHE_HOME/lading/layers``, by default below ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(base) if base.startswith("/") else Path("~/.cache").expanduser()
    return root / "lading" / "layers"


class LayerCache:
    """A bounded cache; whatever goes wrong with it is a miss, never an error.

    Args:
        directory: made when first written; ``None`` for :func:`default_directory`.
        version: of the scanner; entries of another version are not seen.
        bound: total bytes over all versions; least recently used entries go first.
    """

    def __init__(
        self, directory: Path | None, version: str, *, bound: int = LIMITS.layer_cache_total
    ) -> None:
        self._root = default_directory() if directory is None else directory
        self._directory = self._root / hashlib.sha256(version.encode()).hexdigest()[:16]
        self._bound = bound

    def get(self, diff_id: str) -> dict[str, Any] | None:
        """Return the findings, or None; an entry that does not check out is removed."""
        path = self._path(diff_id)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                raw = file.read(LIMITS.layer_cache_entry + 1)
        except OSError:
            return None
        found = _unpack(raw)
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
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(path, raw)
            self._sweep()

    def _path(self, diff_id: str) -> Path | None:
        matched = _DIFF_ID.fullmatch(diff_id)
        return matched and self._directory / (matched[1] + _SUFFIX)

    def _sweep(self) -> None:
        """Remove least recently used entries, and leftovers of dead writers, past the bound."""
        entries = []
        for version in os.scandir(self._root):
            listed: list[os.DirEntry[str]] = []
            with suppress(OSError):  # it is no directory
                listed.extend(os.scandir(version.path))
            for entry in listed:
                with suppress(OSError):  # another process may have removed it
                    status = entry.stat()
                    entries.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in entries)
        if total <= self._bound:
            return
        for _, size, path in sorted(entries):
            if total <= self._bound * _SWEEP_TO:
                break
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108 - a str of the directory's
            total -= size


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


def _write(path: Path, raw: bytes) -> None:
    """Write beside, rename over. What a crash of the machine cuts short does not check out.

    So nobody waits for the disk: flushing would be a tenth of a rebuild.
    """
    import tempfile  # only who writes needs it

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(raw)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
