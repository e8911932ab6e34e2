"""The files of an OCI layout: blobs by digest, ``index.json`` under a lock."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import stat
import tempfile
import time
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from lading_oci import mediatypes
from lading_oci.content import VerifyingReader
from lading_oci.digest import check_digest, hasher
from lading_oci.errors import IntegrityError, LimitExceeded, MalformedError, OciError
from lading_oci.jsontext import parse_object
from lading_oci.manifests import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading_oci.interface import Descriptor
    from lading_oci.limits import Limits

    #: Gets the entries of index.json, returns the new ones or None for no change.
    Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]] | None]

__all__ = ["LayoutFiles"]

_MARK = b'{"imageLayoutVersion":"1.0.0"}'
_PIECE = 1024 * 1024
_UNFINISHED = "lading-"  # others keep their unfinished files beside ours


class LayoutFiles:
    """Reads and writes of one layout directory; every write is atomic and flushed."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._swept = False

    def open(self, digest: str) -> io.FileIO | None:
        """Open a blob's file, or return None when it is not there.

        Raises:
            MalformedError: it is not a regular file, or cannot be opened.
        """
        path = self._blob(digest)
        try:
            # Without O_NONBLOCK a FIFO in a hostile layout would hang us.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unusable(path, error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise MalformedError("a blob of the layout is not a file", where=str(path))
        return io.FileIO(descriptor, "rb")

    def read(self, digest: str, *, limit: int) -> bytes | None:
        """Return a whole verified blob of any size up to ``limit``, or None.

        Raises:
            LimitExceeded: it is longer.
            IntegrityError: its bytes are others.
        """
        file = self.open(digest)
        if file is None:
            return None
        with io.BufferedReader(file) as stream:
            found = stream.read(limit + 1)
        if len(found) > limit:
            raise LimitExceeded(
                "a blob is larger than what is read at once",
                where=str(self._blob(digest)),
                wanted=f"at most {limit} bytes",
            )
        got = hasher(digest)
        got.update(found)
        if f"{digest.partition(':')[0]}:{got.hexdigest()}" != digest:
            raise IntegrityError(
                "a blob of the layout holds other bytes than its name says",
                where=str(self._blob(digest)),
                hint="the directory was changed or damaged; copy the image into it again",
            )
        return found

    def size(self, digest: str) -> int | None:
        """Return a blob's size in bytes, or None when it is not there as a file."""
        try:
            status = self._blob(digest).stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def store(self, descriptor: Descriptor, source: bytes | Callable[[], BinaryIO]) -> None:
        """Write a blob aside, verify it, flush it, and rename it to its place.

        Raises:
            IntegrityError: ``source`` is not what the descriptor says.
            MalformedError: the directory cannot be written.
        """
        path = self._blob(descriptor.digest)
        self._make()
        stream = io.BytesIO(source) if isinstance(source, bytes) else source()
        with stream:
            reader = VerifyingReader(
                cast("io.BytesIO", stream), descriptor, where=f"{self._path}@{descriptor.digest}"
            )
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._write(path, reader)
            except OSError as error:
                raise self._unusable(path, error) from None

    def index_entries(self) -> list[dict[str, Any]]:
        """Return the entries of ``index.json``; none when there is no layout.

        Raises:
            MalformedError: this is no layout, or a damaged one.
        """
        path = self._path / "index.json"
        try:
            with path.open("rb") as file:
                found = file.read(self._limits.layout_index + 1)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable(path, error) from None
        document = parse_object(found, limit=self._limits.layout_index, where=str(path))
        entries = document.get("manifests")
        if not isinstance(entries, list):
            raise MalformedError("an index has no list of manifests", where=str(path))
        return [entry for entry in entries if isinstance(entry, dict)]

    def change_index(self, change: Change) -> None:
        """Change ``index.json`` under the lock; other fields of it are kept.

        Raises:
            MalformedError: it is damaged, or the directory cannot be written.
        """
        path = self._path / "index.json"
        self._make()
        try:
            with self._locked():
                entries = change(self.index_entries())
                if entries is None:
                    return
                document = self._document(path)
                document["manifests"] = entries
                self._write(path, io.BytesIO(dump(document)))
        except OSError as error:
            raise self._unusable(path, error) from None

    def _document(self, path: Path) -> dict[str, Any]:
        try:
            found = path.read_bytes()
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": mediatypes.OCI_INDEX, "manifests": []}
        return parse_object(found, limit=self._limits.layout_index, where=str(path))

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        # A file of its own: index.json is replaced, and a lock on it would be on the old one.
        descriptor = os.open(
            self._path / ".lading.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _make(self) -> None:
        """Make the directory a layout, if it is none yet.

        Raises:
            MalformedError: something else is there.
        """
        mark = self._path / "oci-layout"
        try:
            if mark.exists():
                return
            self._path.mkdir(parents=True, exist_ok=True)
            strangers = {one.name for one in self._path.iterdir()}
            if strangers - {"blobs", "index.json", ".lading.lock", "ingest", "oci-layout"}:
                raise MalformedError(
                    "this directory is not an OCI layout and not empty",
                    where=str(self._path),
                    hint="name a new directory",
                )
            self._write(mark, io.BytesIO(_MARK))
        except OSError as error:
            raise self._unusable(self._path, error) from None

    def _write(self, path: Path, source: VerifyingReader | io.BytesIO) -> None:
        """Write ``source`` aside, flush, rename. Raises OSError, or what ``source`` raises."""
        # oras and others know "ingest" for unfinished files; the same file system, so that
        # the rename is atomic.
        aside = self._path / "ingest"
        aside.mkdir(exist_ok=True)
        self._sweep(aside)
        descriptor, temporary = tempfile.mkstemp(dir=aside, prefix=_UNFINISHED)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                piece = memoryview(bytearray(_PIECE))
                while count := source.readinto(piece):
                    view = piece[:count]
                    while view:
                        view = view[file.write(view) :]
                os.fchmod(file.fileno(), 0o644)
                os.fsync(file.fileno())
            os.replace(temporary, path)  # noqa: PTH105 - both ends are known to exist
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108 - a str from mkstemp
            raise
        self._flush_directory(path.parent)

    def _sweep(self, aside: Path) -> None:
        """Once, remove what writers that were killed have left: large, and nobody's any more."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - self._limits.layout_unfinished_seconds
        for path in aside.glob(f"{_UNFINISHED}*"):
            with contextlib.suppress(OSError):  # another process may sweep too
                if path.lstat().st_mtime < oldest:
                    path.unlink()

    @staticmethod
    def _flush_directory(path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _blob(self, digest: str) -> Path:
        algorithm, _, encoded = check_digest(digest).partition(":")
        return self._path / "blobs" / algorithm / encoded

    @staticmethod
    def _unusable(path: Path, error: OSError) -> OciError:
        return MalformedError(
            "the OCI layout cannot be used", where=str(path), got=error.strerror or str(error)
        )
