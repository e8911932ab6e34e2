"""A streaming tar reader for layers: one pass, no seeking, memory flat, hostile input expected.

Headers are parsed where they lie in a buffer, and the data of entries nobody reads is
passed over in pieces of that size; ``tarfile`` in stream mode takes several times as long.
"""

from __future__ import annotations

from zlib import adler32

from lading.errors import InputError, LimitError
from lading.image.interface import EntryKind
from lading.image.paths import WHITEOUT_PREFIX, normalise, whiteout
from lading.image.streams import check_expansion
from lading.image.tar_blocks import BlockStream
from lading.image.tar_entry import SparseEntry, TarEntry
from lading.image.tar_extended import Extended
from lading.image.tar_header import (
    BLOCK,
    HEADER,
    PLAIN,
    Remembered,
    adler_low,
    checksum_holds,
    number,
    prefixed,
    text,
)
from lading.image.tar_sparse import check_map, is_sparse, old_map, pax_map, real_size
from lading.limits import LIMITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.image.streams import Lender, Readable

__all__ = ["TarReader"]

_ZEROS = bytes(BLOCK)
_FILE, _HARDLINK, _SYMLINK = EntryKind.FILE, EntryKind.HARDLINK, EntryKind.SYMLINK
_DIRECTORY, _OTHER, _WHITEOUT = EntryKind.DIRECTORY, EntryKind.OTHER, EntryKind.WHITEOUT
_WHITEOUT_DEVICE = b"3 0/0"  # no tar has a type of more than one byte
_KINDS = {
    b"0": _FILE,
    b"\0": _FILE,
    b"7": _FILE,
    b"S": _FILE,
    b"1": _HARDLINK,
    b"2": _SYMLINK,
    b"3": _OTHER,
    b"4": _OTHER,
    b"5": _DIRECTORY,
    b"6": _OTHER,
    _WHITEOUT_DEVICE: _WHITEOUT,
}
_META = frozenset((b"x", b"g", b"L", b"K"))
_PLAIN = (0x30, 0x35)  # the types of a file and of a directory
_PLAIN_DIRECTORY, _BLANK, _DOT, _SLASH = b"5 ./"
_NO_NAME = b"/.\0"  # behind "./": nothing, or what has a meaning of its own


class TarReader(BlockStream):
    """Iterate once over the entries of a tar.

    Args:
        source: the uncompressed stream.
        where: what to call it in errors.
        whiteouts: read ``.wh.`` names as whiteouts (OCI image-spec, layer.md).
        overlay_devices: read 0/0 character devices as whiteouts (overlayfs's own form).

    Iterating raises:
        InputError: damaged, truncated, or an entry that no layer may have.
        LimitError: larger than a bound of ``LIMITS``.
    """

    __slots__ = ("_current", "_devices", "_modes", "_overlay_devices", "_sums", "_whiteouts")

    def __init__(
        self,
        source: Readable | Lender,
        *,
        where: str,
        whiteouts: bool = True,
        overlay_devices: bool = False,
    ) -> None:
        super().__init__(source, where)
        self._whiteouts = whiteouts
        self._overlay_devices = overlay_devices
        self._current: TarEntry | None = None
        self._devices: set[str] = set()
        self._sums = Remembered(adler_low)
        self._modes = Remembered(lambda raw: number(raw, "mode", where) & 0o7777)

    def current(self, entry: TarEntry) -> BlockStream:
        """Return the stream, while it stands in ``entry``'s data."""
        if entry is not self._current:
            raise ValueError("an entry can be read only until the next one is asked for")
        return self

    def __iter__(self) -> Iterator[TarEntry]:
        extended: Extended | None = None
        unpack, sums, modes = PLAIN.unpack_from, self._sums, self._modes
        new = object.__new__
        for _ in range(LIMITS.tar_entries):
            # The short way, for a header that is as nearly all are: a file's or a directory's, its
            # path in one field and without a meaning of its own, its numbers in the usual form.
            # Without calls, of a constructor neither: this is what walking through a layer costs.
            at = self.at + self.left + self.padding
            at = at if at + BLOCK <= self.end else self._brought(at)
            if extended is None and at + BLOCK <= self.end:
                block = self.view[at : at + BLOCK]
                name, mode, digits, blank, recorded, flag, prefix = unpack(block)
                first = name[0]
                if (
                    flag in _PLAIN
                    and not prefix
                    and (not blank or blank == _BLANK)
                    and first != _SLASH
                    and digits.isdigit()
                    and adler32(block) & 0xFFFF == sums[recorded]
                ):
                    path = name.partition(b"\0")[0].decode("utf-8", "surrogateescape")
                    if first == _DOT:
                        path = path[2:] if name[1] == _SLASH and name[2] not in _NO_NAME else ""
                    if path and "//" not in path and "/." not in path:
                        path = path.removesuffix("/")
                        try:
                            kind, size = _FILE, int(digits, 8)
                        except ValueError:  # an 8 or a 9: this says so
                            number(digits + bytes((blank,)), "size", self.where)
                            raise
                        if flag == _PLAIN_DIRECTORY:
                            kind, size = _DIRECTORY, 0
                        self.at = at + BLOCK
                        self.left = size
                        self.padding = -size % BLOCK
                        entry = new(TarEntry)
                        entry.reader = self
                        entry.path = path
                        entry.kind = kind
                        entry.size = size
                        entry.mode = modes[mode]
                        entry.target = ""
                        self._current = entry
                        yield entry
                        self._current = None
                        continue
            header = self._next_header()
            if header is None:
                if extended is not None:
                    raise self.truncated()
                return
            flag, path, link, size, mode = header
            if flag in _META:
                extended = self._extended(extended, flag, size)
                continue
            told = extended.apply(path, link, size) if extended is not None else (path, link, size)
            for entry in self._made(flag, *told, mode, extended):
                self._current = entry
                yield entry
                self._current = None
            extended = None
        raise LimitError(
            "a tar has too many entries", where=self.where, wanted=f"at most {LIMITS.tar_entries}"
        )

    def _brought(self, at: int) -> int:
        """Return where the next header is, having brought it into the buffer; ``at`` at the end."""
        return self.at if self.skip() and self.fill(BLOCK) else at

    def _next_header(self) -> tuple[bytes, str, str, int, int] | None:
        """Pass over the current entry; return type, path, link, size and mode of the next."""
        if not self.skip() or not self.fill(BLOCK):
            if self.end != self.at:
                raise self.truncated()
            return None
        at = self.at
        self.at = at + BLOCK
        block = self.view[at : at + BLOCK]
        name, mode, size, recorded, flag, link, major, minor, prefix = HEADER.unpack_from(block)
        if not name[0] and block == _ZEROS:
            self._end_mark()
            return None
        if not checksum_holds(block, recorded):
            raise InputError("a tar header is damaged", where=self.where, got="a wrong checksum")
        path = text(name)
        if prefix[0]:
            path = prefixed(block, path)
        if flag == b"3" and self._overlay_devices:
            device = number(major, "device", self.where), number(minor, "device", self.where)
            flag = flag if any(device) else _WHITEOUT_DEVICE
        return (
            flag,
            path,
            text(link) if link[0] else "",
            number(size, "size", self.where),
            number(mode, "mode", self.where),
        )

    def _extended(self, extended: Extended | None, flag: bytes, size: int) -> Extended | None:
        """Take an extended header; return what is known of the entry that follows it."""
        extended = extended or Extended()
        extended.add(flag, self.take_extended(size), self.where)
        # A global one is an entry of its own: what came before was about it.
        return None if flag == b"g" else extended

    def _end_mark(self) -> None:
        """Check that a block of zeros is followed by another, or by nothing."""
        if self.fill(BLOCK) and self.view[self.at : self.at + BLOCK] != _ZEROS:
            raise InputError("a tar has a block of zeros between its entries", where=self.where)

    def _made(
        self, flag: bytes, path: str, link: str, size: int, mode: int, extended: Extended | None
    ) -> tuple[TarEntry, ...]:
        """Take up an entry's data; return what it stands for: one thing, nothing, or two."""
        kind = _KINDS.get(flag, _OTHER)
        if kind is _FILE:
            kind, path = _file_or_directory(flag, path, extended)
            size = 0 if kind is _DIRECTORY else size
        elif flag in _KINDS:
            size = 0  # an unknown type has data, although no unpacker makes a file of it
        check_expansion(size, size, self.where)
        self.left = size
        self.padding = -size % BLOCK
        path = self._checked(normalise(path))
        mode &= 0o7777
        if kind is _FILE:
            if flag == b"S" or (extended is not None and is_sparse(extended)):
                entry: TarEntry = self._sparse(flag, path, mode, extended or Extended())
            else:
                entry = TarEntry(self, path, _FILE, size, mode, "")
        elif kind is _DIRECTORY and not path:
            return ()  # any layer may list the root
        else:
            target = ""
            if kind is _HARDLINK:
                target = self._checked(normalise(link))
                kind = _WHITEOUT if target in self._devices else kind  # the kernel may share them
            elif kind is _SYMLINK:
                target = self._checked(link)
            if kind is _WHITEOUT:
                self._devices.add(path)
            entry = TarEntry(self, path, kind, 0, mode, "" if kind is _WHITEOUT else target)
        if self._whiteouts and WHITEOUT_PREFIX in path and (marked := whiteout(path, self.where)):
            hidden = TarEntry(self, marked[1], marked[0], 0, mode, "")
            return (entry, hidden) if entry.size else (hidden,)
        if not path:
            raise InputError(f"a layer has a {kind.value} in place of its root", where=self.where)
        return (entry,)

    def _checked(self, path: str) -> str:
        if len(path) > LIMITS.tar_path_length:
            raise LimitError(
                "a path in a tar is too long",
                where=self.where,
                got=f"{len(path)} characters",
                wanted=f"at most {LIMITS.tar_path_length}",
            )
        return path

    def _sparse(self, flag: bytes, path: str, mode: int, extended: Extended) -> SparseEntry:
        """Make the entry of a file with holes; its map may take up part of the data."""
        stored = self.left
        if flag == b"S":
            self.left = 0
            header = bytes(self.view[self.at - BLOCK : self.at])
            size, fragments = old_map(header, self.take_block, self.where)
            self.left = stored
        else:
            fragments = pax_map(extended, self._map_block, self.where)
            found = real_size(extended, self.where)
            size = stored if found is None else found
        check_map(fragments, size, self.left, self.where)
        check_expansion(self.left, size, f"{self.where}: {path}")
        entry = SparseEntry(self, path, _FILE, size, mode & 0o7777, "")
        entry.lay_out(fragments)
        return entry

    def _map_block(self) -> bytes:
        """Take a block of the entry's own data, where pax 1.0 keeps the map."""
        block = bytearray(min(BLOCK, self.left))
        got = 0
        while got < len(block):
            got += self.readinto(memoryview(block)[got:])
        if got < BLOCK:
            raise self.truncated()
        return bytes(block)


def _file_or_directory(flag: bytes, path: str, extended: Extended | None) -> tuple[EntryKind, str]:
    """Return what an entry of data is, and its path: a sparse file's is its own."""
    if flag == b"\0" and path[-1:] == "/":
        return _DIRECTORY, path
    if flag != b"S" and extended is not None and is_sparse(extended):
        return _FILE, extended.name or path
    return _FILE, path
