"""``oci-dir:`` and ``oci-archive:``, OCI image layouts as directories and in tars."""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from lading.errors import InputError, LimitError
from lading.image.archive import ArchiveFile
from lading.image.beside import for_two, two_at_once
from lading.image.blobs import ArchiveBlobs, Blobs, RepositoryBlobs, SharedBlobs
from lading.image.documents import json_object
from lading.image.interface import nothing
from lading.image.layers import TAMPERED
from lading.image.oci import OciImage, choose_manifest, every_manifest, image_manifests
from lading.image.saved import MANIFEST
from lading.limits import LIMITS
from lading_oci.errors import IntegrityError, LimitExceeded, OciError, ReferenceInvalid
from lading_oci.layout import Layout
from lading_oci.manifests import parse_descriptor
from lading_oci.references import parse_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from lading.image.beside import Together
    from lading.image.interface import Done, Entry
    from lading.image.oci import Chosen
    from lading.image.streams import Readable
    from lading.inventory import Platform
    from lading_oci.interface import Descriptor

__all__ = ["LayoutImage", "open_every", "open_oci_archive", "open_oci_directory"]

T = TypeVar("T")
_Named: TypeAlias = "tuple[Chosen, str | None]"  # an image's manifest, and what it is called

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
    return _open(*_directory(path), "oci-dir", reference, platform)


def open_oci_archive(
    path: Path, reference: str | None = None, platform: Platform | None = None
) -> LayoutImage:
    """Open an image in a layout in a tar; see :func:`open_oci_directory`."""
    return _open(*_archive(path), "oci-archive", reference, platform)


def open_every(how: str, path: Path, reference: str | None = None) -> Iterator[LayoutImage]:
    """Open an image for each of its platforms in turn; whoever takes one closes it.

    ``how`` is ``oci-dir`` or ``oci-archive``; see :func:`open_oci_directory`.
    """
    blobs, index = _directory(path) if how == "oci-dir" else _archive(path)
    shared = SharedBlobs(blobs)  # an archive's index is read from end to end: once is enough
    try:
        with _as_input():
            roots = _roots(shared, index, reference)
            every = every_manifest(shared, roots)
        for chosen in every:
            yield _opened(shared.share(), _always(chosen, _called(roots)), how, None)
    finally:
        shared.close()


def _directory(path: Path) -> tuple[Blobs, bytes]:
    try:
        with (path / _INDEX).open("rb") as file:
            index = file.read(LIMITS.image_manifest + 1)
    except OSError as error:
        raise InputError(
            "this is no OCI layout", where=str(path), got=error.strerror, wanted=_INDEX
        ) from None
    return RepositoryBlobs(Layout(path)), index


def _archive(path: Path) -> tuple[Blobs, bytes]:
    archive = ArchiveFile(path)
    try:
        index = archive.document(_INDEX, LIMITS.image_manifest)
        if index is None:
            raise InputError(
                "this is no OCI archive",
                where=str(path),
                wanted=_INDEX,
                hint="what docker save wrote is opened with docker-archive:"
                if archive.has(MANIFEST)
                else None,
            )
        return ArchiveBlobs(archive), index
    except BaseException:
        archive.close()
        raise


def _open(
    blobs: Blobs, index: bytes, how: str, reference: str | None, platform: Platform | None
) -> LayoutImage:
    def choose(blobs: Blobs) -> _Named:
        roots = _roots(blobs, index, reference)
        return choose_manifest(blobs, roots, platform), _called(roots)

    return _opened(blobs, choose, how, platform)


def _opened(
    blobs: Blobs, choose: Callable[[Blobs], _Named], how: str, platform: Platform | None
) -> LayoutImage:
    """Return the image that ``choose`` finds; the blobs are closed when it is none."""
    place = f"{how}:{blobs.name.removeprefix(how + ':')}"
    try:
        with _as_input():
            chosen, name = choose(blobs)
            return LayoutImage(blobs, chosen, name=name or place, how=how, platform=platform)
    except BaseException:
        blobs.close()
        raise


def _always(chosen: Chosen, name: str | None) -> Callable[[Blobs], _Named]:
    return lambda _: (chosen, name)


def _called(roots: list[Descriptor]) -> str | None:
    """Return the name that the layout has for an image, as an engine would show it.

    A tag alone, which is what most writers of layouts know, is no name.
    """
    for key in reversed(_NAMES):
        for name in sorted(root.annotations.get(key, "") for root in roots):
            if "/" not in name and ":" not in name:
                continue
            with suppress(ReferenceInvalid):
                return parse_reference(name).familiar()
    return None


def _roots(blobs: Blobs, index: bytes, reference: str | None) -> list[Descriptor]:
    where = blobs.name
    entries = json_object(index, _INDEX, where).get("manifests")
    if not isinstance(entries, list):
        raise InputError(f"{_INDEX} lists no manifests", where=where)
    listed = [parse_descriptor(entry, where=where) for entry in entries]
    return _meant(listed, reference, where)


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
        got=f"images named {', '.join(names)[:1000]}" if names else "no names",
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
        hint = TAMPERED if isinstance(error, IntegrityError) else error.hint
        raise kind(
            error.what, where=error.where, got=error.got, wanted=error.wanted, hint=hint
        ) from error


class LayoutImage(OciImage):
    """An image in a layout on this machine."""

    def scan(
        self,
        scan: Callable[[Iterator[Entry]], T],
        diff_ids: Collection[str],
        done: Done[T] = nothing,
    ) -> Mapping[str, T]:
        """See :class:`lading.image.interface.Image`."""
        with _as_input():
            return super().scan(scan, diff_ids, done)

    def _each(
        self, work: Callable[[str, Readable], T], blobs: Collection[Descriptor]
    ) -> Iterator[tuple[str, T]]:
        """Work on two layers beside each other: they come from this machine."""
        if not self._blobs.apart:
            return super()._each(work, blobs)

        by_digest = {blob.digest: blob for blob in for_two(blobs, lambda blob: blob.size)}

        def one(digest: str, together: Together) -> T:
            with closing(self._blobs.blobs([by_digest[digest]])) as found:
                return work(digest, together.stream(next(found)[1]))

        return two_at_once(one, by_digest)
