"""Use case: an image with everything attached to it, from one place to another.

A place is a repository of a registry or an OCI layout directory. What is copied is settled once,
by digest: what was verified is what is copied, wherever the tag points meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lading.errors import InputError, UsageError
from lading.usecases.locate import Located, Place
from lading.usecases.targets import Scope, parse_image
from lading_oci.copy import copy_image
from lading_oci.digest import is_digest
from lading_oci.platforms import choose_platform, contained_manifests
from lading_oci.references import is_tag

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading_oci.copy import CopyReport, Progress
    from lading_oci.interface import Repository
    from lading_oci.references import Reference

__all__ = ["Location", "copy", "parse_location", "report_json"]

_LAYOUT = "oci-dir:"


@dataclass(frozen=True, slots=True)
class Location:
    """A SRC or DST: a repository (``reference``) or a layout (``layout``), and what is in it."""

    text: str
    reference: Reference | None
    layout: Path | None
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """``registry/repository``, or the layout's path."""
        return self.reference.name if self.reference else str(self.layout)


def parse_location(text: str) -> Location:
    """Parse ``IMAGE``, ``registry:IMAGE`` or ``oci-dir:PATH[:TAG|@DIGEST]``.

    Raises:
        UsageError: a target of another kind.
        ReferenceInvalid: not a reference.
    """
    if text.startswith(_LAYOUT):
        path, tag, digest = _split(text.removeprefix(_LAYOUT))
        if not path:
            raise UsageError("a layout needs a path", got=text, wanted="oci-dir:PATH[:TAG]")
        return Location(text, None, Path(path), tag, digest)
    image = parse_image(text)
    if image.scope is Scope.ENGINE:
        raise UsageError(
            "An engine's image has no manifest that could be copied",
            got=text,
            wanted="IMAGE, registry:IMAGE or oci-dir:PATH",
            hint="Push and attest it with `lading push`, then copy it.",
        )
    reference = image.reference
    return Location(text, reference, None, reference.tag, reference.digest)


def _split(rest: str) -> tuple[str, str | None, str | None]:
    """Part a path from its tag or digest; a path that exists as it stands has none."""
    if not Path(rest).exists():
        path, at, digest = rest.rpartition("@")
        if at and is_digest(digest):
            return path, None, digest
        path, colon, tag = rest.rpartition(":")
        if colon and is_tag(tag):
            return path, tag, None
    return rest, None, None


def copy(
    source: Location,
    target: Location,
    *,
    open_store: Callable[[Location], Repository],
    platform: str | None = None,
    check: Callable[[Located], object] | None = None,
    progress: Progress | None = None,
) -> CopyReport:
    """Copy what ``source`` names, with everything attached to it, to ``target``.

    The target's tag is its own, else the source's; without either the copy has a digest only.
    ``check`` is called before anything is written, and raises when the image is not to be copied.

    Raises:
        UsageError: the target is named by digest.
        InputError: the source is no layout, or which image of it is meant is not clear.
        OciError: a store failed; repeating continues the copy.
    """
    if target.digest is not None:
        raise UsageError(
            "The target cannot be named by digest: the image keeps its own",
            got=target.text,
            wanted="a tag, or none",
        )
    origin = open_store(source)
    tag = source.tag if source.tag or source.digest else _meant(origin, source)
    digest = source.digest or origin.resolve(str(tag)).digest
    if check is not None:
        examined = _of_platform(origin, digest, platform) if platform else digest
        place = Place(origin, examined)
        check(Located(examined, frozenset({examined}), (place,), in_engine=False))
    return copy_image(
        origin,
        digest,
        open_store(target),
        tag=target.tag or tag,
        platform=platform,
        progress=progress,
    )


def _meant(layout: Repository, source: Location) -> str:
    """Return the tag that goes without saying: ``latest``, or that of a layout's only image."""
    if source.reference is not None:
        return "latest"
    tags = layout.tags()
    if len(tags) == 1:
        return tags[0]
    if source.layout is not None and not (source.layout / "index.json").exists():
        raise InputError("this is no OCI layout", where=source.name, wanted="index.json")
    raise InputError(
        "which image of the layout is meant is not clear",
        where=source.name,
        got=", ".join(tags)[:1000] or "no tag",
        wanted="one image",
        hint="name one: oci-dir:PATH:TAG or oci-dir:PATH@sha256:…",
    )


def _of_platform(store: Repository, digest: str, platform: str) -> str:
    document = store.manifest(digest).json()
    where = f"{store.name}@{digest}"
    if not contained_manifests(document, where=where):
        return digest
    return choose_platform(document, platform, where=where).digest


def report_json(report: CopyReport) -> dict[str, Any]:
    """Return JSON data for ``copy``'s document."""
    return {
        "digest": report.descriptor.digest,
        "tag": report.tag,
        "manifests": [
            {
                "digest": one.descriptor.digest,
                "media_type": one.descriptor.media_type,
                "artifact_type": one.descriptor.artifact_type,
                "size": one.descriptor.size,
                "role": one.role,
                "subject": one.subject,
                "tag": one.tag,
            }
            for one in report.manifests
        ],
        "blobs": {
            "sent": report.blobs_sent,
            "mounted": report.blobs_mounted,
            "existing": report.blobs_existing,
            "bytes_sent": report.bytes_sent,
        },
        "skipped": [{"what": one.what, "because": one.because} for one in report.skipped],
    }
