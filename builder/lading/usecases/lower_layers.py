"""What lower layers still carry and no container sees: replaced and deleted models and packages.

They are shipped with the image, can be had by anybody who pulls it, and count for nothing that
runs; so they are told apart. The image is seen as it was after each layer, from the top down; what
was there and is no more after the next layer is reported with both layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.inventory import Role, Shadowed
from lading.usecases.views import View

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from lading.inventory import Model, ModelFile, Package, PackageFile
    from lading.usecases.contents import Contents
    from lading.usecases.layer_scan import LayerScan

__all__ = ["shadowed"]


def shadowed(
    scans: Sequence[LayerScan],
    diff_ids: Sequence[str],
    top: Contents,
    read: Callable[[View], Contents],
) -> tuple[Shadowed, ...]:
    """Return what a container of the whole image, which has ``top``, does not see.

    ``read`` reads the image as it was after fewer layers; it is called only for those layers
    after which something was taken away.
    """
    found: list[Shadowed] = []
    above = top
    models: set[Hashable] = {_model_key(model) for model in top.models}
    packages: set[Hashable] = {_package_key(package) for package in top.packages}
    for count in range(len(scans) - 1, 0, -1):
        view = View(scans[:count], diff_ids[:count])
        if not _loses(view, above.view):
            continue
        here = read(view)
        by = diff_ids[count]
        replacing = {file.path for file in above.view.model_files}
        found += (
            Shadowed(model, by, replaced=any(file.path in replacing for file in _weights(model)))
            for model in here.models
            if _unseen(_model_key(model), models)
        )
        names = {(package.type, package.name) for package in above.packages}
        found += (
            Shadowed(package, by, replaced=(package.type, package.name) in names)
            for package in here.packages
            if _unseen(_package_key(package), packages)
        )
        above = here
    return tuple(found)


def _loses(view: View, above: View) -> bool:
    """Say whether a file that matters is in ``view`` and not in the one above."""
    return bool(
        _places(view.model_files) - _places(above.model_files)
        or _places(view.package_files) - _places(above.package_files)
    )


def _places(files: Iterable[ModelFile | PackageFile]) -> set[tuple[str, str | None]]:
    return {(file.path, file.layer) for file in files}


def _unseen(key: Hashable, seen: set[Hashable]) -> bool:
    if key in seen:
        return False
    seen.add(key)
    return True


def _model_key(model: Model) -> Hashable:
    """Return what makes a model the same one: its weights, wherever a copy of them lies."""
    return frozenset(file.sha256 for file in _weights(model))


def _weights(model: Model) -> Sequence[ModelFile]:
    return [file for file in model.files if file.role is Role.WEIGHTS] or model.files


def _package_key(package: Package) -> Hashable:
    return package.purl, package.path
