"""Use case: look inside an image, as far as it was not looked into before.

Contents are kept under the key of the lowest layers that they stand on. An image of those layers,
whatever lies above that brings nothing to what a container sees, is not put together again: of a
build after a change of code, only the layer with the code is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.errors import InputError
from lading.usecases import kept
from lading.usecases.footing import bears, brings_nothing
from lading.usecases.inspect import LayerScans, inspect_image, layer_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading.image.interface import Image
    from lading.inventory import Inspection
    from lading.packages import Syft
    from lading.usecases.footing import Footing
    from lading.usecases.inspect import ScanCache

__all__ = ["inspect_anew"]


def inspect_anew(
    image: Image,
    target: str,
    *,
    find_syft: Callable[[], Syft],
    cache: ScanCache,
    results: ScanCache,
    all_layers: bool = False,
    remember: Callable[[str], None] = lambda _: None,
) -> Inspection:
    """Return everything found in ``image``, with what was kept; keep what was not.

    ``cache`` keeps the findings of layers, ``results`` whole contents; ``remember`` is told their
    key.

    Raises:
        InputError, EngineError, OciError: as :func:`lading.usecases.inspect.inspect_image`.
    """
    layers = LayerScans(image, cache, exact=all_layers)
    try:
        keys = kept.keys_of(image.facts, find_syft(), all_layers=all_layers)
    except InputError:
        keys = None  # no syft: an image may do without it, which shows when it is looked into
    keep = None
    if keys is not None:
        found = _recalled(image, target, keys, layers, results, remember, whole=all_layers)
        if found is not None:
            return found
        keep = _keeper(keys, results, remember, whole=all_layers)
    return inspect_image(
        image, target, find_syft=find_syft, all_layers=all_layers, layers=layers, keep=keep
    )


def _keeper(
    keys: Callable[[int], str],
    results: ScanCache,
    remember: Callable[[str], None],
    *,
    whole: bool,
) -> Callable[[Inspection, Footing], None]:
    def keep(inspection: Inspection, footing: Footing) -> None:
        count = len(inspection.image.layers) if whole else footing.layers
        results.put(keys(count), kept.to_json(inspection, footing._replace(layers=count)))
        remember(keys(count))

    return keep


def _recalled(
    image: Image,
    target: str,
    keys: Callable[[int], str],
    layers: LayerScans,
    results: ScanCache,
    remember: Callable[[str], None],
    *,
    whole: bool,
) -> Inspection | None:
    """Return the inspection that was kept of the image, or of the layers that it stands on."""
    listed = image.facts.layers
    for count in range(len(listed), 0, -1):
        data = results.get(keys(count))
        if data is not None:
            above = layers.all([layer.diff_id for layer in listed[count:]])
            told = [
                layer_facts(layer, scan, fresh=layer.diff_id in layers.fresh)
                for layer, scan in zip(listed[count:], above, strict=True)
            ]
            try:
                paths = kept.paths_of(data)
                if all(brings_nothing(one) and bears(paths, one, layers.exists) for one in above):
                    found = kept.from_json(data, image.facts, target, told)
                    remember(keys(count))
                    return found
            except (KeyError, TypeError, ValueError):
                pass  # an entry of another shape is as good as none
            return None
        top = layers.kept(listed[count - 1].diff_id)
        if whole or (top is not None and not brings_nothing(top)):
            return None  # what was kept of fewer layers does not hold of these
    return None
