"""Makes what the package readers are given: files in memory, distributions, trees, programs."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lading.inventory import PackageFile
from lading.packages import collect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "SITE",
    "MemoryFile",
    "captured",
    "dist_info",
    "pattern_bytes",
    "record_row",
    "script",
]

SITE = "usr/local/lib/python3.11/site-packages"


class MemoryFile:
    """A regular file of a layer, with its content in memory; says what was done to it."""

    def __init__(self, path: str, content: bytes = b"", size: int | None = None) -> None:
        self.path = path
        self.size = len(content) if size is None else size
        self.consumed = 0
        self._content = content

    def peek(self, size: int) -> bytes:
        assert not self.consumed, "peek is only valid before the first read"
        return self._content[:size]

    def read(self, size: int = -1) -> bytes:
        end = len(self._content) if size < 0 else self.consumed + size
        piece = self._content[self.consumed : end]
        self.consumed += len(piece)
        return piece


def record_row(path: str, content: bytes) -> str:
    """Return the row of a RECORD for a file as it was installed."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(content)}"


def dist_info(
    name: str,
    version: str,
    *headers: str,
    site: str = SITE,
    record: Iterable[str] = (),
    extra: Mapping[str, bytes] | None = None,
    layer: str | None = None,
) -> list[PackageFile]:
    """Return the files of one installed distribution, as an installer writes them."""
    folder = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *headers]
    metadata = "\n".join(lines).encode() + b"\n\nThe description.\n"
    own = f"{folder.rpartition('/')[2]}"
    rows = [*record, record_row(f"{own}/METADATA", metadata), f"{own}/RECORD,,"]
    files = {"METADATA": metadata, "RECORD": "\n".join(rows).encode() + b"\n", **(extra or {})}
    return [PackageFile(f"{folder}/{key}", value, layer) for key, value in files.items()]


def captured(root: Path) -> tuple[list[PackageFile], dict[str, str]]:
    """Offer every file below ``root`` to the collector; return what it kept, and the links."""
    kept: list[PackageFile] = []
    links: dict[str, str] = {}
    for folder, folders, files in os.walk(root):
        for name in sorted((*folders, *files)):
            place = Path(folder, name)
            path = place.relative_to(root).as_posix()
            if place.is_symlink():
                links[path] = os.readlink(place)  # noqa: PTH115 - as written, not as a Path
            elif place.is_file():
                file = collect(MemoryFile(path, place.read_bytes()))
                if file is not None:
                    kept.append(file)
    return kept, links


def pattern_bytes(size: int, seed: int = 0) -> bytes:
    """Return bytes that look like machine code: no text, no digits, no runs of one value."""
    block = bytes(128 + (value * 37 + seed) % 127 for value in range(251))
    return (block * (size // len(block) + 1))[:size]


def script(path: Path, body: str) -> Path:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
