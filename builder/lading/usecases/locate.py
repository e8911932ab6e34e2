"""What a name means: the digests it stands for, and where evidence about them can be.

A name can mean two images: the registry's, which a cluster pulls, and the local engine's, which
``docker run`` starts. Both count, so that a yes about one is never taken for the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.errors import EngineError, UsageError
from lading.records import changed, record
from lading.usecases.evidence import anchor_of
from lading.usecases.targets import Scope
from lading_oci.errors import NotFound, OciError, Unauthorized
from lading_oci.references import DOCKER_HUB, parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lading.engine.probe import EngineImage
    from lading.usecases.targets import NamedImage
    from lading_oci.interface import Descriptor, Repository
    from lading_oci.references import Reference

__all__ = ["EVERY_PLATFORM", "Located", "Place", "Ports", "at_platform", "locate"]

EVERY_PLATFORM: Final = "*"


@record
class Ports:
    """How to reach the image's repository, the local store, and what an engine has."""

    registry: Callable[[Reference], Repository]
    local: Callable[[], Repository]
    engine: Callable[[str], EngineImage | None]


@record
class Place:
    """A store, and the digest of the manifest there whose referrers are the evidence."""

    repository: Repository
    subject: str

    def referrers(self, *, exhaustive: bool = False) -> list[Descriptor]:
        """List the evidence, newest first; see :meth:`lading_oci.Repository.referrers`."""
        return self.repository.referrers(self.subject, exhaustive=exhaustive)


@record
class Located:
    """A settled name.

    ``digest`` is what it stands for first of all, ``wanted`` every digest that evidence must
    cover, ``places`` where evidence can be, in order: the first that has any is the one.
    ``platforms`` are the manifests that were asked for besides, of an index's platforms. Where
    no place has any, it was perhaps kept ``apart`` (``--evidence``).
    """

    digest: str
    wanted: frozenset[str]
    places: tuple[Place, ...]
    in_engine: bool
    platforms: tuple[str, ...] = ()
    apart: Callable[[], Place] | None = None

    def everywhere(self) -> Iterator[Place]:
        """Yield every place in order; the last one is opened only for who comes to it."""
        yield from self.places
        if self.apart is not None:
            yield self.apart()

    @property
    def parts(self) -> tuple[frozenset[str], ...]:
        """``wanted`` in parts that one attestation is about: one platform, the engine's copy."""
        platforms = frozenset(self.platforms)
        copies = self.wanted - platforms - {self.digest}
        if not platforms:
            return (self.wanted,)
        parts = [frozenset({self.digest, one}) for one in self.platforms]
        return (*parts, frozenset({self.digest, *copies})) if copies else tuple(parts)


def at_platform(located: Located, platform: str) -> Located:
    """Ask for a platform of a registry's image, too: ``os/arch``, or :data:`EVERY_PLATFORM`.

    Raises:
        UsageError: the image is an engine's, which has one platform; or that is no platform.
        InputError, OciError: the image is not for the platform, or cannot be read.
    """
    from lading.usecases.digests import platform_manifest, platform_manifests

    place = located.places[0]
    if place.subject != located.digest:
        raise UsageError(
            "An image of the engine is for one platform",
            got=located.digest,
            hint="--platform and --all-platforms are about a registry's image: registry:NAME.",
        )
    if platform == EVERY_PLATFORM:
        found = platform_manifests(place.repository, located.digest)
    else:
        found = (platform_manifest(place.repository, located.digest, platform),)
    return changed(located, wanted=located.wanted | {*found}, platforms=found)


def locate(image: NamedImage, ports: Ports) -> Located:
    """Settle a name. A digest means itself; an engine cannot have another image under it.

    Raises:
        EngineError: only an engine is asked, and it has no such image.
        OciError: the registry has no such image, or did not answer.
    """
    reference, scope = image.reference, image.scope
    engine = None
    if scope is Scope.ENGINE or (scope is Scope.ANY and reference.digest is None):
        engine = ports.engine(reference.familiar())
    if scope is Scope.ENGINE and engine is None:
        raise EngineError(
            "The Docker engine has no such image",
            where=reference.familiar(),
            hint="Build or pull it, or look at the registry's image with registry:NAME.",
        )
    found = None
    if scope is not Scope.ENGINE and not _engine_only(reference, engine):
        try:
            found = _in_registry(reference, ports, engine)
        except OciError as error:
            if scope is Scope.ANY and engine is None:
                error.hint = _hint_at_others(reference, error)
            raise
    if found is not None:
        return found
    if engine is None:
        raise AssertionError("a name that no registry has raised before")
    return _in_engine(reference, ports, engine)


def _hint_at_others(reference: Reference, error: OciError) -> str:
    """Say what a name can mean besides a registry's image, when there is none."""
    from lading.image import PATH_HINT, is_path

    name = reference.familiar()
    if is_path(name):
        return PATH_HINT
    short = reference.registry == DOCKER_HUB and reference.digest is None
    hint = error.hint or ""
    if not short:
        return hint
    return f"No Docker engine here has an image of this name. {hint[:1].upper()}{hint[1:]}"


def _engine_only(reference: Reference, engine: EngineImage | None) -> bool:
    """A name without a registry that was never pushed or pulled is this engine's alone."""
    if engine is None or reference.registry != DOCKER_HUB:
        return False
    return not _pushed(reference, engine)


def _pushed(reference: Reference, engine: EngineImage) -> tuple[Reference, ...]:
    """Return under which digests the engine pushed or pulled its image in this repository."""
    known = (parse_reference(text) for text in engine.repo_digests)
    return tuple(one for one in known if one.digest and one.name == reference.name)


def _in_registry(reference: Reference, ports: Ports, engine: EngineImage | None) -> Located | None:
    """Return what the registry has under the name; None when only an engine has it."""
    repository, digest = ports.registry(reference), reference.digest
    if digest is None:
        try:
            digest = repository.resolve(reference.target).digest
        except (NotFound, Unauthorized):
            # Some registries answer 401 for a repository that does not exist: never pushed, then.
            if engine is None or _pushed(reference, engine):
                raise
            return None
    ids = {engine.image_id} if engine else set()
    return Located(
        digest,
        frozenset({digest, *ids}),
        (Place(repository, digest),),
        bool(engine),
        apart=lambda: Place(ports.local(), anchor_of(digest).descriptor.digest),
    )


def _in_engine(reference: Reference, ports: Ports, engine: EngineImage) -> Located:
    """An engine's image: evidence in the local store, else where it was pushed to or came from."""
    anchor = anchor_of(engine.image_id).descriptor.digest
    places = [Place(ports.local(), anchor)]
    places += (Place(ports.registry(one), one.target) for one in _pushed(reference, engine))
    return Located(engine.image_id, frozenset({engine.image_id}), tuple(places), in_engine=True)
