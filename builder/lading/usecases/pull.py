"""Use case: bring a verified image into the engine, and prove that it is the verified one.

The tag was resolved once, and what was verified is a digest: the engine pulls by that digest, is
asked what it now holds, and only when that is the verified image does it get its name; then the
engine is asked what it calls by that name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from lading.errors import VerificationError
from lading.usecases.digests import config_digest, platform_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lading_oci.interface import Repository
    from lading_oci.references import Reference

__all__ = ["Pulled", "Puller", "pull_verified"]


class Puller(Protocol):
    """An engine, as far as pulling needs it; :class:`lading.engine.client.Engine` is one."""

    def pull(
        self, reference: str, progress: Callable[[Mapping[str, Any]], None] | None = None
    ) -> None:
        """Pull ``name@sha256:…``, or raise EngineError or RegistryError."""
        ...

    def inspect_image(self, name: str) -> dict[str, Any]:
        """Return what the engine holds under a name; ``Id`` is its identity."""
        ...

    def tag(self, image_id: str, repository: str, tag: str) -> None:
        """Give an image a further name."""
        ...


@dataclass(frozen=True, slots=True)
class Pulled:
    """An engine's image that is the verified one; ``name`` is the tag it got, if any."""

    image_id: str
    reference: str
    name: str | None

    def to_json(self) -> dict[str, Any]:
        """Return JSON data for ``pull``'s document."""
        return {"image_id": self.image_id, "reference": self.reference, "name": self.name}


def pull_verified(
    reference: Reference,
    digest: str,
    *,
    repository: Repository,
    engine: Puller,
    progress: Callable[[Mapping[str, Any]], None] | None = None,
) -> Pulled:
    """Pull the verified ``digest`` of ``reference`` and give it the reference's tag, if it has one.

    Of an index the engine chooses its own platform; for another one, ``digest`` is its manifest's
    (some engines keep one image for one digest only).

    Raises:
        VerificationError: ``pulled``: the engine holds something else, and it got no name; or
            something else has the name.
        EngineError, RegistryError: the engine could not pull it.
        OciError: the manifest could not be read.
    """
    pinned = replace(reference, tag=None, digest=digest).familiar()
    engine.pull(pinned, progress)
    image_id = _id(engine, pinned)
    _insist_verified(image_id, pinned, _identities(repository, digest))
    if not reference.tag:
        return Pulled(image_id, pinned, None)
    name = reference.with_tag(reference.tag).familiar()
    engine.tag(image_id, name.rpartition(":")[0], reference.tag)
    if (named := _id(engine, name)) != image_id:
        raise VerificationError(
            "The engine has the image that was verified, and calls another one by its name",
            code="pulled",
            where=name,
            got=named,
            wanted=image_id,
            hint=f"Run it as {pinned}, and find out who else gives names to images there.",
        )
    return Pulled(image_id, pinned, name)


def _insist_verified(image_id: str, pinned: str, identities: Iterable[str]) -> None:
    """Return at the first identity that the engine's image has; the others are not asked for."""
    wanted = []
    for one in identities:
        if one == image_id:
            return
        wanted.append(one)
    raise VerificationError(
        "The engine does not hold the image that was verified, and it was given no name",
        code="pulled",
        where=pinned,
        got=image_id,
        wanted=" or ".join(wanted)[:400],
        hint=f"Remove it with `docker rmi {pinned}`, and look into the engine.",
    )


def _id(engine: Puller, name: str) -> str:
    return str(engine.inspect_image(name).get("Id"))


def _identities(repository: Repository, digest: str) -> Iterator[str]:
    """Yield what an engine can call the image: by its store, the configuration or the manifest."""
    for manifest in platform_manifests(repository, digest):
        config = config_digest(repository, manifest)
        if config is not None:
            yield config
        yield manifest
    yield digest
