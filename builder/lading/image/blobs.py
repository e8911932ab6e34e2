"""Where the manifests and blobs of an OCI image lie: a repository, or a layout in a tar."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Protocol, cast

from lading.errors import InputError
from lading.limits import LIMITS
from lading_oci.content import VerifyingReader
from lading_oci.errors import NotFound
from lading_oci.mediatypes import is_foreign

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from lading.image.archive import ArchiveFile
    from lading.image.streams import Readable
    from lading_oci.interface import Descriptor, Repository

    _Blobs = Generator[tuple[Descriptor, Readable], None, None]

__all__ = ["ArchiveBlobs", "Blobs", "RepositoryBlobs", "SharedBlobs"]


class Blobs(Protocol):
    """The reading side of what keeps an image; everything it gives is verified by its digest."""

    @property
    def name(self) -> str:
        """Human-readable location."""
        ...

    @property
    def apart(self) -> bool:
        """Whether blobs can be read by several calls as cheaply as by one."""
        ...

    def manifest(self, digest: str) -> bytes:
        """Return a manifest or index."""
        ...

    def document(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a whole small blob."""
        ...

    def blobs(self, descriptors: Collection[Descriptor]) -> _Blobs:
        """Yield each blob once, in the source's order; its last read raises when it is wrong."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


class RepositoryBlobs:
    """A registry's repository or a layout directory."""

    apart = True

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.name = repository.name

    def manifest(self, digest: str) -> bytes:
        """See :class:`Blobs`."""
        return self._repository.manifest(digest).content

    def document(self, descriptor: Descriptor, limit: int) -> bytes:
        """See :class:`Blobs`."""
        return self._repository.read_blob(descriptor, limit=limit)

    def blobs(self, descriptors: Collection[Descriptor]) -> _Blobs:
        """See :class:`Blobs`."""
        for descriptor in descriptors:
            with contextlib.ExitStack() as stack:
                try:
                    stream = stack.enter_context(self._repository.blob(descriptor))
                except NotFound as error:
                    if not is_foreign(descriptor.media_type):
                        raise
                    raise self._elsewhere(descriptor) from error
                yield descriptor, cast("Readable", stream)

    def _elsewhere(self, layer: Descriptor) -> InputError:
        return InputError(
            "a foreign layer is not kept with its image",
            where=self.name,
            got=layer.media_type,
            wanted=layer.digest,
            hint="build or push the image with all its layers: what this one has is not known",
        )

    def close(self) -> None:
        """See :class:`Blobs`; the repository is its owner's to close."""


class ArchiveBlobs:
    """An OCI layout in a tar (image-layout.md)."""

    def __init__(self, archive: ArchiveFile) -> None:
        self._archive = archive
        self.name = archive.where
        self.apart = archive.apart

    def manifest(self, digest: str) -> bytes:
        """See :class:`Blobs`."""
        return self._verified(digest, LIMITS.image_manifest)

    def document(self, descriptor: Descriptor, limit: int) -> bytes:
        """See :class:`Blobs`."""
        return self._verified(descriptor.digest, limit)

    def _verified(self, digest: str, limit: int) -> bytes:
        found = self._archive.document(_path(digest), limit)
        if found is None:
            raise InputError("the archive lacks a blob", where=self.name, wanted=digest)
        got = f"sha256:{hashlib.sha256(found).hexdigest()}"
        if got != digest:
            raise InputError(
                "a blob of the archive is not what its name says",
                where=self.name,
                got=got,
                wanted=digest,
                hint="the archive is damaged or was tampered with: do not use it",
            )
        return found

    def blobs(self, descriptors: Collection[Descriptor]) -> _Blobs:
        """See :class:`Blobs`."""
        wanted = {_path(descriptor.digest): descriptor for descriptor in descriptors}
        for path, source in self._archive.streams(wanted):
            descriptor = wanted[path]
            yield (
                descriptor,
                VerifyingReader(_Uncloseable(source), descriptor, where=f"{self.name}: {path}"),
            )

    def close(self) -> None:
        """See :class:`Blobs`."""
        self._archive.close()


class SharedBlobs:
    """What several images are in, opened once: closed when each share of it is.

    Args:
        blobs: what is shared.
        open_shares: how many shares are not closed yet, of this one and those made of it.
    """

    def __init__(self, blobs: Blobs, open_shares: list[int] | None = None) -> None:
        self._blobs = blobs
        self._open = [0] if open_shares is None else open_shares
        self._open[0] += 1
        self._closed = False
        self.name = blobs.name
        self.apart = blobs.apart

    def share(self) -> SharedBlobs:
        """Return one more share."""
        return SharedBlobs(self._blobs, self._open)

    def manifest(self, digest: str) -> bytes:
        """See :class:`Blobs`."""
        return self._blobs.manifest(digest)

    def document(self, descriptor: Descriptor, limit: int) -> bytes:
        """See :class:`Blobs`."""
        return self._blobs.document(descriptor, limit)

    def blobs(self, descriptors: Collection[Descriptor]) -> _Blobs:
        """See :class:`Blobs`."""
        return self._blobs.blobs(descriptors)

    def close(self) -> None:
        """Give this share back; may be called twice."""
        if self._closed:
            return
        self._closed = True
        self._open[0] -= 1
        if not self._open[0]:
            self._blobs.close()


class _Uncloseable:
    """A stream that the archive owns."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def readinto(self, buffer: memoryview, /) -> int:
        return self._source.readinto(buffer) or 0

    def close(self) -> None:
        """Leave it to the archive."""


def _path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/", 1)
