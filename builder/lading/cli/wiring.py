"""What the verbs share: the real parts behind the use cases' protocols, opened when needed."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from lading.image.interface import Image
    from lading.inventory import Inspection
    from lading.usecases.build import Built
    from lading.usecases.foresee import Foreseeing
    from lading.usecases.locate import Ports
    from lading_oci.interface import Repository
    from lading_oci.references import Reference

__all__ = [
    "RequestCounter",
    "contents_of_name",
    "engine_push",
    "inspect",
    "inspect_all",
    "inspect_layout",
    "inspect_pushed",
    "ports",
    "provenance",
    "repository_opener",
]


class RequestCounter:
    """Counts HTTP exchanges with registries; ``verify --json`` reports them."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, _method: str, _url: str) -> None:
        """Count one."""
        self.count += 1


def repository_opener(
    *, insecure: bool = False, counter: RequestCounter | None = None
) -> Callable[[Reference], Repository]:
    """Return what opens a reference's repository, once per repository."""
    opened: dict[str, Repository] = {}

    def open_repository(reference: Reference) -> Repository:
        from lading_oci.registry import open_registry  # not for images that the engine has

        if reference.name not in opened:
            opened[reference.name] = open_registry(reference, insecure=insecure, on_request=counter)
        return opened[reference.name]

    return open_repository


def inspect(
    target: str,
    *,
    name: str | None = None,
    platform: str | None = None,
    insecure: bool = False,
    all_layers: bool = False,
    cached: bool = True,
    contents: Foreseeing | None = None,
    told: Callable[[], bool] | None = lambda: True,
) -> Inspection:
    """Look inside a TARGET with the layer cache and the newest syft; ``name`` is its other name.

    Without ``cached``, every byte is read again. ``contents`` are those kept of that name, where
    they were read ahead. A terminal is shown what is looked at whenever ``told`` says so.
    """
    from lading.image import open_image

    opener = repository_opener(insecure=insecure)
    image = open_image(target, platform=platform, repository_opener=opener, lower_layers=all_layers)
    return _looked_into(
        image, name or target, all_layers=all_layers, cached=cached, contents=contents, told=told
    )


def inspect_layout(target: str, *, all_layers: bool = False) -> list[Inspection]:
    """Look inside an image in a layout, every platform of it."""
    from lading.image import open_every

    return [
        _looked_into(image, target, all_layers=all_layers, cached=True)
        for image in open_every(target)
    ]


def _looked_into(
    image: Image,
    target: str,
    *,
    all_layers: bool,
    cached: bool,
    contents: Foreseeing | None = None,
    told: Callable[[], bool] | None = lambda: True,
) -> Inspection:
    """Inspect an image with the caches or without, and close it."""
    from contextlib import closing, nullcontext

    from lading.cli.frugal import be_frugal
    from lading.image.cache import LayerCache
    from lading.packages import find_syft
    from lading.usecases.inspect import inspect_image
    from lading.usecases.layer_scan import SCANNER_VERSION
    from lading.usecases.recall import inspect_anew

    be_frugal()
    shown: AbstractContextManager[Image] = nullcontext(image)
    if told is not None and sys.stderr is not None and sys.stderr.isatty():
        from lading.cli.progress import look_progress

        shown = look_progress(image, target, told)
    with closing(image), shown as watched:
        if not cached or os.environ.get("LADING_NO_CACHE"):
            return inspect_image(watched, target, find_syft=find_syft, all_layers=all_layers)
        results = contents or contents_of_name(target)
        return inspect_anew(
            watched,
            target,
            find_syft=find_syft,
            # beside docker, caches were swept beforehand
            cache=LayerCache(None, SCANNER_VERSION, sweeps=contents is None),
            results=results,
            all_layers=all_layers,
            remember=results.remember,
        )


def contents_of_name(name: str) -> Foreseeing:
    """Return what is kept of whole contents, to read those of the last image of ``name`` ahead."""
    from lading.image.cache import LayerCache
    from lading.usecases import foresee, kept

    results, names = (LayerCache(None, one) for one in (kept.VERSION, foresee.VERSION))
    return foresee.Foreseeing(name, results, names)


def inspect_all(
    target: str, *, insecure: bool = False, all_layers: bool = False
) -> list[Inspection]:
    """Look inside an image of a registry or an engine: every platform of it, wherever it is."""
    from functools import partial

    from lading.usecases.digests import platform_manifests
    from lading.usecases.targets import Scope, parse_image
    from lading_oci.errors import OciError

    named = parse_image(target)
    reference, name = named.reference, named.reference.familiar()
    one = partial(inspect, insecure=insecure, all_layers=all_layers)
    pushed = partial(inspect_pushed, insecure=insecure, all_layers=all_layers)
    if named.scope is Scope.REGISTRY:
        return pushed(reference)
    if named.scope is Scope.ANY and not _in_engine(name):
        try:
            return pushed(reference)
        except OciError:
            return [one(target)]  # which tells what each of both said
    inspection = one(f"docker:{name}", name=target)
    digest = inspection.image.manifest_digest
    # Of a containerd store, whose configurations have no digest here, that is this very manifest,
    # and was perhaps never pushed. Of a classic store it is what was pulled: an index, perhaps.
    if digest and inspection.image.config_digest:
        repository = repository_opener(insecure=insecure)(reference)
        if platform_manifests(repository, digest) != (digest,):
            return pushed(reference.with_digest(digest))
    return [inspection]


def _in_engine(name: str) -> bool:
    from lading.errors import EngineError
    from lading.image import open_image

    try:
        open_image(f"docker:{name}").close()
    except EngineError:
        return False
    return True


def inspect_pushed(
    reference: Reference,
    *,
    name: str | None = None,
    insecure: bool = False,
    all_layers: bool = False,
    cached: bool = True,
) -> list[Inspection]:
    """Look inside a registry's image, every platform of it; ``name`` is its other name."""
    from dataclasses import replace

    from lading.usecases.digests import platforms_and_indexes

    shown = name or reference.familiar()
    repository = repository_opener(insecure=insecure)(reference)
    root = repository.resolve(reference.target).digest
    platforms, inner = platforms_and_indexes(repository, root)
    found = []
    for digest in platforms:
        pinned = reference.with_digest(digest)
        one = inspect(
            f"registry:{pinned}",
            name=shown,
            insecure=insecure,
            all_layers=all_layers,
            cached=cached,
        )
        index = root if digest != root else None
        around = tuple(one for one, there in inner.items() if digest in there)
        facts = replace(one.image, index_digest=index, inner_indexes=around)
        found.append(replace(one, image=facts))
    return found


def provenance(built: Built, inspections: Sequence[Inspection]) -> dict[str, Any] | None:
    """Return the provenance of what ``lading build`` built, the engine asked for base images."""
    from lading.engine.probe import engine_image, engine_version
    from lading.usecases.buildkit import read_attestations
    from lading.usecases.provenance import make_provenance

    if built.record is None:
        return None
    images = [one.image for one in inspections]
    index = images[0].index_digest
    return make_provenance(
        built.record,
        images,
        engine=engine_image,
        engine_version=engine_version() if built.record.builder.in_engine else None,
        attested=read_attestations(repository_opener()(built.references[0]), index)
        if index
        else (),
    )


def ports(*, evidence: str | None, insecure: bool, counter: RequestCounter | None = None) -> Ports:
    """Return the real registries, the evidence store and the engine's socket."""
    from lading.engine.probe import engine_image
    from lading.usecases.evidence import open_evidence
    from lading.usecases.locate import Ports

    return Ports(
        registry=repository_opener(insecure=insecure, counter=counter),
        local=lambda: open_evidence(evidence, insecure=insecure),
        engine=engine_image,
    )


def engine_push(reference: Reference) -> str:
    """Push one name of an engine's image; the digest of its manifest comes back."""
    from lading.cli.progress import transfer_progress
    from lading.engine.client import Engine

    name = reference.familiar()
    repository, _, tag = name.rpartition(":")
    with Engine.connect() as engine, transfer_progress("pushing", name) as progress:
        return engine.push(repository, tag, progress)
