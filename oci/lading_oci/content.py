"""Streams that know what they must contain.

Bytes from outside are hashed while they are read; the read that would hand out the last of them
raises instead when size or digest is not the descriptor's, so a caller who reads exactly
``size`` bytes is protected as well as one who reads to the end.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, Protocol, cast

from lading_oci.digest import hasher
from lading_oci.errors import IntegrityError, LimitExceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading_oci.interface import Descriptor

__all__ = ["Source", "VerifyingReader", "read_verified", "verifying_stream", "watched_stream"]

_BUFFER = 1024 * 1024


class Source(Protocol):
    """Where the bytes come from."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill ``buffer`` from its start; return how many bytes, 0 at the end."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class VerifyingReader(io.RawIOBase):
    """A raw stream over ``source`` that checks size and digest; not seekable.

    Raises from its reads:
        IntegrityError: too many bytes, too few, or others.
    """

    def __init__(self, source: Source, descriptor: Descriptor, *, where: str) -> None:
        super().__init__()
        self._source = source
        self._wanted = descriptor
        self._where = where
        self._hash = hasher(descriptor.digest)
        self._count = 0
        self._checked = False
        if descriptor.size == 0:
            self._check()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed: Buffer
        """Read, hash, and at the end verify."""
        if self._checked:
            return 0
        view = memoryview(buffer)
        count = self._source.readinto(view)
        self._count += count
        self._hash.update(view[:count])
        if self._count > self._wanted.size or (count == 0 and len(view) > 0):
            raise self._mismatch(f"{self._count} bytes", f"{self._wanted.size} bytes")
        if self._count == self._wanted.size:
            self._check()
        return count

    def close(self) -> None:
        """Close the source too."""
        if not self.closed:
            self._source.close()
        super().close()

    def _check(self) -> None:
        algorithm = self._wanted.digest.partition(":")[0]
        got = f"{algorithm}:{self._hash.hexdigest()}"
        if got != self._wanted.digest:
            raise self._mismatch(got, self._wanted.digest)
        self._checked = True

    def _mismatch(self, got: str, wanted: str) -> IntegrityError:
        return IntegrityError(
            "the bytes are not those that their descriptor promises",
            where=self._where,
            got=got,
            wanted=wanted,
            hint="the registry, a cache or a proxy on the way changed or cut them; try again, "
            "and if it stays so push the image again",
        )


def verifying_stream(source: Source, descriptor: Descriptor, *, where: str) -> BinaryIO:
    """Return a buffered, verified stream of the descriptor's bytes; the caller closes it."""
    reader = VerifyingReader(source, descriptor, where=where)
    return cast("BinaryIO", io.BufferedReader(reader, buffer_size=_BUFFER))


class _Watched(io.RawIOBase):
    """Passes a stream on and says how much of it went by."""

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        super().__init__()
        self._stream = stream
        self._on_bytes = on_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # typeshed: Buffer
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        self._on_bytes(len(piece))
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def watched_stream(stream: BinaryIO, on_bytes: Callable[[int], None]) -> BinaryIO:
    """Return ``stream`` calling ``on_bytes`` with the length of every piece that is read."""
    return cast("BinaryIO", io.BufferedReader(_Watched(stream, on_bytes), buffer_size=_BUFFER))


def read_verified(stream: BinaryIO, descriptor: Descriptor, *, limit: int) -> bytes:
    """Read a whole verified stream and close it.

    Raises:
        LimitExceeded: the descriptor says more than ``limit`` bytes; nothing is read then.
        IntegrityError: the bytes are others.
    """
    with stream:
        check_limit(descriptor, limit)
        return stream.read()


def check_limit(descriptor: Descriptor, limit: int) -> None:
    """Refuse a descriptor larger than ``limit`` bytes.

    Raises:
        LimitExceeded: it is.
    """
    if descriptor.size > limit:
        raise LimitExceeded(
            "a blob is larger than what is read at once",
            where=descriptor.digest,
            got=f"{descriptor.size} bytes",
            wanted=f"at most {limit} bytes",
        )
