"""Image sources: engine, registry, OCI layout, archive, directory; all give layers of entries.

:func:`open_image` understands a user's target. Layers are read in one pass, nothing of them is
written anywhere, memory does not grow with them, and everything in them is taken as hostile.
"""

from __future__ import annotations

from lading.errors import EngineError, InputError, RegistryError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lading.engine.client import Engine
    from lading.image.interface import Image
    from lading.inventory import Platform
    from lading_oci.interface import Repository
    from lading_oci.references import Reference

    #: Gives the repository of a reference; the caller closes it after the image.
    RepositoryOpener = Callable[[Reference], Repository]

__all__ = [
    "IMAGE_PREFIXES",
    "PATH_HINT",
    "is_path",
    "means_path",
    "open_every",
    "open_image",
    "refuse_path",
    "split_target",
]

IMAGE_PREFIXES = ("docker", "registry", "oci-dir", "oci-archive", "docker-archive", "dir")
PATH_HINT = (
    "A directory or file needs a prefix: dir:, file:, oci-dir:, oci-archive:, docker-archive:."
)


def means_path(text: str) -> bool:
    """Say whether a text begins as paths do, and names of images and registries do not."""
    return text.startswith((".", "/", "~"))


def is_path(target: str) -> bool:
    """Say whether a target without a prefix means, or happens to be, something on the disk."""
    from pathlib import Path  # not for those who only read tars

    return means_path(target) or Path(target).exists()


def refuse_path(name: str) -> None:
    """Refuse a path in the place of an image's name.

    Raises:
        UsageError: it means a path.
    """
    if means_path(name):
        raise UsageError("This is no image's name", got=name, hint=PATH_HINT)


def split_target(target: str) -> tuple[str | None, str]:
    """Return a target's prefix, when it has one of :data:`IMAGE_PREFIXES`, and the rest."""
    prefix, colon, rest = target.partition(":")
    return (prefix, rest) if colon and prefix in IMAGE_PREFIXES else (None, target)


def open_image(
    target: str,
    *,
    platform: Platform | str | None = None,
    engine: Engine | None = None,
    repository_opener: RepositoryOpener | None = None,
    lower_layers: bool = False,
) -> Image:
    """Open an image by its target; a bare name is looked for in the engine, then its registry.

    Args:
        target: ``NAME``, ``docker:NAME``, ``registry:NAME``, ``oci-dir:PATH[:TAG]``,
            ``oci-archive:PATH[:TAG]``, ``docker-archive:PATH[:NAME]`` or ``dir:PATH``.
        platform: which, where there are several; ``linux/arm64``.
        engine: one that is connected already; None connects when an engine is needed.
        repository_opener: how to reach registries; None: not at all.
        lower_layers: what higher layers hide is asked for, too: an engine's layers are then read
            in ways that tell opaque directories, however slow.

    Raises:
        EngineError: the engine is needed and is not there, or does not have the image.
        InputError: what is there is not what the prefix says, or not for the platform.
        RegistryError: the image is nowhere.
        UsageError: the target or the platform cannot be meant.
        OciError: the registry does not give the image.
    """
    from lading.image.platforms import parse_platform

    wanted = parse_platform(platform) if isinstance(platform, str) else platform
    prefix, rest = split_target(target)
    if not rest:
        raise UsageError("a target names nothing", got=target)
    if prefix == "docker":
        return _from_engine(rest, wanted, engine, lower_layers)
    if prefix == "registry":
        return _from_registry(rest, wanted, repository_opener)
    if prefix == "dir":
        from pathlib import Path

        from lading.image.plain import DirectoryImage

        return DirectoryImage(Path(rest), wanted)
    if prefix is not None:
        return _from_file(prefix, rest, wanted)
    return _from_anywhere(target, wanted, engine, repository_opener, lower_layers)


def _from_engine(
    name: str, platform: Platform | None, engine: Engine | None, lower_layers: bool
) -> Image:
    from lading.engine.client import Engine as Client
    from lading.image.docker import EXACT_WAYS, WAYS, DockerImage

    connected = engine or Client.connect()
    ways = EXACT_WAYS if lower_layers else WAYS
    try:
        return DockerImage(
            connected, name, platform=platform, ways=ways, close_engine=engine is None
        )
    except BaseException:
        if engine is None:
            connected.close()
        raise


def _from_registry(name: str, platform: Platform | None, opener: RepositoryOpener | None) -> Image:
    from lading.image.registry import open_registry_image
    from lading_oci.references import parse_reference

    reference = parse_reference(name)
    if opener is None:
        raise UsageError("registries cannot be asked here", got=name)
    return open_registry_image(opener(reference), reference, platform)


def _refuse_prefix(name: str) -> None:
    """Refuse what begins like a target of some other kind, and is no image's name.

    Raises:
        UsageError: it does.
    """
    from lading_oci.errors import ReferenceInvalid
    from lading_oci.references import parse_reference

    try:
        parse_reference(name)
    except ReferenceInvalid:
        prefix, colon, rest = name.partition(":")
        if not colon or not prefix.replace("-", "").isalpha():
            return
        raise UsageError(
            "There is no such kind of target here",
            got=f"{prefix}:",
            wanted=", ".join(f"{one}:" for one in IMAGE_PREFIXES),
            hint=_meant(prefix.lower(), rest),
        ) from None


def _meant(prefix: str, rest: str) -> str | None:
    if prefix in ("hf", "hf-dataset", "git", "file"):
        return "models and data sets are for `lading attest` and `lading verify`"
    if rest.startswith("//"):
        return f"an image's name has no scheme: {rest.lstrip('/')}"
    from difflib import get_close_matches

    close = get_close_matches(prefix, IMAGE_PREFIXES, 1)
    return f"did you mean {close[0]}:{rest}?" if close else None


def _from_anywhere(
    name: str,
    platform: Platform | None,
    engine: Engine | None,
    opener: RepositoryOpener | None,
    lower_layers: bool,
) -> Image:
    """Ask the engine, then the registry; when neither has it, tell what each said."""
    from lading_oci.errors import NotFound, OciError, ReferenceInvalid

    refuse_path(name)
    _refuse_prefix(name)
    try:
        return _from_engine(name, platform, engine, lower_layers)
    except EngineError as error:
        refused = error
    try:
        return _from_registry(name, platform, opener)
    except (UsageError, ReferenceInvalid):
        raise refused from None
    except OciError as error:
        hint = refused.hint if isinstance(error, NotFound) else error.hint
        raise RegistryError(
            "the image is neither in the engine nor in its registry",
            where=name,
            got=f"engine: {refused}; registry: {error}",
            hint=PATH_HINT if is_path(name) else hint,
        ) from error


def _from_file(kind: str, rest: str, platform: Platform | None) -> Image:
    from lading.image.docker_archive import DockerArchive
    from lading.image.layout import open_oci_archive, open_oci_directory

    path, reference = _path_and_reference(rest)
    if not path.exists():
        raise InputError("no such file or directory", where=str(path))
    if kind == "oci-dir":
        return open_oci_directory(path, reference, platform)
    if kind == "oci-archive":
        return open_oci_archive(path, reference, platform)
    return DockerArchive(path, reference, platform)


def open_every(target: str) -> Iterator[Image]:
    """Open what ``oci-dir:`` or ``oci-archive:`` names for each of its platforms, in turn.

    Raises:
        InputError: it is no layout, is damaged, or has no image.
        LimitError: there are too many.
        UsageError: the target cannot be meant.
    """
    from lading.image.layout import open_every as of_layout

    prefix, rest = split_target(target)
    if prefix not in ("oci-dir", "oci-archive") or not rest:
        raise UsageError("a target names nothing", got=target, wanted="oci-dir: or oci-archive:")
    path, reference = _path_and_reference(rest)
    if not path.exists():
        raise InputError("no such file or directory", where=str(path))
    return of_layout(prefix, path, reference)


def _path_and_reference(rest: str) -> tuple[Path, str | None]:
    """Part ``PATH:TAG``, ``PATH:NAME:TAG`` or ``PATH@DIGEST``; a path that exists is one."""
    from pathlib import Path

    for at, character in enumerate(rest):
        if character in ":@" and at and Path(rest[:at]).exists():
            if Path(rest).exists():
                break
            return Path(rest[:at]), rest[at + 1 :]
    return Path(rest), None
