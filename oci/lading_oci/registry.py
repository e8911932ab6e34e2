"""A repository of a registry (OCI distribution-spec 1.1), for reading and for writing.

Nothing heavy is imported to read: no ``requests``, no ``oras``; even ``http.client`` and ``ssl``
come with the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from lading_oci import mediatypes, referrers
from lading_oci.digest import check_digest, is_digest
from lading_oci.errors import IntegrityError
from lading_oci.jsontext import parse_object
from lading_oci.limits import LIMITS, Limits
from lading_oci.manifests import EMPTY_CONFIG, describe
from lading_oci.reader import RegistryReader
from lading_oci.transport import Transport
from lading_oci.urls import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from lading_oci.credentials import Credential
    from lading_oci.interface import Attached, Descriptor
    from lading_oci.references import Reference
    from lading_oci.uploads import Uploads

__all__ = ["RegistryRepository", "open_registry"]


def open_registry(
    reference: Reference,
    *,
    insecure: bool = False,
    credentials: Credential | Callable[[], Credential | None] | None = None,
    limits: Limits = LIMITS,
    on_request: Callable[[str, str], None] | None = None,
) -> RegistryRepository:
    """Return the repository that a reference names. No request is made.

    ``insecure`` allows plain HTTP to hosts that are not loopback. ``credentials`` replaces the
    search of :func:`lading_oci.credentials.find_credential`. ``on_request`` is called with
    method and URL of every HTTP exchange.
    """

    def find() -> Credential | None:
        if callable(credentials):
            return credentials()
        if credentials is not None:
            return credentials
        from lading_oci.credentials import find_credential  # after a 401 only

        return find_credential(reference.registry, reference.repository)

    transport = Transport(
        reference.api_host,
        credential=find,
        insecure=insecure,
        limits=limits,
        on_request=on_request,
    )
    return RegistryRepository(transport, reference.repository, registry=reference.registry)


class RegistryRepository(RegistryReader):
    """Implements :class:`lading_oci.interface.Repository`; safe with threads."""

    def sibling(self, repository: str) -> RegistryRepository:
        """Return another repository of the same registry; connections and tokens are shared."""
        return RegistryRepository(
            self._transport, repository, registry=self._registry, capability=self._capability
        )

    def same_registry(self, other: object) -> bool:
        """Say whether ``other`` is a repository of the same registry."""
        return isinstance(other, RegistryRepository) and other.origin == self.origin

    def together(self) -> AbstractContextManager[None]:
        """Return a context that does nothing: each request is lasting when it is answered."""
        from contextlib import nullcontext

        return nullcontext()

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Say whether the repository has the blob (one HEAD)."""
        return self._uploads().has(descriptor)

    def push_blob(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob unless it is there; return whether its bytes were sent."""
        uploads = self._uploads()
        if uploads.has(descriptor):
            return False
        return uploads.send(descriptor, source, mount_from=mount_from)

    def push_manifest(
        self, content: bytes, media_type: str, *, tag: str | None = None
    ) -> Descriptor:
        """Store a manifest by digest, or under a tag; make it known as a referrer if it is one.

        Raises:
            ConflictError: the referrers tag could not be written for other writers.
            OciError: the registry did not take it.
        """
        return self._put_manifest(content, media_type, tag)[0]

    def attach(
        self,
        subject: Descriptor,
        blob: bytes,
        *,
        artifact_type: str,
        blob_media_type: str,
        annotations: Mapping[str, str],
    ) -> Attached:
        """Attach a blob to a subject, once: see :meth:`lading_oci.interface.Repository.attach`.

        Requests to a registry that takes small blobs in one POST and has the referrers API: 5,
        and 4 from the second time on (HEAD and POST of the blob, the empty config once, PUT, and
        a GET that reads the list back).
        """
        from lading_oci.attaching import attach_to_registry  # writing only

        return attach_to_registry(
            self,
            subject,
            blob,
            artifact_type=artifact_type,
            blob_media_type=blob_media_type,
            annotations=annotations,
        )

    def ensure_empty_config(self) -> None:
        """Store the empty config blob, once in the life of this object; registries check it."""
        if not self._has_config:
            self._uploads().send(EMPTY_CONFIG, mediatypes.EMPTY_CONTENT)
            self._has_config = True

    def send_blob(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob that is known not to be there; return whether its bytes were sent."""
        return self._uploads().send(descriptor, source, mount_from=mount_from)

    def put_referrer(self, content: bytes, media_type: str) -> tuple[Descriptor, bool]:
        """Push a referrer and see that it is listed; return it and whether by the referrers tag.

        Raises:
            ConflictError: the registry, or others who write at the same time, keep losing it.
            OciError: the registry did not take it.
        """
        descriptor, fallback = self._put_manifest(content, media_type, None)
        if not fallback:
            from lading_oci.confirming import confirm_listed  # writing only

            subject = check_digest(parse_object(content)["subject"]["digest"])
            confirm_listed(
                descriptor.digest,
                listed=lambda: self._listed_by_api(subject),
                again=lambda: self._put_manifest(content, media_type, None),
                where=self.name,
                limits=self._transport.limits,
            )
        return descriptor, fallback

    def _uploads(self) -> Uploads:
        from lading_oci.uploads import Uploads  # writing only

        return Uploads(self._transport, self._repository)

    def _put_manifest(
        self, content: bytes, media_type: str, tag: str | None, *, retry: bool = True
    ) -> tuple[Descriptor, bool]:
        """Return the stored manifest's descriptor and whether the referrers tag was written."""
        document = parse_object(content)
        descriptor = describe(document, content, media_type)
        answer = self._transport.request(
            "PUT",
            self._manifest_url(tag or descriptor.digest),
            scopes=self._push,
            what="the registry does not take this manifest",
            ok=(200, 201, 202, 204),
            headers={"Content-Type": media_type},
            body=content,
            retry=retry,
        )
        said = answer.header("Docker-Content-Digest")
        if is_digest(said) and said.startswith("sha256:") and said != descriptor.digest:
            raise IntegrityError(
                "the registry stored another manifest than was sent",
                where=redact(answer.url),
                got=said,
                wanted=descriptor.digest,
            )
        subject = document.get("subject")
        if not isinstance(subject, dict):
            return descriptor, False
        subject_digest = check_digest(subject.get("digest"))
        if answer.header("OCI-Subject") == subject_digest:
            self._capability.referrers_api = referrers.ReferrersApi.YES
            return descriptor, False
        return descriptor, self._register(subject_digest, descriptor)

    def _register(self, subject: str, referrer: Descriptor) -> bool:
        """Make a referrer known where the PUT did not say that the registry has done it."""
        listed = self._listed_by_api(subject)
        if listed is not None and any(one.digest == referrer.digest for one in listed):
            return False  # the header was lost on the way; the API knows it
        from lading_oci.tagmerge import merge_into_tag  # old registries only

        merge_into_tag(
            subject,
            referrer,
            read=lambda tag: self._manifest(tag, self._push),
            write=self._put_tag,
            where=self.name,
            limits=self._transport.limits,
        )
        return True

    def _listed_by_api(self, subject: str) -> list[Descriptor] | None:
        return referrers.from_api(
            self._transport, self._repository, subject, self._push, self._capability
        )

    def _put_tag(self, tag: str, content: bytes, media_type: str) -> None:
        self._put_manifest(content, media_type, tag, retry=False)
