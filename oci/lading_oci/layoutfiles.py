"""The files of an OCI layout: blobs by digest, ``index.json`` under a lock."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from lading_oci import mediatypes
from lading_oci.aside import Aside, Flushes, discard
from lading_oci.content import VerifyingReader
from lading_oci.digest import check_digest, hasher, is_digest
from lading_oci.errors import IntegrityError, LimitExceeded, MalformedError, OciError
from lading_oci.jsontext import parse_object
from lading_oci.manifests import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading_oci.interface import Descriptor
    from lading_oci.limits import Limits

    #: Gets the entries of index.json, returns the new ones or None for no change.
    Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]] | None]

__all__ = ["LayoutFiles"]

#: Without O_NONBLOCK a FIFO in a hostile layout would hang us.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_MARK = b'{"imageLayoutVersion":"1.0.0"}'


class _Held(threading.local):
    """What one thread holds back: how deep, files by their places, changes of the index.

    ``flushes`` are those of the files. While ``index.json`` is changed, ``entries`` are its own,
    and ``lists`` what may come to be named there, by digest.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.files: dict[Path, str] = {}
        self.flushes = Flushes()
        self.changes: list[Change] = []
        self.entries: list[dict[str, Any]] | None = None
        self.lists: dict[str, bytes] = {}

    def forget(self) -> None:
        """Leave nothing of it behind."""
        self.flushes.end()
        discard(self.files.values())
        self.files, self.changes, self.entries, self.lists = {}, [], None, {}


class LayoutFiles:
    """Reads and writes of one layout directory; every write is atomic and flushed."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._aside = Aside(path / "ingest", limits.layout_unfinished_seconds)
        self._held = _Held()

    def open(self, digest: str) -> io.FileIO | None:
        """Open a blob's file, or return None when it is not there.

        Raises:
            MalformedError: it is not a regular file, or cannot be opened.
        """
        path = self._blob(digest)
        try:
            descriptor = os.open(path, _READ)
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
        passing = self._held.lists.get(digest)
        if passing is not None and len(passing) <= limit:
            return passing
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

    def mentions(self, digest: str, text: bytes, *, limit: int) -> bool:
        """Say whether a JSON blob can hold ``text``, which JSON need not escape; no says for sure.

        Among a thousand manifests, looking for it takes a fifth of reading them all.
        """
        algorithm, _, encoded = digest.partition(":")
        try:
            descriptor = os.open(f"{self._path}/blobs/{algorithm}/{encoded}", _READ)
        except OSError:
            return True  # held back, or there is something wrong that whoever reads it will tell
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
                return True
            found = os.read(descriptor, status.st_size + 1)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        # an escape could stand for any character of it
        return text in found or b"\\" in found or len(found) != status.st_size

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
        path = self._place(descriptor.digest)
        self._make()
        stream = io.BytesIO(source) if isinstance(source, bytes) else source()
        with stream:
            reader = VerifyingReader(
                cast("io.BytesIO", stream), descriptor, where=f"{self._path}@{descriptor.digest}"
            )
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary = self._aside.write(reader, descriptor.size)
                if self._held.depth:
                    self._hold(path, temporary)
                else:
                    self._aside.place({path: temporary})
            except OSError as error:
                raise self._unusable(path, error) from None

    def _hold(self, path: Path, temporary: str) -> None:
        held = self._held
        if path in held.files:
            discard([held.files[path]])
        held.files[path] = temporary
        held.flushes.begin(temporary)

    def store_list(self, descriptor: Descriptor, content: bytes) -> None:
        """Write a blob that a change of the index names, if the index names it at the end.

        The next change may make it another, longer one.
        """
        self._held.lists[descriptor.digest] = content

    def index_entries(self) -> list[dict[str, Any]]:
        """Return the entries of ``index.json``; none when there is no layout.

        Raises:
            MalformedError: this is no layout, or a damaged one.
        """
        if self._held.entries is not None:
            return self._held.entries
        return self._entries(self._index())

    def _entries(self, index: dict[str, Any]) -> list[dict[str, Any]]:
        entries = index.get("manifests")
        if not isinstance(entries, list):
            where = str(self._path / "index.json")
            raise MalformedError("an index has no list of manifests", where=where)
        return [entry for entry in entries if isinstance(entry, dict)]

    def _index(self) -> dict[str, Any]:
        path = self._path / "index.json"
        try:
            with path.open("rb") as file:
                found = file.read(self._limits.layout_index + 1)
        except FileNotFoundError:
            return {"schemaVersion": 2, "mediaType": mediatypes.OCI_INDEX, "manifests": []}
        except OSError as error:
            raise self._unusable(path, error) from None
        return parse_object(found, limit=self._limits.layout_index, where=str(path))

    def change_index(self, change: Change) -> None:
        """Change ``index.json`` under the lock; other fields of it are kept.

        Raises:
            MalformedError: it is damaged, or the directory cannot be written.
        """
        with self.together():
            self._held.changes.append(change)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Hold back what this thread writes, and put it in place at the end, waiting once.

        Until then only this thread reads it; ``index.json`` it reads as it was. When something is
        raised, nothing of it is left.

        Raises:
            MalformedError: the directory cannot be written.
        """
        held = self._held
        held.depth += 1
        try:
            yield
            if held.depth == 1:
                self.settle()
        finally:
            held.depth -= 1
            if not held.depth:
                held.forget()

    def settle(self) -> None:
        """Put in place what this thread holds back.

        Raises:
            MalformedError: as :meth:`together`.
        """
        held = self._held
        try:
            if held.changes:
                with self._locked():
                    self._change(held)
            elif held.files:
                self._aside.place(held.files, flushes=held.flushes)
        except OSError as error:
            raise self._unusable(self._path, error) from None
        finally:
            held.forget()

    def _change(self, held: _Held) -> None:
        """Make all changes one after the other; put blobs in place before what names them."""
        index = self._index()
        held.entries = known = self._entries(index)
        for change in held.changes:
            changed = change(held.entries)
            held.entries = held.entries if changed is None else changed
        named = {one.get("digest") for one in held.entries if is_digest(one.get("digest"))}
        for digest, content in held.lists.items():
            if digest in named:
                self._hold(
                    self._place(digest), self._aside.write(io.BytesIO(content), len(content))
                )
        last = {}
        if held.entries is not known:
            whole = dump({**index, "manifests": held.entries})
            written = self._aside.write(io.BytesIO(whole), len(whole))
            last[self._path / "index.json"] = written
        self._aside.place(held.files, last, held.flushes)

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
            self._aside.place({mark: self._aside.write(io.BytesIO(_MARK))})
        except OSError as error:
            raise self._unusable(self._path, error) from None

    def _blob(self, digest: str) -> Path:
        """Return where a blob is to be found: aside, while this thread holds it back."""
        path = self._place(digest)
        held = self._held.files.get(path) if self._held.depth else None
        return path if held is None else Path(held)

    def _place(self, digest: str) -> Path:
        algorithm, _, encoded = check_digest(digest).partition(":")
        return self._path / "blobs" / algorithm / encoded

    @staticmethod
    def _unusable(path: Path, error: OSError) -> OciError:
        return MalformedError(
            "the OCI layout cannot be used", where=str(path), got=error.strerror or str(error)
        )
