"""The files inside a tar on disk that holds an image, compressed or not; nothing is unpacked.

A plain tar is indexed once, passing over the data, and its members are read where they lie. A
compressed one is read twice: once for its documents, once for its layers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from lading.errors import InputError, LimitError
from lading.image.compression import decompressed, is_compressed
from lading.image.files import FilePart, open_file
from lading.image.interface import EntryKind
from lading.image.layers import looks_like_layer
from lading.image.paths import normalise
from lading.image.streams import read_up_to
from lading.image.tar import TarReader
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from lading.image.streams import Readable
    from lading.image.tar_entry import TarEntry

__all__ = ["ArchiveFile"]


class _Member(NamedTuple):
    start: int
    size: int


class ArchiveFile:
    """Random access to the documents of an archive, streams of its layers.

    Raises (any method):
        InputError: the file cannot be read or is no tar.
    """

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self._members: dict[str, _Member] = {}
        self._documents: dict[str, bytes] = {}
        self._links: dict[str, str] = {}
        self._descriptor, self._size = open_file(path)
        try:
            self._compressed = is_compressed(read_up_to(self._whole(), 4))
            self._index()
        except BaseException:
            self.close()
            raise

    def _whole(self) -> FilePart:
        return FilePart(self._descriptor, 0, self._size)

    def _entries(self) -> tuple[TarReader, Iterator[TarEntry]]:
        source: Readable = self._whole()
        if self._compressed:
            source = decompressed(source, where=self.where)
        reader = TarReader(source, where=self.where, whiteouts=False)
        return reader, iter(reader)

    def _index(self) -> None:
        held = 0
        reader, entries = self._entries()
        for count, entry in enumerate(entries):
            if count >= LIMITS.archive_members:
                raise self._too_much(f"more than {count} files")
            if entry.kind is EntryKind.SYMLINK:
                directory = entry.path.rpartition("/")[0]
                self._links[entry.path] = normalise(f"{directory}/{entry.target}")
            elif entry.kind is EntryKind.HARDLINK:
                self._links[entry.path] = entry.target
            elif entry.kind is not EntryKind.FILE:
                continue
            elif not self._compressed:
                self._members[entry.path] = _Member(reader.taken, entry.size)
            elif entry.size <= LIMITS.image_config and not looks_like_layer(entry):
                self._documents[entry.path] = entry.read()
                held += entry.size
                if held > LIMITS.archive_documents:
                    raise self._too_much(f"more than {held} bytes of documents")

    def _too_much(self, got: str) -> LimitError:
        return LimitError("the archive holds too much for an image", where=self.where, got=got)

    def _resolve(self, path: str) -> str:
        for _ in range(LIMITS.layout_links):
            if path not in self._links:
                break
            path = self._links[path]
        return path

    def document(self, path: str, limit: int) -> bytes | None:
        """Return a small file, None when the archive does not have it.

        Raises:
            LimitError: larger than ``limit``.
        """
        path = self._resolve(path)
        if self._compressed:
            found = self._documents.get(path)
            size = 0 if found is None else len(found)
        else:
            member = self._members.get(path)
            if member is None:
                return None
            size = member.size
            found = b"" if size > limit else read_up_to(self._part(member), size)
        if size > limit:
            raise LimitError(
                "a document is too large",
                where=f"{self.where}: {path}",
                got=f"{size} bytes",
                wanted=f"at most {limit}",
            )
        return found

    def has(self, path: str) -> bool:
        """Say whether the archive has a small file."""
        return self._resolve(path) in (self._documents if self._compressed else self._members)

    @property
    def apart(self) -> bool:
        """Whether files can be read by several calls as cheaply as by one."""
        return not self._compressed

    def size(self, path: str) -> int:
        """Return the size of a file; 0 when that is not known without reading on."""
        member = self._members.get(self._resolve(path))
        return member.size if member else 0

    def _part(self, member: _Member) -> FilePart:
        return FilePart(self._descriptor, member.start, member.start + member.size)

    def streams(self, paths: Collection[str]) -> Iterator[tuple[str, Readable]]:
        """Yield each of ``paths`` with its bytes, in the archive's order.

        Names of the same file give its bytes once, under one of them.

        Raises:
            InputError: the archive lacks one of them.
        """
        places = {self._resolve(path): path for path in paths}
        for place, source in self._streams(frozenset(places)):
            yield places.pop(place), source
        for path in places.values():
            raise InputError("the archive lacks a file", where=self.where, wanted=path)

    def _streams(self, places: frozenset[str]) -> Iterator[tuple[str, Readable]]:
        if not self._compressed:
            for place, member in list(self._members.items()):
                if place in places:
                    yield place, self._part(member)
            return
        done: set[str] = set()
        for entry in self._entries()[1]:
            if entry.kind is EntryKind.FILE and entry.path in places - done:
                done.add(entry.path)
                yield entry.path, entry

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
