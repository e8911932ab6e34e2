"""Whether the files of Python distributions are still those that were installed.

RECORD lists every installed file with its SHA-256 and size. While a layer is scanned, a
:class:`Ledger` notes what the files are that an installer may have written; at the layer's end they
are settled against the RECORDs of the same layer, which leaves next to nothing to keep. What is
left is compared when the layers are merged (:class:`Changes`), so that a file that a later layer
replaced is found, too.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from lading.inventory import Finding, Level
from lading.limits import LIMITS
from lading.packages.record import parse_record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from lading.inventory import PackageFile
    from lading.packages.record import Row

__all__ = [
    "Changes",
    "Ledger",
    "Trace",
    "Traces",
    "Written",
    "in_site",
    "listed_elsewhere",
    "may_be_installed",
]

_EXAMPLES: Final = 5
_PLACE: Final = "-packages/"  # of site-packages and dist-packages
#: Python's own modules, and Debian's copies of them.
_STANDARD: Final = re.compile(r"(?:^|/)(?:lib(?:64)?/python\d|usr/share/)")
_DIGEST: Final = 32
_NONE: Final = bytes(_DIGEST)


class Trace(NamedTuple):
    """What one file is. ``sha256`` is hexadecimal, empty when nobody hashed the file."""

    size: int
    sha256: str
    layer: str | None = None


class Written:
    """Files with their traces, by path: a name and 40 bytes each, however many there are.

    ``directories`` map a directory to the names in it, each ended by ``/``, their sizes, and their
    digests one behind the other; 32 zeros stand for none.
    """

    __slots__ = ("_indexes", "directories")

    def __init__(self, directories: Mapping[str, tuple[str, array[int], bytes]]) -> None:
        self.directories = directories
        self._indexes: dict[str, dict[str, int]] = {}

    def __iter__(self) -> Iterator[str]:
        for directory, (names, _, _) in self.directories.items():
            start = f"{directory}/" if directory else ""
            yield from (start + name for name in names[:-1].split("/"))

    def get(self, path: str) -> Trace | None:
        """Return the trace of a file, None when it is not among these."""
        directory, _, name = path.rpartition("/")
        found = self.directories.get(directory)
        if found is None:
            return None
        index = self._indexes.get(directory)
        if index is None:
            index = self._indexes[directory] = _index(found[0])
        at = index.get(name)
        return None if at is None else _trace(found[1], found[2], at)

    def to_json(self) -> dict[str, list[object]]:
        """Return JSON data that :meth:`from_json` reads."""
        return {
            directory: [names, sizes.tolist(), digests.hex()]
            for directory, (names, sizes, digests) in self.directories.items()
        }

    @classmethod
    def from_json(cls, data: Mapping[str, tuple[str, list[int], str]]) -> Written:
        """Rebuild from :meth:`to_json`.

        Raises:
            TypeError, ValueError: the data is something else.
        """
        made = {}
        for directory, (names, sizes, digests) in data.items():
            made[directory] = names, array("Q", sizes), bytes.fromhex(digests)
            if not names.count("/") == len(sizes) == len(made[directory][2]) // _DIGEST:
                raise ValueError("names without sizes or digests")
        return cls(made)


@dataclass(frozen=True, slots=True)
class Traces:
    """What of one layer the RECORDs of that layer do not settle.

    ``written`` are files that none of them lists as they are; ``missing`` are paths that one lists
    and the layer does not have. ``whole`` is False when there were more than anybody notes.
    """

    written: Written = field(default_factory=lambda: Written({}))
    missing: tuple[str, ...] = ()
    whole: bool = True


def in_site(path: str) -> bool:
    """Say whether a path lies in a directory of installed distributions, by its name."""
    return _PLACE in path


def may_be_installed(path: str) -> bool:
    """Say whether a RECORD may have the digest of ``path``; asked for every file of an image.

    Byte code has none. Outside of ``site-packages`` and its like (``pip install --target``), only
    sources of Python are looked at.
    """
    if _PLACE in path:
        return path[-4:] != ".pyc"
    return path[-3:] == ".py" and _STANDARD.search(path) is None


def _is_record(file: PackageFile) -> bool:
    """Say whether a captured file is the RECORD of a distribution, with its content."""
    return file.path[-17:].lower() == ".dist-info/record" and file.size is None


def listed_elsewhere(files: Iterable[PackageFile]) -> Iterator[str]:
    """Yield the sources outside of ``site-packages`` that RECORDs among ``files`` list."""
    for row in _rows(file for file in files if _PLACE not in file.path):
        if may_be_installed(row.path):
            yield row.path


class Ledger:
    """Size and digest of the files of one layer, 40 bytes and a name each."""

    def __init__(self) -> None:
        self._names: dict[str, bytearray] = {}
        self._sizes: dict[str, array[int]] = {}
        self._digests: dict[str, bytearray] = {}
        self._count = 0

    def add(self, path: str, size: int, digest: bytes) -> None:
        """Note a file; ``digest`` is its SHA-256, or empty."""
        self._count += 1
        if self._count > LIMITS.record_files:
            return
        directory, _, name = path.rpartition("/")
        names = self._names.get(directory)
        if names is None:
            names = self._names[directory] = bytearray()
            self._sizes[directory] = array("Q")
            self._digests[directory] = bytearray()
        names += name.encode("utf-8", "surrogateescape")
        names += b"/"
        self._sizes[directory].append(size)
        self._digests[directory] += digest or _NONE

    def settle(self, files: Iterable[PackageFile], has: Callable[[str], bool]) -> Traces:
        """Return what the RECORDs among the layer's captured ``files`` do not settle.

        ``has`` says whether the layer has a path, as a file or a link.
        """
        places: dict[str, dict[str, int]] = {}  # those of a directory that are not settled
        missing: list[str] = []
        for row in _rows(files):
            directory, _, name = row.path.rpartition("/")
            if directory not in places:
                places[directory] = self._places(directory)
            index = places[directory].get(name)
            if index is not None:
                if self._fits(row, directory, index):
                    del places[directory][name]
            elif row.sha256 is not None:
                # Distributors move scripts, and leave RECORD as it was.
                inside = _PLACE in row.path or row.path[-3:] == ".py"
                inside = inside and "/bin/" not in row.path
                if inside and len(missing) < LIMITS.fact_items and not has(row.path):
                    missing.append(row.path)
        left = {
            directory: self._left(directory, places.get(directory)) for directory in self._names
        }
        written = Written({directory: kept for directory, kept in left.items() if kept[0]})
        return Traces(written, tuple(missing), self._count <= LIMITS.record_files)

    def _left(
        self, directory: str, places: Mapping[str, int] | None
    ) -> tuple[str, array[int], bytes]:
        """Return what of a directory is not settled; all of it without ``places``."""
        names = self._names[directory].decode("utf-8", "surrogateescape")
        sizes, digests = self._sizes[directory], bytes(self._digests[directory])
        if places is None:
            return names, sizes, digests
        return (
            "".join(f"{name}/" for name in places),
            array("Q", [sizes[at] for at in places.values()]),
            b"".join(digests[at * _DIGEST : (at + 1) * _DIGEST] for at in places.values()),
        )

    def _places(self, directory: str) -> dict[str, int]:
        names = self._names.get(directory)
        return {} if names is None else _index(names.decode("utf-8", "surrogateescape"))

    def _fits(self, row: Row, directory: str, index: int) -> bool:
        """Say whether a file is as its row has it, as far as both tell."""
        digest = _digest(self._digests[directory], index)
        if digest and not row.has(digest):
            return False
        sized = row.size is None or row.size == self._sizes[directory][index]
        return sized and (bool(digest) or row.sha256 is not None)


def _index(names: str) -> dict[str, int]:
    """Return the place of each name; of one that a layer has twice, the last."""
    return {name: at for at, name in enumerate(names[:-1].split("/"))}


def _digest(digests: bytes | bytearray, at: int) -> bytes:
    digest = bytes(digests[at * _DIGEST : (at + 1) * _DIGEST])
    return b"" if digest == _NONE else digest


def _trace(sizes: array[int], digests: bytes | bytearray, at: int) -> Trace:
    return Trace(sizes[at], _digest(digests, at).hex())


class Changes:
    """Compares RECORDs with what an image has, one after the other.

    Args:
        written: tells of the files that no RECORD of their own layer settled, as a container sees
            them; None for others.
        places: the directories in which such files are.
        gone: says whether a container lacks a path that was installed; None when it lacks none.
        whole: whether all files were noted.
    """

    def __init__(
        self,
        written: Callable[[str], Trace | None],
        places: Collection[str] = (),
        gone: Callable[[str], bool] | None = None,
        *,
        whole: bool = True,
    ) -> None:
        self.whole = whole
        self._written = written
        self._places = places
        self._gone = gone

    def __bool__(self) -> bool:
        return bool(self._places) or self._gone is not None or not self.whole

    def limits(self) -> Iterator[Finding]:
        """Yield what could not be compared."""
        if not self.whole:
            message = f"of a layer with more than {LIMITS.record_files} installed files, the rest "
            message += "was not compared with RECORD"
            yield Finding("python-files-not-compared", Level.WARNING, message)

    def of(self, record: PackageFile, rows: Iterable[Row]) -> Iterator[Finding]:
        """Yield what is not as a distribution's RECORD has it.

        ``python-file-changed`` for each changed file, ``LIMITS.findings_per_file`` at most;
        ``python-files-missing`` once.
        """
        written, places, gone = self._written, self._places, self._gone
        changed: list[tuple[str, Trace, str]] = []
        missing: list[str] = []
        for row in rows:
            near = row.path.rpartition("/")[0] in places
            trace = written(row.path) if near else None
            if trace is None and (gone is None or not gone(row.path)):
                continue
            sha256 = row.sha256
            if sha256 is None or row.path == record.path:
                continue  # byte code and its like come and go
            if trace is None:
                missing.append(row.path)
            elif why := _differs(row, sha256, trace):
                changed.append((row.path, trace, why))
        for path, trace, why in changed[: LIMITS.findings_per_file]:
            yield _finding(f"changed after it was installed: {why}", path, trace.layer)
        if len(changed) > LIMITS.findings_per_file:
            message = f"{len(changed)} files changed after they were installed; not all are named"
            yield _finding(message, record.path, record.layer)
        if missing:
            examples = ", ".join(sorted(missing)[:_EXAMPLES])
            message = f"{len(missing)} installed files are gone, e.g. {examples}"
            yield Finding(
                "python-files-missing", Level.NOTE, message[:1000], record.path, record.layer
            )


def _differs(row: Row, sha256: str, trace: Trace) -> str | None:
    """Say how a file differs from its row; None when nothing says that it does."""
    if trace.sha256 and trace.sha256 != sha256:
        return f"SHA-256 is {trace.sha256}, RECORD has {sha256}"
    if row.size is not None and row.size != trace.size:
        return f"{trace.size} bytes, RECORD has {row.size}"
    return None


def _finding(message: str, path: str, layer: str | None) -> Finding:
    return Finding("python-file-changed", Level.WARNING, message, path, layer)


def _rows(files: Iterable[PackageFile]) -> Iterator[Row]:
    left = LIMITS.record_rows
    for file in files:
        if _is_record(file):
            info = file.path.rpartition("/")[0]
            rows = parse_record(file.content, info.rpartition("/")[0], left).rows
            left -= len(rows)
            yield from (row for row in rows if row.path != file.path)
