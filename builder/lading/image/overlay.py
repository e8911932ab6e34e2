"""Which entries of which layers a container would still see: paths, whiteouts, links, compactly.

OCI image-spec, layer.md: layers apply in order; a whiteout or an opaque mark hides what *lower*
layers have, never entries of its own layer; anything but a directory replaces a whole directory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, LimitError
from lading.image.interface import EntryKind
from lading.image.paths import parents
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lading.image.interface import Entry

    _Place = tuple[int, str]  # layer, path

__all__ = ["LayerPaths", "Overlay", "PathRecorder"]

_FORMAT = 1
_MARKS = (EntryKind.WHITEOUT, EntryKind.OPAQUE, EntryKind.UNCERTAIN)
_LARGE = 16 * 1024  # characters of a directory's names that are searched as they are


@dataclass(frozen=True, slots=True)
class LayerPaths:
    """The paths of one layer, without their bytes.

    ``files`` (everything but directories) and ``directories`` map a directory to the names in it,
    joined and enclosed by ``/``, which no name can contain: a tenth of the memory of a set of
    paths, quick to read from JSON, and a look-up is one substring search in one directory.
    A path that the layer has twice may be in both.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    directories: Mapping[str, str] = field(default_factory=dict)
    whiteouts: frozenset[str] = frozenset()
    opaques: frozenset[str] = frozenset()
    symlinks: Mapping[str, str] = field(default_factory=dict)  # path → target, verbatim
    hardlinks: Mapping[str, str] = field(default_factory=dict)  # path → path in the image
    size: int = 0  # of all files together
    opaques_known: bool = True  # False: any directory may be opaque, the source cannot tell
    _large: dict[tuple[bool, str], frozenset[str]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _covered: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def has_file(self, path: str) -> bool:
        """Say whether the layer has ``path`` as anything but a directory."""
        return self._has(False, path)

    def has_directory(self, path: str) -> bool:
        """Say whether the layer has ``path`` as a directory, or anything in it."""
        return self._has(True, path) or path in self.directories or path in self.files

    def _has(self, is_directory: bool, path: str) -> bool:
        directory, _, name = path.rpartition("/")
        names = (self.directories if is_directory else self.files).get(directory, "")
        if len(names) <= _LARGE:
            return f"/{name}/" in names
        # searching a huge directory again and again would be quadratic
        key = is_directory, directory
        if key not in self._large:
            self._large[key] = frozenset(names.split("/"))
        return bool(name) and name in self._large[key]

    def hides(self, path: str) -> bool:
        """Say whether this layer, lying above, takes ``path`` of a lower layer away."""
        directory = path.rpartition("/")[0]
        if path in self.whiteouts or path in self.directories or path in self.files:
            return True
        if (directory in self.files and self._has(False, path)) or (
            directory in self.directories and self._has(True, path)
        ):
            return True
        return bool(path) and self._covers(directory)

    def replaces(self, path: str) -> bool:
        """Say whether this layer takes ``path`` away, or has an entry that is that very path."""
        gone = path in self.whiteouts or self._covers(path.rpartition("/")[0])
        return gone or self._has(False, path) or self._has(True, path)

    def _covers(self, directory: str) -> bool:
        """Say whether this layer takes away what lower layers have in ``directory``; remembered."""
        found = self._covered.get(directory)
        if found is None:
            found = any(
                above in self.opaques or above in self.whiteouts or self.has_file(above)
                for above in (directory, *parents(directory))
            )
            self._covered[directory] = found
        return found

    def to_json(self) -> dict[str, Any]:
        """Return JSON data that :meth:`from_json` reads."""
        return {
            "format": _FORMAT,
            "files": dict(self.files),
            "directories": dict(self.directories),
            "whiteouts": sorted(self.whiteouts),
            "opaques": sorted(self.opaques),
            "symlinks": dict(self.symlinks),
            "hardlinks": dict(self.hardlinks),
            "size": self.size,
            "opaques_known": self.opaques_known,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LayerPaths:
        """Read :meth:`to_json`'s data.

        Raises:
            ValueError: it is something else.
        """
        texts = [data.get(name) for name in ("files", "directories", "symlinks", "hardlinks")]
        lists = [data.get(name) for name in ("whiteouts", "opaques")]
        if (
            data.get("format") != _FORMAT
            or not all(isinstance(value, dict) for value in texts)
            or not all(isinstance(value, list) for value in lists)
            or not isinstance(data.get("size"), int)
            or not isinstance(data.get("opaques_known"), bool)
        ):
            raise ValueError("these are no layer paths")
        files, directories, symlinks, hardlinks = texts
        whiteouts, opaques = lists
        return cls(
            files or {},
            directories or {},
            frozenset(whiteouts or ()),
            frozenset(opaques or ()),
            symlinks or {},
            hardlinks or {},
            data["size"],
            data["opaques_known"],
        )


class PathRecorder:
    """Collects :class:`LayerPaths` from entries on their way to somebody else."""

    def __init__(self) -> None:
        self._files: dict[str, bytearray] = {}
        self._directories: dict[str, bytearray] = {}
        self._whiteouts: set[str] = set()
        self._opaques: set[str] = set()
        self._symlinks: dict[str, str] = {}
        self._hardlinks: dict[str, str] = {}
        self._linked: set[str] = set()  # what hard links of this layer lead to
        self._size = 0
        self._opaques_known = True

    def watch(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Pass ``entries`` through.

        Raises:
            LimitError: more links than ``LIMITS.layer_links``.
            InputError: a file comes after a hard link to it, which leads to what was there before.
        """
        for entry in entries:
            self.add(entry)
            yield entry

    def add(self, entry: Entry) -> None:
        """Note one entry; its bytes are left alone."""
        kind, path = entry.kind, entry.path
        if path in self._linked and kind not in _MARKS:
            raise InputError(
                "a layer replaces a file that it has linked to before", got=ascii(path)
            )
        if kind is EntryKind.FILE or kind is EntryKind.OTHER:
            self._size += entry.size
            self._name(self._files, path)
        elif kind is EntryKind.DIRECTORY:
            self._name(self._directories, path)
        else:
            self._mark(kind, path, entry.target)

    def _name(self, tree: dict[str, bytearray], path: str) -> None:
        directory, _, name = path.rpartition("/")
        names = tree.get(directory)
        if names is None:
            names = tree[directory] = bytearray(b"/")
        names += name.encode("utf-8", "surrogateescape")
        names += b"/"

    def _mark(self, kind: EntryKind, path: str, target: str) -> None:
        if kind is EntryKind.WHITEOUT:
            self._whiteouts.add(path)
        elif kind is EntryKind.OPAQUE:
            self._opaques.add(path)
        elif kind is EntryKind.UNCERTAIN:
            self._opaques_known = False
        else:
            links = self._symlinks if kind is EntryKind.SYMLINK else self._hardlinks
            links[path] = target
            if kind is EntryKind.HARDLINK:
                self._linked.add(target)
            self._name(self._files, path)
        count = len(self._symlinks) + len(self._hardlinks)
        if count + len(self._whiteouts) + len(self._opaques) > LIMITS.layer_links:
            raise LimitError(
                "a layer has too many links and whiteouts", wanted=f"at most {LIMITS.layer_links}"
            )

    def result(self) -> LayerPaths:
        """Return what was noted so far."""
        return LayerPaths(
            _texts(self._files),
            _texts(self._directories),
            frozenset(self._whiteouts),
            frozenset(self._opaques),
            dict(self._symlinks),
            dict(self._hardlinks),
            self._size,
            self._opaques_known,
        )


def _texts(tree: Mapping[str, bytearray]) -> dict[str, str]:
    return {path: names.decode("utf-8", "surrogateescape") for path, names in tree.items()}


class Overlay:
    """All layers of an image, lowest first, seen from above.

    Args:
        layers: the paths of each.
        exists: says whether the image as a whole has a path; asked only where a layer above has
            a directory of which it does not know whether it is opaque. Without it such a
            directory counts as an ordinary one, so that nothing is left out that may be there.
    """

    def __init__(
        self, layers: Sequence[LayerPaths], exists: Callable[[str], bool] | None = None
    ) -> None:
        self._layers = tuple(layers)
        self._exists = exists
        self._transparent: set[tuple[int, str]] = set()  # directories that are not opaque

    def visible(self, layer: int, path: str) -> bool:
        """Say whether no layer above ``layer`` hides or replaces its ``path``."""
        above = range(layer + 1, len(self._layers))
        if self._hidden(path, above):
            # an unpacker wrote it where links led to, and taking those away leaves it there
            through = self._through_links(layer, path)
            return through != path and not self._hidden(through, above)
        if self._exists is None:
            return True
        doubtful = {
            (index, directory)
            for index in above
            if not self._layers[index].opaques_known
            for directory in parents(path)
            if self._layers[index].has_directory(directory)
        } - self._transparent
        if not doubtful:
            return True
        if self._exists(path):
            self._transparent |= doubtful
            return True
        return False

    def _hidden(self, path: str, above: range) -> bool:
        return any(self._layers[index].hides(path) for index in above)

    def _through_links(self, layer: int, path: str) -> str:
        """Return where a path of ``layer`` led to when that was unpacked onto those below."""
        waiting = path.split("/")[::-1]
        found = ""
        steps = 0
        while waiting:
            part = waiting.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                found = found.rpartition("/")[0]
                continue
            found = f"{found}/{part}" if found else part
            target = self._link(layer, found) if waiting else None
            if target is not None and steps < LIMITS.layout_links:
                steps += 1
                found = "" if target[:1] == "/" else found.rpartition("/")[0]
                waiting += target.split("/")[::-1]
        return found

    def _link(self, top: int, path: str) -> str | None:
        """Return the target of the link that ``path`` is, seen from layer ``top`` downwards."""
        for layer in self._layers[top::-1]:
            if path in layer.symlinks:
                return layer.symlinks[path]
            if layer.replaces(path):
                return None
        return None

    def links(self) -> dict[str, str]:
        """Return the visible symlinks: path → target, verbatim."""
        return {
            path: target
            for index, layer in enumerate(self._layers)
            for path, target in layer.symlinks.items()
            if self.visible(index, path)
        }

    def hard_links(self) -> dict[tuple[int, str], tuple[int, str]]:
        """Return the visible hard links: (layer, path) → the (layer, path) that has the bytes.

        The target is looked for in the link's own layer first, then in the layers below, as it
        was when the link was made: what a higher layer did to the target's name is no matter. A
        target that no layer has, or a chain of links that turns in a circle, is left out.
        """
        sources: dict[_Place, _Place | None] = {}
        found = {}
        for index, layer in enumerate(self._layers):
            for path in layer.hardlinks:
                source = self._source((index, path), sources)
                if source is not None and self.visible(index, path):
                    found[index, path] = source
        return found

    def _source(self, start: _Place, sources: dict[_Place, _Place | None]) -> _Place | None:
        """Follow hard links of hard links down to a file; ``sources`` remembers every step."""
        steps: list[_Place] = []
        place: _Place | None = start
        while place is not None and place not in sources:
            steps.append(place)
            sources[place] = None  # until known: a circle ends here
            index, path = place
            target = self._layers[index].hardlinks.get(path)
            if target is None:
                sources[place] = place
            else:
                place = self._place(index, target) or self._place(
                    index, self._through_links(index, target)
                )
        source = None if place is None else sources[place]
        sources.update(dict.fromkeys(steps, source))
        return source

    def _place(self, top: int, path: str) -> _Place | None:
        """Return the highest layer at or below ``top`` that has ``path`` as a file."""
        for index in range(top, -1, -1):
            layer = self._layers[index]
            if layer.has_file(path):
                return index, path
            # What the link's own layer took away may have been there when the link was made.
            if index != top and layer.hides(path):
                return None
        return None
