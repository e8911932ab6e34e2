"""Platforms: parsed, compared as registries mean them, and chosen among (image-index.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lading.errors import InputError, LimitError, UsageError
from lading.inventory import Platform
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "choose",
    "default_platform",
    "fits",
    "parse_platform",
    "read_platform",
    "too_deep",
    "too_many_platforms",
]

T = TypeVar("T")

# how the field writes one architecture: what uname or older tools call it → its name and variant
_ALIASES = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "i386": ("386", None),
    "i686": ("386", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
}
_DEFAULT_VARIANTS = {"arm64": "v8", "arm": "v7", "amd64": "v1"}
_MOST_PARTS = 3


def parse_platform(text: str) -> Platform:
    """Return ``os/architecture[/variant]``, or an architecture alone on Linux, normalised.

    Raises:
        UsageError: it is something else.
    """
    parts = text.lower().split("/")
    if len(parts) == 1:
        parts = ["linux", *parts]
    if len(parts) > _MOST_PARTS or not all(part.isalnum() or "_" in part for part in parts):
        raise UsageError(
            "this is no platform", got=text, wanted="os/architecture, e.g. linux/arm64"
        )
    architecture, variant = _ALIASES.get(parts[1], (parts[1], None))
    return Platform(parts[0], architecture, parts[2] if len(parts) == _MOST_PARTS else variant)


def read_platform(document: Mapping[str, Any] | None) -> Platform | None:
    """Return the platform of a descriptor or a configuration; None when it has none."""
    if document is None:
        return None
    os, architecture = document.get("os"), document.get("architecture")
    variant = document.get("variant")
    if not isinstance(os, str) or not isinstance(architecture, str):
        return None
    return Platform(os, architecture, variant if isinstance(variant, str) and variant else None)


def default_platform() -> Platform:
    """Return what images run here: Linux (in a virtual machine if need be) on this processor."""
    import platform as machine  # most images are asked for as they are

    return parse_platform(f"linux/{machine.machine() or 'amd64'}")


def fits(found: Platform, wanted: Platform) -> bool:
    """Say whether an image for ``found`` is one for ``wanted``; no variant means the usual one."""
    same = (found.os, found.architecture) == (wanted.os, wanted.architecture)
    return same and (wanted.variant is None or _variant(found) == _variant(wanted))


def _variant(platform: Platform) -> str | None:
    return platform.variant or _DEFAULT_VARIANTS.get(platform.architecture)


def choose(found: Sequence[tuple[Platform | None, T]], wanted: Platform | None, *, where: str) -> T:
    """Return the one for ``wanted``; without it the only one, else this machine's.

    One that does not tell its platform fits any. Where several fit, one of the usual variant
    goes first.

    Raises:
        InputError: none fits; or several do not tell, so that any would be a guess.
    """
    told = [(platform, item) for platform, item in found if platform is not None]
    if len(found) == 1 and (not told or wanted is None):
        return found[0][1]
    target = wanted or default_platform()
    fitting = [(platform, item) for platform, item in told if fits(platform, target)]
    if fitting:
        usual = [item for platform, item in fitting if _variant(platform) == _variant(target)]
        return (usual or [item for _, item in fitting])[0]
    if not found:
        raise InputError("there is no image", where=where, wanted=str(target))
    names = ", ".join(sorted({str(platform) for platform, _ in told}))
    got = names or f"{len(found)} manifests that do not tell their platform"
    raise InputError(
        "there is no image for the platform" if names else "it is not clear which image is meant",
        where=where,
        got=got[:1000],
        wanted=str(target),
        hint="choose one with --platform" if names else None,
    )


def too_deep(where: str) -> LimitError:
    """Return the error for indexes within indexes within indexes."""
    return LimitError(
        "image indexes are nested too deeply",
        where=where,
        wanted=f"at most {LIMITS.image_index_depth} levels",
    )


def too_many_platforms(where: str) -> LimitError:
    """Return the error for an image of more manifests than are looked at."""
    return LimitError(
        "the image has too many platforms",
        where=where,
        wanted=f"at most {LIMITS.image_platforms} manifests",
        hint="choose one with --platform",
    )
