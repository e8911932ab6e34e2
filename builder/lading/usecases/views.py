"""What a container made of an image's lowest layers would see, of all that their scans found."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from lading import models
from lading.image.overlay import Overlay
from lading.image.paths import parents
from lading.inventory import ModelFile, PackageFile
from lading.packages import Changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from lading.packages import Trace
    from lading.usecases.layer_scan import LayerScan

__all__ = ["View"]

_File = TypeVar("_File", ModelFile, PackageFile)


class View:
    """Layers on top of each other; a hard link is a file of its own, wherever its bytes lie.

    Args:
        scans: what was found in each layer, lowest first.
        diff_ids: of the same layers.
        exists: says whether a container has a path; see :class:`lading.image.overlay.Overlay`.
    """

    def __init__(
        self,
        scans: Sequence[LayerScan],
        diff_ids: Sequence[str],
        exists: Callable[[str], bool] | None = None,
    ) -> None:
        self._scans = scans
        self._diff_ids = diff_ids
        self._overlay = Overlay([scan.paths for scan in scans], exists)
        self._emptied: dict[str, bool] = {}  # whether a layer took a directory's files away

    @cached_property
    def links(self) -> Mapping[str, str]:
        """The symbolic links: path → target, verbatim."""
        return self._overlay.links()

    @cached_property
    def model_files(self) -> tuple[ModelFile, ...]:
        """The files that belong to models and data sets, each with its layer."""
        # which of its names a file was read under first is no fact of it
        return self._visible([scan.model_files for scan in self._scans], models.moved)

    @cached_property
    def package_files(self) -> tuple[PackageFile, ...]:
        """The files that package readers need, each with its layer."""
        return self._visible([scan.package_files for scan in self._scans], _moved)

    @cached_property
    def changes(self) -> Changes:
        """What may have changed of installed distributions, for their RECORDs to be asked."""
        places = {one for scan in self._scans for one in scan.installed.written.directories}
        gone = self._gone if self._missing or self._removed else None
        whole = all(scan.installed.whole for scan in self._scans)
        return Changes(self._written, places, gone, whole=whole)

    def written(self) -> Iterator[str]:
        """Yield the paths of files that no RECORD of their layer settled."""
        for index, scan in enumerate(self._scans):
            for path in scan.installed.written:
                if self._overlay.visible(index, path):
                    yield path

    def _written(self, path: str) -> Trace | None:
        for index in range(len(self._scans) - 1, -1, -1):
            trace = self._scans[index].installed.written.get(path)
            if trace is not None and self._overlay.visible(index, path):
                return trace._replace(layer=self._diff_ids[index])
        return None

    @cached_property
    def _missing(self) -> frozenset[str]:
        """Paths that a layer's RECORD lists and the layer does not have."""
        return frozenset(path for scan in self._scans for path in scan.installed.missing)

    @cached_property
    def _removed(self) -> frozenset[str]:
        """Paths that layers take away from those below."""
        return frozenset(
            path
            for scan in self._scans[1:]
            for path in (*scan.paths.whiteouts, *scan.paths.opaques)
        )

    def _gone(self, path: str) -> bool:
        if path not in self._missing and path not in self._removed:
            directory = path.rpartition("/")[0]
            if directory not in self._emptied:
                above = (directory, *parents(directory))
                self._emptied[directory] = not self._removed.isdisjoint(above)
            if not self._emptied[directory]:
                return False
        return not any(
            scan.paths.has_file(path) and self._overlay.visible(index, path)
            for index, scan in enumerate(self._scans)
        )

    @cached_property
    def _hard_links(self) -> Mapping[tuple[int, str], tuple[int, str]]:
        return self._overlay.hard_links()

    def _visible(
        self, found: Sequence[Sequence[_File]], moved: Callable[[_File, str], _File]
    ) -> tuple[_File, ...]:
        known = {(index, file.path): file for index, files in enumerate(found) for file in files}
        here: list[_File] = [
            replace(file, layer=self._diff_ids[index])
            for (index, path), file in known.items()
            if self._overlay.visible(index, path)
        ]
        linked: list[_File] = [
            replace(moved(known[source], path), layer=self._diff_ids[index])
            for (index, path), source in self._hard_links.items()
            if source in known
        ]
        return tuple(here + linked)


def _moved(file: PackageFile, path: str) -> PackageFile:
    return replace(file, path=path)
