"""Tars made byte by byte, so that tests can make what no writer would."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, NamedTuple

from lading.image.tar import TarReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.image.interface import Entry
    from lading.image.streams import Readable

__all__ = [
    "END",
    "Seen",
    "Slow",
    "entry",
    "header",
    "layer",
    "pax",
    "pieces",
    "read",
    "record",
    "seen",
]

END = bytes(1024)


class Seen(NamedTuple):
    """What a test compares of an entry."""

    path: str
    kind: str
    size: int = 0
    target: str = ""
    content: bytes = b""


class Slow(io.RawIOBase):
    """A stream that gives a few bytes at a time, as sockets do."""

    def __init__(self, content: bytes, step: int = 700) -> None:
        super().__init__()
        self._rest = memoryview(content)
        self._step = step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        count = min(len(buffer), self._step, len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def header(
    name: bytes = b"file",
    *,
    size: int | bytes = 0,
    flag: bytes = b"0",
    link: bytes = b"",
    mode: bytes = b"0000644\0",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
    device: tuple[int, int] = (0, 0),
    checksum: bytes | None = None,
    rest: Mapping[int, bytes] = {},
) -> bytes:
    """Return one header block; ``rest`` writes bytes at offsets over everything else."""
    block = bytearray(512)

    def put(at: int, content: bytes) -> None:
        block[at : at + len(content)] = content

    put(0, name[:100])
    put(100, mode)
    put(108, b"0000000\0" * 2)
    put(124, size if isinstance(size, bytes) else b"%011o\0" % size)
    put(136, b"00000000000\0")
    put(156, flag)
    put(157, link[:100])
    put(257, magic)
    put(329, b"%07o\0%07o\0" % device)
    put(345, prefix)
    for at, content in rest.items():
        put(at, content)
    put(148, b" " * 8)
    put(148, b"%06o\0 " % sum(block) if checksum is None else checksum)
    return bytes(block)


def entry(name: bytes = b"file", content: bytes = b"", **fields: object) -> bytes:
    """Return a header and its data, padded."""
    fields.setdefault("size", len(content))
    return header(name, **fields) + content + bytes(-len(content) % 512)  # type: ignore[arg-type]


def record(key: bytes, value: bytes) -> bytes:
    """Return one pax record, whose length counts itself."""
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body


def pax(*records: tuple[bytes, bytes], flag: bytes = b"x") -> bytes:
    """Return an extended header entry."""
    return entry(b"PaxHeader", b"".join(record(*item) for item in records), flag=flag)


def layer(files: Mapping[str, bytes | str | None], *, whiteouts: Iterable[str] = ()) -> bytes:
    """Return a layer's tar: bytes are files, a string a symlink's target, None a directory."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
        for path in whiteouts:
            directory, slash, name = path.rpartition("/")
            tar.addfile(tarfile.TarInfo(f"{directory}{slash}.wh.{name}"))
    return out.getvalue()


def read(content: bytes | Readable, **options: bool) -> list[Seen]:
    """Read a tar with our reader, contents included."""
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    return seen(TarReader(source, where="test", **options))


def seen(entries: Iterable[object]) -> list[Seen]:
    """Return entries with their contents."""
    return [
        Seen(one.path, one.kind.value, one.size, one.target, one.read())  # type: ignore[attr-defined]
        for one in entries
    ]


def pieces(one: Entry, step: int) -> list[bytes]:
    """Read an entry to its end, ``step`` bytes at a time."""
    return list(iter(lambda: one.read(step), b""))
