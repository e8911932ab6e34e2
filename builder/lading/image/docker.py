"""An image in a Docker engine, read by the cheapest way that this machine allows."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from lading.errors import EngineError
from lading.image.docker_ways import from_archive, from_directories, from_save, layer_directories
from lading.image.documents import checked_digest, make_facts, read_config
from lading.image.interface import nothing
from lading.image.platforms import fits
from lading_oci.errors import ReferenceInvalid
from lading_oci.mediatypes import INDEXES
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from lading.engine.client import Engine
    from lading.image.interface import Done, Entry
    from lading.inventory import ImageFacts, Platform

__all__ = ["ARCHIVE", "DIRECTORIES", "EXACT_WAYS", "SAVE", "WAYS", "DockerImage"]

T = TypeVar("T")

# The steps whose layers may have no bytes, as the classic builder and BuildKit write them.
_WORKDIR = re.compile(r"(?:/bin/sh -c #\(nop\) +)?WORKDIR ")
_WORKING = re.compile(
    r"(?:/bin/sh -c #\(nop\) +)?(?:COPY|ADD) |RUN |(?:\|\d+ .*)?/bin/sh -c (?!#\(nop\))", re.DOTALL
)
_ANY = re.compile(f"{_WORKDIR.pattern}|{_WORKING.pattern}", re.DOTALL)

DIRECTORIES, ARCHIVE, SAVE = "directories", "archive", "save"
WAYS = (DIRECTORIES, ARCHIVE, SAVE)
#: Those that tell opaque directories, and so all that a layer hides.
EXACT_WAYS = (DIRECTORIES, SAVE)


class DockerImage:
    """An image that an engine has; satisfies :class:`lading.image.interface.Image`.

    Args:
        engine: where it is.
        name: as the engine knows it: a name, an ID or a digest.
        platform: which platform must be what the engine has; None takes what it has.
        ways: which ways to the layers may be gone (:data:`WAYS`); the first that is open is.
        close_engine: the engine is closed with the image.

    Raises:
        EngineError: no such image, not for that platform, or no answer.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        *,
        platform: Platform | None = None,
        ways: Sequence[str] = WAYS,
        close_engine: bool = False,
    ) -> None:
        self._engine = engine
        self.ways = tuple(ways)
        self._close_engine = close_engine
        self._inspected = engine.inspect_image(name)
        self._id = str(self._inspected.get("Id", ""))
        steps = _layer_steps(engine.history(self._id), _layers(self._inspected))
        self._facts = _facts(name, self._inspected, steps)
        sizes = [step.get("Size") for step in steps]
        self._sizes = [size if isinstance(size, int) else 0 for size in sizes]
        self._container: str | None = None
        self._creating = threading.Lock()
        self._how: str | None = None
        if platform is not None and not fits(self._facts.platform, platform):
            raise EngineError(
                "the engine has the image for another platform",
                where=name,
                got=str(self._facts.platform),
                wanted=str(platform),
                hint="pull it with --platform, or name the registry's: registry:" + name,
            )

    @property
    def facts(self) -> ImageFacts:
        """What the engine says about the image."""
        return self._facts

    @property
    def how(self) -> str | None:
        """The way that the last scan took, of :data:`WAYS`; None before the first."""
        return self._how

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`."""
        every = [layer.diff_id for layer in self._facts.layers]
        sizes = dict(zip(every, self._sizes or [0] * len(every), strict=True))
        wanted = [diff_id for diff_id in sizes if diff_id in set(diff_ids)]
        wanted.sort(key=sizes.__getitem__)
        if not wanted:
            return {}
        directories: Mapping[str, str] = {}
        if self.ways != (SAVE,):
            directories = layer_directories(self._engine, self._inspected, every)
        for way in self.ways:
            self._how = way
            found: Mapping[str, T] | None
            if way == DIRECTORIES:
                found = from_directories(self._engine, directories, scan, wanted, done)
            elif way == ARCHIVE:
                found = from_archive(self._engine, self._id, directories, scan, wanted, done)
            else:
                found = from_save(self._engine, self._id, every, scan, wanted, done)
            if found is not None:
                return found
        self._how = None
        raise EngineError(
            "the engine's layers cannot be read in the ways that are allowed",
            where=self._facts.name,
            got=", ".join(self.ways),
        )

    # -- the merged view -----------------------------------------------------------------------

    def _created(self) -> str:
        with self._creating:  # readers beside each other may ask at once
            if self._container is None:
                self._container = self._engine.create_container(self._id)
            return self._container

    def exists(self, path: str) -> bool:
        """See :class:`lading.image.interface.Image`; one request."""
        return self._engine.exists(self._created(), "/" + path)

    def close(self) -> None:
        """See :class:`lading.image.interface.Image`."""
        container, self._container = self._container, None
        try:
            if container is not None:
                self._engine.remove_container(container)
        finally:
            if self._close_engine:
                self._engine.close()

    def __enter__(self) -> DockerImage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _facts(name: str, inspected: Mapping[str, Any], steps: list[dict[str, Any]]) -> ImageFacts:
    """Turn ``GET /images/NAME/json``, and the steps that made its layers, into facts."""
    config = read_config(
        {
            "os": inspected.get("Os"),
            "architecture": inspected.get("Architecture"),
            "variant": inspected.get("Variant"),
            "created": inspected.get("Created"),
            "config": inspected.get("Config"),
            "rootfs": {"diff_ids": _layers(inspected)},
            "history": [{"created_by": step.get("CreatedBy")} for step in steps],
        },
        name,
    )
    image_id = checked_digest(inspected.get("Id"), "the image's ID", name)
    listed = inspected.get("RepoDigests")
    digests = [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
    shown, repository = _name(name, image_id)
    pushed = (item.partition("@") for item in digests)
    manifest = next((digest for where, _, digest in pushed if _name(where)[1] == repository), None)
    index = None
    described = inspected.get("Descriptor")
    contained = isinstance(described, dict) and described.get("digest") == image_id
    if contained:
        # the containerd store: the ID is the manifest's or the index's, the config's is not told
        is_index = isinstance(described, dict) and described.get("mediaType") in INDEXES
        manifest, index = (None, image_id) if is_index else (image_id, None)
    return make_facts(
        shown,
        config,
        config_digest="" if contained else image_id,
        manifest_digest=manifest if repository or contained else None,
        index_digest=index,
        repo_digests=digests,
    )


def _layers(inspected: Mapping[str, Any]) -> Any:
    """Return what should be the list of the layers' diff IDs, unchecked."""
    rootfs = inspected.get("RootFS")
    return (rootfs.get("Layers") if isinstance(rootfs, dict) else 0) or []


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


def _layer_steps(steps: list[dict[str, Any]], layers: Any) -> list[dict[str, Any]]:
    """Return the engine's steps that made ``layers``, lowest first; none where that is not clear.

    The engine does not say which steps did. All that have bytes; where those are too few, commands
    and copies that brought none, too (``RUN rm``), or a ``WORKDIR``, whose layer may be empty.
    """
    if not isinstance(layers, list):
        return []
    for pattern in (None, _WORKING, _WORKDIR, _ANY):
        found = [
            step
            for step in steps[::-1]
            if step.get("Size") or (pattern and pattern.match(str(step.get("CreatedBy"))))
        ]
        if len(found) == len(layers):
            return found
    return []
