"""Indexes and their parts: which manifest is for which platform, what a manifest consists of.

OCI image-spec 1.1, image-index.md ("platform") and manifest.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lading_oci.errors import LimitExceeded, MalformedError, NotFound
from lading_oci.limits import LIMITS
from lading_oci.manifests import parse_descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading_oci.interface import Descriptor

__all__ = ["choose_platform", "contained_blobs", "contained_manifests", "platform_name"]

#: Variants that mean the same as none (containerd's normalisation).
_DEFAULT_VARIANTS = {"arm64": "v8", "arm": "v7", "amd64": "v1"}
_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm"}


def platform_name(descriptor: Descriptor) -> str | None:
    """Return ``os/architecture[/variant]`` of an index's entry, or None when it says none."""
    platform = descriptor.platform or {}
    parts = [platform.get(key) for key in ("os", "architecture", "variant")]
    texts = [part for part in parts if isinstance(part, str) and part]
    return "/".join(texts) if len(texts) >= 2 else None


def choose_platform(document: Mapping[str, Any], wanted: str, *, where: str) -> Descriptor:
    """Return the entry of an index for ``os/architecture[/variant]``; the first that fits.

    Raises:
        NotFound: there is none; the error names those there are.
        MalformedError: ``document`` is no index.
    """
    entries = contained_manifests(document, where=where)
    for entry in entries:
        name = platform_name(entry)
        if name is not None and _normal(name) == _normal(wanted):
            return entry
    there = sorted({name for entry in entries if (name := platform_name(entry)) is not None})
    raise NotFound(
        "the image is not made for this platform",
        status=404,
        where=where,
        got=", ".join(there)[:300] or "no platform at all",
        wanted=wanted,
    )


def _normal(name: str) -> tuple[str, str, str]:
    system, _, rest = name.lower().partition("/")
    architecture, _, variant = rest.partition("/")
    architecture = _ALIASES.get(architecture, architecture)
    if variant == _DEFAULT_VARIANTS.get(architecture):
        variant = ""
    return system, architecture, variant


def contained_manifests(document: Mapping[str, Any], *, where: str) -> list[Descriptor]:
    """Return the manifests of an index; none of an image manifest.

    Raises:
        MalformedError: the list, or an entry, is none.
        LimitExceeded: there are too many.
    """
    return _descriptors(document.get("manifests", []), where)


def contained_blobs(document: Mapping[str, Any], *, where: str) -> list[Descriptor]:
    """Return config and layers of an image manifest; none of an index.

    Raises:
        MalformedError: one of them is no descriptor.
        LimitExceeded: there are too many.
    """
    config = document.get("config")
    found = [parse_descriptor(config, where=where)] if config is not None else []
    return found + _descriptors(document.get("layers", []), where)


def _descriptors(values: object, where: str) -> list[Descriptor]:
    if not isinstance(values, list):
        raise MalformedError("a list of descriptors is none", where=where)
    if len(values) > LIMITS.descriptors:
        raise LimitExceeded("a manifest has too many parts", where=where)
    return [parse_descriptor(value, where=where) for value in values]
