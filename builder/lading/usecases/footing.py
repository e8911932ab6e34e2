"""What a container sees stands on an image's lowest layers, when those above bring nothing to it.

A rebuild after a change of code lays a new layer on top of known ones. If it has no file that
readers want and no link, and takes away no path that they were given, they would be given the very
same as without it: all that is told of the layers below holds of the whole image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lading import packages
from lading.image.overlay import LayerPaths, Overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from lading.usecases.layer_scan import LayerScan
    from lading.usecases.views import View

__all__ = ["Footing", "bears", "brings_nothing", "footing_of"]

_SMALL: Final = 64 * 1024  # characters of a layer's names that take less time than the paths below


class Footing(NamedTuple):
    """How many of an image's lowest layers a view stands on, and every path that it gave."""

    layers: int
    paths: frozenset[str]


def footing_of(scans: Sequence[LayerScan], view: View) -> Footing:
    """Return what ``view``, of all of ``scans`` together, stands on."""
    paths = frozenset(_given(view))

    def given(path: str) -> bool:
        return path in paths

    layers = len(scans)
    while layers > 1 and brings_nothing(top := scans[layers - 1]):
        # What lower layers have and nobody sees counts, too: the top may be why it is not seen.
        if not bears(_wanted(scans[: layers - 1]), top, given):
            break
        layers -= 1
    return Footing(layers, paths)


def brings_nothing(scan: LayerScan) -> bool:
    """Say whether a layer has nothing of its own that readers would be given."""
    own = scan.paths
    told = (*scan.installed.written, *own.whiteouts, *own.opaques)
    return not (
        scan.model_files
        or scan.package_files
        or own.symlinks
        or own.hardlinks
        or any(map(packages.in_site, told))
    )


def bears(paths: Iterable[str], top: LayerScan, exists: Callable[[str], bool] | None) -> bool:
    """Say whether all of ``paths``, of lower layers, are still seen with ``top`` above them.

    ``exists`` is as :class:`lading.image.overlay.Overlay` has it.
    """
    if top.paths.opaques_known:
        if _is_small(top.paths):
            return not _touches(top.paths, frozenset(paths))
        return not any(map(top.paths.hides, paths))
    overlay = Overlay([LayerPaths(), top.paths], exists)
    return all(overlay.visible(0, path) for path in paths)


def _is_small(top: LayerPaths) -> bool:
    names = (*top.files.values(), *top.directories.values(), *top.whiteouts, *top.opaques)
    return sum(map(len, names)) <= _SMALL


def _touches(top: LayerPaths, paths: frozenset[str]) -> bool:
    """Say whether a layer hides any of ``paths``, starting from the few that the layer has.

    As :meth:`lading.image.overlay.LayerPaths.hides` would of one of them.
    """
    files = set(_listed(top.files))
    directories = {*_listed(top.directories), *top.directories, *top.files}
    if not paths.isdisjoint(files | directories | top.whiteouts):
        return True
    above: set[str] = set()
    for path in paths:
        while path:
            path = path.rpartition("/")[0]
            if path in above:
                break
            above.add(path)
    return not above.isdisjoint(files | top.whiteouts | top.opaques)


def _listed(names: Mapping[str, str]) -> Iterator[str]:
    """Yield the paths that a layer has as it keeps them: directory → names between slashes."""
    for directory, joined in names.items():
        before = f"{directory}/" if directory else ""
        yield from (before + name for name in joined.split("/") if name)


def _given(view: View) -> Iterator[str]:
    yield from view.links
    yield from (file.path for file in view.model_files)
    yield from (file.path for file in view.package_files)
    yield from packages.listed_elsewhere(view.package_files)
    yield from filter(packages.in_site, view.written())


def _wanted(scans: Iterable[LayerScan]) -> Iterator[str]:
    for scan in scans:
        yield from scan.paths.symlinks
        yield from scan.paths.hardlinks
        yield from (file.path for file in scan.model_files)
        yield from (file.path for file in scan.package_files)
        yield from packages.listed_elsewhere(scan.package_files)
        yield from filter(packages.in_site, scan.installed.written)
