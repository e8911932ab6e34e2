"""One protocol for everything that keeps manifests and blobs: a registry's repository, a layout.

Specifications: OCI image-spec 1.1 (descriptor, manifest, layout), OCI distribution-spec 1.1
(pull, push, referrers, the referrers tag schema).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from lading_oci.records import fresh, record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

__all__ = ["Attached", "Descriptor", "Manifest", "Repository"]


@record
class Descriptor:
    """OCI image-spec, descriptor.md. ``size`` in bytes; ``digest`` as ``algorithm:hex``."""

    media_type: str
    digest: str
    size: int
    artifact_type: str | None = None
    annotations: Mapping[str, str] = fresh(default_factory=dict)
    platform: Mapping[str, Any] | None = None
    data: bytes | None = None


@record
class Manifest:
    """A manifest or index: its bytes, verified against ``descriptor.digest``."""

    descriptor: Descriptor
    content: bytes

    def json(self) -> dict[str, Any]:
        """Return the parsed object; duplicate keys and non-objects are refused.

        Raises:
            MalformedError: the bytes are not one JSON object.
        """
        from lading_oci.jsontext import parse_object

        return parse_object(self.content)


@record
class Attached:
    """A referrer that was pushed, or that was there already (``existed``)."""

    descriptor: Descriptor
    blob: Descriptor
    existed: bool
    fallback: bool  # the referrers tag had to be written


class Repository(Protocol):
    """One repository: in a registry (``Registry…``) or an OCI image layout directory.

    Every method raises :class:`lading_oci.errors.OciError` and nothing else for what goes wrong
    outside. ``reference`` is a tag or a digest within this repository.
    """

    @property
    def name(self) -> str:
        """Human-readable location, e.g. ``ghcr.io/acme/svc`` or ``oci-dir:/path``."""
        ...

    def resolve(self, reference: str) -> Descriptor:
        """Return the descriptor of a tag or digest; one HEAD, or one GET where HEAD lies."""
        ...

    def manifest(self, reference: str) -> Manifest:
        """Return a manifest, at most ``manifest`` bytes, verified against a digest reference."""
        ...

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream that verifies size and digest: its last read raises when they differ.

        The caller closes it.
        """
        ...

    def read_blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """Return a whole verified blob of at most ``limit`` bytes."""
        ...

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Say whether the blob is there already."""
        ...

    def push_blob(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob unless it is there; return whether bytes were sent.

        ``source`` opens a new stream at each call, so that a broken upload can be repeated.
        ``mount_from`` names a repository of the same registry that has it.
        """
        ...

    def send_blob(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob that is known not to be there; otherwise as :meth:`push_blob`."""
        ...

    def push_manifest(
        self, content: bytes, media_type: str, *, tag: str | None = None
    ) -> Descriptor:
        """Store a manifest by digest, or under a tag as well; registers it as a referrer too.

        A manifest with a ``subject`` is a referrer: when the answer carries no ``OCI-Subject``
        header, the referrers tag is merged, read back and retried (distribution-spec, "Pushing
        Manifests with Subject").
        """
        ...

    def referrers(
        self, digest: str, *, artifact_type: str | None = None, exhaustive: bool = False
    ) -> list[Descriptor]:
        """Return all referrers of a digest, API and fallback tag merged, newest first.

        The tag is read where there is no API, where the API knows nothing of the wanted kind,
        and always when ``exhaustive``. ``artifact_type`` filters on our side, never trusting the
        server's filter. Annotations and artifact types are hints by whoever wrote them.
        """
        ...

    def attach(
        self,
        subject: Descriptor,
        blob: bytes,
        *,
        artifact_type: str,
        blob_media_type: str,
        annotations: Mapping[str, str],
    ) -> Attached:
        """Push ``blob`` and a referrer manifest of ``subject`` that has it as its only layer.

        Idempotent: the same blob with the same artifact type on the same subject leaves one.
        The empty config descriptor carries its data; ``org.opencontainers.image.created`` is
        the caller's (it is part of ``annotations``).
        """
        ...

    def together(self) -> AbstractContextManager[None]:
        """Return a context whose writes may become lasting, and visible to others, at its end.

        One thread's. When an exception ends it, some of them may not have been made.
        """
        ...

    def tags(self) -> list[str]:
        """Return the repository's tags, all pages."""
        ...
