"""``oci-dir:`` and ``oci-archive:``, OCI image layouts as directories and in tars."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from lading.errors import InputError, LimitError
from lading.image.archive import ArchiveFile
from lading.image.blobs import ArchiveBlobs, Blobs, RepositoryBlobs
from lading.image.documents import json_object
from lading.image.oci import OciImage, choose_manifest, image_manifests
from lading.limits import LIMITS
from lading_oci.errors import LimitExceeded, OciError
from lading_oci.layout import Layout
from lading_oci.manifests import parse_descriptor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from lading.image.interface import Entry
    from lading.inventory import Platform
    from lading_oci.interface import Descriptor

__all__ = ["LayoutImage", "open_oci_archive", "open_oci_directory"]

T = TypeVar("T")

_INDEX = "index.json"
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")


def open_oci_directory(
    path: Path, reference: str | None = None, platform: Platform | None = None
) -> LayoutImage:
    """Open an image in a layout directory.

    Args:
        path: the directory.
        reference: tag, name or digest; may be left out when there is only one image.
        platform: which, when there are several.

    Raises:
        InputError: it is no layout, is damaged, or which image is meant is not clear.
    """
    try:
        with (path / _INDEX).open("rb") as file:
            index = file.read(LIMITS.image_manifest + 1)
    except OSError as error:
        raise InputError(
            "this is no OCI layout", where=str(path), got=error.strerror, wanted=_INDEX
        ) from None
    return _open(RepositoryBlobs(Layout(path)), index, "oci-dir", reference, platform)


def open_oci_archive(
    path: Path, reference: str | None = None, platform: Platform | None = None
) -> LayoutImage:
    """Open an image in a layout in a tar; see :func:`open_oci_directory`."""
    archive = ArchiveFile(path)
    try:
        index = archive.document(_INDEX, LIMITS.image_manifest)
        if index is None:
            raise InputError(
                "this is no OCI archive",
                where=str(path),
                wanted=_INDEX,
                hint="what docker save before engine 25 wrote is opened with docker-archive:",
            )
        return _open(ArchiveBlobs(archive), index, "oci-archive", reference, platform)
    except BaseException:
        archive.close()
        raise


def _open(
    blobs: Blobs, index: bytes, how: str, reference: str | None, platform: Platform | None
) -> LayoutImage:
    where = blobs.name
    with _as_input():
        entries = json_object(index, _INDEX, where).get("manifests")
        if not isinstance(entries, list):
            raise InputError(f"{_INDEX} lists no manifests", where=where)
        listed = [parse_descriptor(entry, where=where) for entry in entries]
        chosen = choose_manifest(blobs, _meant(listed, reference, where), platform)
        name = f"{how}:{where.removeprefix(how + ':')}"
        return LayoutImage(blobs, chosen, name=name, how=how, platform=platform)


def _meant(listed: list[Descriptor], reference: str | None, where: str) -> list[Descriptor]:
    """Return the entries of ``index.json`` that are the image which is meant."""
    if reference is not None:
        found = [entry for entry in listed if reference in {entry.digest, *_names(entry)}]
        if found:
            return found
        problem = "no such image here"
    else:
        found = image_manifests(listed)
        if len({frozenset(_names(entry)) for entry in found}) <= 1:
            return found
        problem = "which image of the layout is meant is not clear"
    names = sorted({name for entry in listed for name in _names(entry)})
    raise InputError(
        problem,
        where=where,
        got=", ".join(names)[:1000] or None,
        wanted=reference or "one image",
        hint="name one: PATH:TAG or PATH@sha256:…",
    )


def _names(entry: Descriptor) -> list[str]:
    return [entry.annotations[key] for key in _NAMES if key in entry.annotations]


@contextmanager
def _as_input() -> Iterator[None]:
    """Say of files on disk that the input is bad, not that a registry failed."""
    try:
        yield
    except OciError as error:
        kind = LimitError if isinstance(error, LimitExceeded) else InputError
        raise kind(
            error.what, where=error.where, got=error.got, wanted=error.wanted, hint=error.hint
        ) from error


class LayoutImage(OciImage):
    """An image in a layout on this machine."""

    def scan(
        self, scan: Callable[[Iterator[Entry]], T], diff_ids: Collection[str]
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`."""
        with _as_input():
            return super().scan(scan, diff_ids)
