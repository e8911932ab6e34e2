"""Use case: look inside an image. Joins image, models and packages into one Inspection.

Layers are scanned once each (cached by diff ID), their findings are put on top of each other as
the file system would be, and only what a container would see is reported.
"""

from __future__ import annotations

import dataclasses
import threading
import zlib
from typing import TYPE_CHECKING, Protocol

from lading.errors import LimitError
from lading.inventory import Finding, Inspection, Level
from lading.limits import LIMITS
from lading.usecases.contents import ViewReader
from lading.usecases.footing import Footing, footing_of
from lading.usecases.layer_scan import LayerScan, scan_layer
from lading.usecases.lower_layers import shadowed
from lading.usecases.views import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from lading.image.interface import Entry, Image
    from lading.inventory import LayerFacts, Model
    from lading.packages import Syft

__all__ = ["LayerScans", "ScanCache", "inspect_image", "layer_facts"]


class ScanCache(Protocol):
    """Keeps a layer's findings by diff ID; ``lading.image.cache.LayerCache`` is one."""

    def get(self, diff_id: str) -> dict[str, Any] | None:
        """Return what was put, or None."""
        ...

    def put(self, diff_id: str, value: dict[str, Any]) -> None:
        """Keep findings; failing to is not an error."""
        ...


class LayerScans:
    """The findings of an image's layers: what was kept of them, else read, each layer once.

    What was kept by a source that cannot tell opaque directories is of use only where the image
    can be asked for its paths, and where only what a container sees is asked for; else the layer
    is read again.
    """

    def __init__(self, image: Image, cache: ScanCache | None, *, exact: bool = False) -> None:
        self._image = image
        self._cache = cache
        self._exact = exact
        self._known: dict[str, LayerScan] = {}
        self.exists: Callable[[str], bool] | None = getattr(image, "exists", None)
        self.fresh: set[str] = set()  # those that were read, not kept

    def kept(self, diff_id: str) -> LayerScan | None:
        """Return a layer's findings without reading it, or None."""
        if diff_id not in self._known and self._cache is not None:
            found = self._cache.get(diff_id)
            if found is None:
                return None
            try:
                scan = LayerScan.from_json(found)
            except (KeyError, TypeError, ValueError, zlib.error):
                return None  # an entry of another shape is as good as none
            if scan.paths.opaques_known or (self.exists is not None and not self._exact):
                self._known[diff_id] = scan
        return self._known.get(diff_id)

    def all(
        self, diff_ids: Sequence[str], nearly: Callable[[View], object] | None = None
    ) -> list[LayerScan]:
        """Return the findings of each layer, reading those that nobody knows.

        ``nearly`` is called once, with what is in view when all but the last one or two of
        several were read.

        Raises:
            LimitError: together they hold more of packages' bytes than an image may.
            InputError, EngineError, OciError: as :func:`inspect_image`.
        """
        missing = {one for one in dict.fromkeys(diff_ids) if self.kept(one) is None}
        left = set(missing)

        def done(diff_id: str, scan: LayerScan) -> None:
            self._known[diff_id] = scan
            left.discard(diff_id)
            if nearly and 0 < len(left) == min(2, len(missing) - 1):
                here = [one for one in diff_ids if one not in left]
                nearly(View([self._known[one] for one in here], here))
            if self._cache is not None:
                self._cache.put(diff_id, scan.to_json())

        if missing:
            self._image.scan(_Bounded(self._known.values()), missing, done)
            self.fresh |= missing
        _check(sum(map(_held, self._known.values())))
        return [self._known[diff_id] for diff_id in diff_ids]


def inspect_image(
    image: Image,
    target: str,
    *,
    find_syft: Callable[[], Syft],
    cache: ScanCache | None = None,
    all_layers: bool = False,
    layers: LayerScans | None = None,
    keep: Callable[[Inspection, Footing], None] | None = None,
) -> Inspection:
    """Return everything found in ``image``.

    ``find_syft`` is called only when the image has package databases other than Python's.
    ``all_layers`` also tells what lower layers have and a container does not see. ``layers`` are
    the image's, where some are known already. ``keep`` gets what is returned, with the layers that
    it stands on.

    Raises:
        InputError: the image is damaged, or syft failed or is missing where it is needed.
        EngineError, OciError: the image's source failed.
    """
    facts = image.facts
    layers = layers or LayerScans(image, cache, exact=all_layers)
    diff_ids = [layer.diff_id for layer in facts.layers]
    with ViewReader(facts.platform, find_syft) as reader:
        stack = layers.all(diff_ids, reader.foresee)
        view = View(stack, diff_ids, layers.exists)
        found = reader.read(view)
    inspection = Inspection(
        target=target,
        image=dataclasses.replace(
            facts,
            layers=tuple(
                layer_facts(layer, scan, fresh=layer.diff_id in layers.fresh)
                for layer, scan in zip(facts.layers, stack, strict=True)
            ),
        ),
        models=found.models,
        datasets=found.datasets,
        packages=found.packages,
        findings=_findings(found.models, found.findings),
        tools=found.tools,
        shadowed=shadowed(stack, diff_ids, found, reader.read) if all_layers else None,
    )
    if keep is not None:
        keep(inspection, footing_of(stack, view))
    return inspection


class _Bounded:
    """Scans layers until they hold more of packages' bytes together than an image may."""

    def __init__(self, known: Iterable[LayerScan]) -> None:
        self._held = sum(map(_held, known))
        self._lock = threading.Lock()  # a source may scan several layers beside each other

    def __call__(self, entries: Iterator[Entry]) -> LayerScan:
        scan = scan_layer(entries)
        with self._lock:
            self._held += _held(scan)
        _check(self._held)
        return scan


def _check(held: int) -> None:
    if held > LIMITS.package_bytes:
        raise LimitError(
            "the image has too many bytes of package files",
            wanted=f"at most {LIMITS.package_bytes}",
        )


def _held(scan: LayerScan) -> int:
    return sum(len(file.content) for file in scan.package_files)


def layer_facts(layer: LayerFacts, scan: LayerScan, *, fresh: bool) -> LayerFacts:
    """Return what is known of a layer when it was looked into."""
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
