"""Use case: look inside an image. Joins image, models and packages into one Inspection.

Layers are scanned once each (cached by diff ID), their findings are put on top of each other as
the file system would be, and only what a container would see is reported.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import zlib
from typing import TYPE_CHECKING, Protocol

from lading import models, packages
from lading.image.overlay import Overlay
from lading.inventory import Finding, Inspection, Level, Tool, Verdict
from lading.usecases.layer_scan import LayerScan, scan_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from lading.image.interface import Image
    from lading.inventory import LayerFacts, Model, ModelFile, Package, PackageFile
    from lading.packages import Syft

__all__ = ["ScanCache", "inspect_image"]


class ScanCache(Protocol):
    """Keeps a layer's findings by diff ID; ``lading.image.cache.LayerCache`` is one."""

    def get(self, diff_id: str) -> Mapping[str, Any] | None:
        """Return what was put, or None."""
        ...

    def put(self, diff_id: str, value: Mapping[str, Any]) -> None:
        """Keep findings; failing to is not an error."""
        ...


def inspect_image(
    image: Image,
    target: str,
    *,
    find_syft: Callable[[], Syft],
    cache: ScanCache | None = None,
) -> Inspection:
    """Return everything found in ``image``.

    ``find_syft`` is called only when the image has package databases other than Python's.

    Raises:
        InputError: the image is damaged, or syft failed or is missing where it is needed.
        EngineError, OciError: the image's source failed.
    """
    facts = image.facts
    diff_ids = [layer.diff_id for layer in facts.layers]
    scans, fresh = _scan_layers(image, diff_ids, cache)
    stack = [scans[diff_id] for diff_id in diff_ids]
    overlay = Overlay([scan.paths for scan in stack])
    model_files = _visible(stack, diff_ids, overlay, lambda scan: scan.model_files)
    package_files = _visible(stack, diff_ids, overlay, lambda scan: scan.package_files)

    with concurrent.futures.ThreadPoolExecutor(1, "syft") as pool:
        others = pool.submit(_other_packages, package_files, find_syft)
        python = packages.python_distributions(
            package_files, machine=_machine(facts.platform.architecture)
        )
        grouped = models.group([*model_files, *_hard_links(overlay, model_files)], overlay.links())
        other_packages, tools = others.result()

    found = tuple(_with_distribution(model, python.owners) for model in grouped.models)
    return Inspection(
        target=target,
        image=dataclasses.replace(
            facts,
            layers=tuple(
                _layer_facts(layer, scans[layer.diff_id], fresh) for layer in facts.layers
            ),
        ),
        models=found,
        datasets=grouped.datasets,
        packages=_merge_packages(python.packages, other_packages),
        findings=_findings(found, (*grouped.findings, *python.findings)),
        tools=tools,
    )


def _scan_layers(
    image: Image, diff_ids: Sequence[str], cache: ScanCache | None
) -> tuple[dict[str, LayerScan], set[str]]:
    scans: dict[str, LayerScan] = {}
    for diff_id in dict.fromkeys(diff_ids):
        kept = cache.get(diff_id) if cache else None
        if kept is not None:
            try:
                scans[diff_id] = LayerScan.from_json(kept)
            except (KeyError, TypeError, ValueError, zlib.error):
                continue  # an entry of another shape is as good as none
    missing = {diff_id for diff_id in diff_ids if diff_id not in scans}
    if missing:
        for diff_id, scan in image.scan(scan_layer, missing).items():
            scans[diff_id] = scan
            if cache:
                cache.put(diff_id, scan.to_json())
    return scans, missing


def _visible[F: (ModelFile, PackageFile)](
    stack: Sequence[LayerScan],
    diff_ids: Sequence[str],
    overlay: Overlay,
    pick: Callable[[LayerScan], Iterable[F]],
) -> list[F]:
    return [
        dataclasses.replace(file, layer=diff_ids[index])
        for index, scan in enumerate(stack)
        for file in pick(scan)
        if overlay.visible(index, file.path)
    ]
