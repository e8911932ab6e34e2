"""An image in a Docker engine, read by the cheapest way that this machine allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lading.image.documents import checked_digest, make_facts, read_config
from lading.image.saved import read_saved
from lading_oci.errors import ReferenceInvalid
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from lading.engine.client import Engine
    from lading.image.interface import Entry
    from lading.inventory import ImageFacts

__all__ = ["DockerImage"]

T = TypeVar("T")


class DockerImage:
    """An image that an engine has; satisfies :class:`lading.image.interface.Image`.

    Args:
        engine: not closed by the image.
        name: as the engine knows it: a name, an ID or a digest.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._inspected = engine.inspect_image(name)
        self._id = str(self._inspected.get("Id", ""))
        self._facts = _facts(name, self._inspected, engine.history(self._id))
        self._how: str | None = None

    @property
    def facts(self) -> ImageFacts:
        """What the engine says about the image."""
        return self._facts

    @property
    def how(self) -> str | None:
        """The way that the last scan took; None before the first."""
        return self._how

    def scan(
        self, scan: Callable[[Iterator[Entry]], T], diff_ids: Collection[str]
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`."""
        every = [layer.diff_id for layer in self._facts.layers]
        wanted = set(diff_ids) & set(every)
        if not wanted:
            return {}
        self._how = "save"
        with self._engine.save(self._id) as stream:
            return read_saved(stream, scan, diff_ids=every, wanted=wanted, where=self._facts.name)

    def close(self) -> None:
        """See :class:`lading.image.interface.Image`."""


def _facts(name: str, inspected: Mapping[str, Any], history: list[dict[str, Any]]) -> ImageFacts:
    """Turn ``GET /images/NAME/json`` into facts."""
    rootfs = inspected.get("RootFS")
    config = read_config(
        {
            "os": inspected.get("Os"),
            "architecture": inspected.get("Architecture"),
            "variant": inspected.get("Variant"),
            "created": inspected.get("Created"),
            "config": inspected.get("Config"),
            "rootfs": {"diff_ids": (rootfs.get("Layers") if isinstance(rootfs, dict) else 0) or []},
            "history": _history(history),
        },
        name,
    )
    config_digest = checked_digest(inspected.get("Id"), "the image's ID", name)
    listed = inspected.get("RepoDigests")
    digests = [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
    shown, repository = _name(name, config_digest)
    pushed = (item.partition("@") for item in digests)
    manifest = next((digest for where, _, digest in pushed if _name(where)[1] == repository), None)
    return make_facts(
        shown,
        config,
        config_digest=config_digest,
        manifest_digest=manifest if repository else None,
        repo_digests=digests,
    )


def _name(name: str, image_id: str = "") -> tuple[str, str | None]:
    """Return a name as people write it, and its repository; an ID is neither tagged nor named."""
    if image_id.startswith((name, f"sha256:{name}")):
        return image_id, None
    try:
        reference = parse_reference(name)
    except ReferenceInvalid:
        return name, None
    if not reference.tag and not reference.digest:
        reference = reference.with_tag("latest")
    return reference.familiar(), reference.name


def _history(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the engine's history in the order and words of an image configuration.

    The engine does not say which steps made no layer. All steps that have bytes did; where that
    does not account for all layers, ``read_config`` finds the count wrong and tells no commands.
    """
    return [
        {"created_by": step.get("CreatedBy"), "empty_layer": not step.get("Size")}
        for step in reversed(steps)
    ]
