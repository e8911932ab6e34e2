"""Use case: look inside an image. Joins image, models and packages into one Inspection.

Layers are scanned once each (cached by diff ID), their findings are put on top of each other as
the file system would be, and only what a container would see is reported.
"""

from __future__ import annotations

import dataclasses
import zlib
from typing import TYPE_CHECKING, Protocol

from lading.errors import LimitError
from lading.image.interface import SeesMerged
from lading.inventory import Finding, Inspection, Level
from lading.limits import LIMITS
from lading.usecases.contents import ViewReader
from lading.usecases.layer_scan import LayerScan, scan_layer
from lading.usecases.lower_layers import shadowed
from lading.usecases.views import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from lading.image.interface import Entry, Image
    from lading.inventory import LayerFacts, Model
    from lading.packages import Syft

__all__ = ["ScanCache", "inspect_image"]


class ScanCache(Protocol):
    """Keeps a layer's findings by diff ID; ``lading.image.cache.LayerCache`` is one."""

    def get(self, diff_id: str) -> dict[str, Any] | None:
        """Return what was put, or None."""
        ...

    def put(self, diff_id: str, value: dict[str, Any]) -> None:
        """Keep findings; failing to is not an error."""
        ...


def inspect_image(
    image: Image,
    target: str,
    *,
    find_syft: Callable[[], Syft],
    cache: ScanCache | None = None,
    all_layers: bool = False,
) -> Inspection:
    """Return everything found in ``image``.

    ``find_syft`` is called only when the image has package databases other than Python's.
    ``all_layers`` also tells what lower layers have and a container does not see.

    Raises:
        InputError: the image is damaged, or syft failed or is missing where it is needed.
        EngineError, OciError: the image's source failed.
    """
    facts = image.facts
    diff_ids = [layer.diff_id for layer in facts.layers]
    exists = image.exists if isinstance(image, SeesMerged) else None
    scans, fresh = _scan_layers(image, diff_ids, cache, certain=exists is None)
    stack = [scans[diff_id] for diff_id in diff_ids]
    view = View(stack, diff_ids, exists)
    reader = ViewReader(facts.platform, find_syft)
    found = reader.read(view)
    return Inspection(
        target=target,
        image=dataclasses.replace(
            facts,
            layers=tuple(
                _layer_facts(layer, scans[layer.diff_id], fresh=layer.diff_id in fresh)
                for layer in facts.layers
            ),
        ),
        models=found.models,
        datasets=found.datasets,
        packages=found.packages,
        findings=_findings(found.models, found.findings),
        tools=found.tools,
        shadowed=shadowed(stack, diff_ids, found, reader.read) if all_layers else None,
    )


def _scan_layers(
    image: Image, diff_ids: Sequence[str], cache: ScanCache | None, *, certain: bool
) -> tuple[dict[str, LayerScan], set[str]]:
    """Return the findings of each layer, and the layers that were read for it.

    What was kept by a source that cannot tell opaque directories is of use only where the image
    can be asked for its paths; else, ``certain``, the layer is read again.
    """
    scans: dict[str, LayerScan] = {}
    for diff_id in dict.fromkeys(diff_ids):
        kept = cache.get(diff_id) if cache else None
        if kept is not None:
            try:
                scan = LayerScan.from_json(kept)
            except (KeyError, TypeError, ValueError, zlib.error):
                continue  # an entry of another shape is as good as none
            if scan.paths.opaques_known or not certain:
                scans[diff_id] = scan
    missing = {diff_id for diff_id in diff_ids if diff_id not in scans}
    if missing:
        for diff_id, scan in image.scan(_Bounded(scans.values()), missing).items():
            scans[diff_id] = scan
            if cache:
                cache.put(diff_id, scan.to_json())
    return scans, missing


class _Bounded:
    """Scans layers until they hold more of packages' bytes together than an image may."""

    def __init__(self, known: Iterable[LayerScan]) -> None:
        self._held = sum(map(_held, known))

    def __call__(self, entries: Iterator[Entry]) -> LayerScan:
        scan = scan_layer(entries)
        self._held += _held(scan)
        if self._held > LIMITS.package_bytes:
            raise LimitError(
                "the image has too many bytes of package files",
                wanted=f"at most {LIMITS.package_bytes}",
            )
        return scan


def _held(scan: LayerScan) -> int:
    return sum(len(file.content) for file in scan.package_files)


def _layer_facts(layer: LayerFacts, scan: LayerScan, *, fresh: bool) -> LayerFacts:
    return dataclasses.replace(layer, size=scan.size, cached=not fresh)


def _findings(inspected: Iterable[Model], others: Iterable[Finding]) -> tuple[Finding, ...]:
    """Collect every finding once, the worst first."""
    order = list(Level)
    found = dict.fromkeys(
        [*(finding for model in inspected for finding in model.safety.findings), *others]
    )
    return tuple(
        sorted(found, key=lambda one: (order.index(one.level), one.id, one.path or "", one.message))
    )
