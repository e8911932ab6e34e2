"""Names of images as people write them: a reference, and where it is to be looked for."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from lading.errors import UsageError
from lading.records import record
from lading_oci.errors import ReferenceInvalid
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from lading_oci.references import Reference

__all__ = ["NamedImage", "Scope", "parse_image"]


class Scope(Enum):
    """Where a name counts."""

    ANY = "any"  # the registry, and the local engine's copy where there is one
    REGISTRY = "registry"
    ENGINE = "engine"


@record
class NamedImage:
    """A parsed IMAGE argument."""

    reference: Reference
    scope: Scope


_PREFIXES = {"registry": Scope.REGISTRY, "docker": Scope.ENGINE}
_OTHER_TARGETS = (
    "oci-dir", "oci-archive", "docker-archive", "dir", "file", "git", "hf", "hf-dataset",
)  # fmt: skip


def parse_image(text: str) -> NamedImage:
    """Parse ``IMAGE``, ``registry:IMAGE`` or ``docker:IMAGE``.

    A port is no prefix: ``registry:5000/x`` is the image ``x`` of the host ``registry``.

    Raises:
        UsageError: a target of another kind, or a path.
        ReferenceInvalid: not a reference.
    """
    prefix, colon, rest = text.partition(":")
    is_port = rest.partition("/")[0].isdigit() and "/" in rest
    if colon and not is_port:
        if prefix in _PREFIXES:
            return NamedImage(parse_reference(rest), _PREFIXES[prefix])
        if prefix in _OTHER_TARGETS:
            raise UsageError(
                f"This verb takes images, not {prefix}: targets",
                got=text,
                wanted="IMAGE, registry:IMAGE or docker:IMAGE",
            )
        word = prefix.replace("-", "").replace("_", "")
        if word.isalpha() and word.isascii() and "/" in rest and rest[0] not in "/0123456789":
            raise _unknown_prefix(text, prefix)
    try:
        return NamedImage(parse_reference(text), Scope.ANY)
    except ReferenceInvalid:
        from lading.image import refuse_path  # no reference begins as paths do

        refuse_path(text)
        raise


def _unknown_prefix(text: str, prefix: str) -> UsageError:
    """Return the error that nothing begins so: what follows a host is a port, an image's a tag."""
    import difflib

    known = (*_PREFIXES, *_OTHER_TARGETS)
    close = difflib.get_close_matches(prefix.lower().replace("_", "-"), known, n=1, cutoff=0.5)
    return UsageError(
        "No target begins like this",
        got=text,
        wanted=None if close else f"IMAGE, or one of {', '.join(known)} before the colon",
        hint=f"Did you mean {close[0]}:{text.partition(':')[2]}?" if close else None,
    )
