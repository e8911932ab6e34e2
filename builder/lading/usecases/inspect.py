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
from lading.inventory import Fact, Finding, Inspection, Level, Origin
from lading.models.vocabulary import LICENSE
from lading.packages import SyftResult
from lading.packages.rules import is_evidence, is_python
from lading.usecases.layer_scan import LayerScan, scan_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from lading.image.interface import Image
    from lading.inventory import LayerFacts, Model, ModelFile, Package, PackageFile
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
    model_files = [*_visible_model_files(stack, diff_ids, overlay)]
    package_files = [*_visible_package_files(stack, diff_ids, overlay)]

    links = overlay.links()
    with concurrent.futures.ThreadPoolExecutor(1, "syft") as pool:
        pending = pool.submit(_other_packages, package_files, links, find_syft)
        python = packages.python_distributions(
            package_files, machine=facts.platform.architecture, system=facts.platform.os
        )
        grouped = models.group(model_files, links)
        others = pending.result()

    shipped = {package.purl: package for package in python.packages}
    found = tuple(_with_distribution(model, python.owners, shipped) for model in grouped.models)
    return Inspection(
        target=target,
        image=dataclasses.replace(
            facts,
            layers=tuple(
                _layer_facts(layer, scans[layer.diff_id], fresh=layer.diff_id in fresh)
                for layer in facts.layers
            ),
        ),
        models=found,
        datasets=grouped.datasets,
        packages=(*python.packages, *others.packages),
        findings=_findings(found, (*grouped.findings, *python.findings, *others.findings)),
        tools=(others.tool,) if others.tool else (),
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


def _visible_model_files(
    stack: Sequence[LayerScan], diff_ids: Sequence[str], overlay: Overlay
) -> Iterator[ModelFile]:
    """Yield what a container sees; a hard link is a file of its own, wherever its bytes lie."""
    known = {
        (index, file.path): file for index, scan in enumerate(stack) for file in scan.model_files
    }
    for (index, path), file in known.items():
        if overlay.visible(index, path):
            yield dataclasses.replace(file, layer=diff_ids[index])
    for (index, path), source in overlay.hard_links().items():
        if source in known:
            yield dataclasses.replace(known[source], path=path, layer=diff_ids[index])


def _visible_package_files(
    stack: Sequence[LayerScan], diff_ids: Sequence[str], overlay: Overlay
) -> Iterator[PackageFile]:
    known = {
        (index, file.path): file for index, scan in enumerate(stack) for file in scan.package_files
    }
    for (index, path), file in known.items():
        if overlay.visible(index, path):
            yield dataclasses.replace(file, layer=diff_ids[index])


def _other_packages(
    files: Sequence[PackageFile], links: Mapping[str, str], find_syft: Callable[[], Syft]
) -> SyftResult:
    if all(is_python(file.path) or not is_evidence(file.path) for file in files):
        return SyftResult()
    return packages.os_packages(files, syft=find_syft(), links=links)


def _with_distribution(
    model: Model, owners: Mapping[str, str], shipped: Mapping[str, Package]
) -> Model:
    """Say which Python distribution ships a model; without a licence of its own it has that one's.

    The distribution is the owner of the model's first owned file.
    """
    owner = next((owners[file.path] for file in model.files if file.path in owners), None)
    if owner is None:
        return model
    facts = dict(model.facts)
    package = shipped.get(owner)
    if package and package.licenses and LICENSE not in facts:
        licence = " AND ".join(package.licenses)
        facts[LICENSE] = Fact(licence, Origin.DECLARED, f"{owner}: its own metadata")
    return dataclasses.replace(model, distribution=owner, facts=facts)


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
