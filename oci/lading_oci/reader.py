"""Reading from a repository of a registry (OCI distribution-spec 1.1).

Nothing heavy is imported: no ``requests``, no ``oras``; even ``http.client`` and ``ssl`` come
with the first request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from lading_oci import content, mediatypes, referrers
from lading_oci.auth import scopes
from lading_oci.digest import check_digest, digest_of, is_digest
from lading_oci.errors import IntegrityError, LimitExceeded, MalformedError, ReferenceInvalid
from lading_oci.interface import Descriptor, Manifest
from lading_oci.jsontext import parse_object
from lading_oci.links import next_page
from lading_oci.manifests import check_shape, matches
from lading_oci.references import is_tag
from lading_oci.urls import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading_oci.auth import Scopes
    from lading_oci.transport import Transport
    from lading_oci.urls import Origin

__all__ = ["RegistryReader"]

_ACCEPT = {"Accept": f"{mediatypes.MANIFEST_ACCEPT}, */*;q=0.1"}
_HEAD_LIES = frozenset({400, 405, 406, 501})


class RegistryReader:
    """The reading half of :class:`lading_oci.registry.RegistryRepository`; safe with threads."""

    def __init__(
        self,
        transport: Transport,
        repository: str,
        *,
        registry: str,
        capability: referrers.Capability | None = None,
    ) -> None:
        self._transport = transport
        self._repository = repository
        self._registry = registry
        self._capability = capability or referrers.Capability()
        self._pull: Scopes = scopes(repository, "pull")
        self._push: Scopes = scopes(repository, "pull", "push")
        self._has_config = False

    @property
    def name(self) -> str:
        """``registry/repository``."""
        return f"{self._registry}/{self._repository}"

    @property
    def repository(self) -> str:
        """The repository within its registry; what ``mount_from`` takes."""
        return self._repository

    @property
    def origin(self) -> Origin:
        """Scheme, host and port of the registry."""
        return self._transport.origin

    @property
    def referrers_api(self) -> referrers.ReferrersApi:
        """What is known by now about the registry's referrers API."""
        return self._capability.referrers_api

    def close(self) -> None:
        """Close idle connections; the repository can be used again."""
        self._transport.close()

    # reading

    def resolve(self, reference: str) -> Descriptor:
        """Return the descriptor of a tag or digest: one HEAD, or one GET more where HEAD lies."""
        answer = self._transport.request(
            "HEAD",
            self._manifest_url(reference),
            scopes=self._pull,
            what=f"the registry does not resolve {self._shown(reference)}",
            ok=_HEAD_LIES | {200},
            headers=_ACCEPT,
        )
        digest = answer.header("Docker-Content-Digest")
        length = answer.header("Content-Length")
        media_type = answer.header("Content-Type").partition(";")[0].strip()
        if (
            answer.status == 200
            and is_digest(digest)
            and length.isdecimal()
            and media_type in mediatypes.MANIFESTS
            and (digest == reference or not is_digest(reference))
        ):
            return Descriptor(media_type, digest, int(length))
        return self.manifest(reference).descriptor

    def manifest(self, reference: str) -> Manifest:
        """Return a manifest by tag or digest (one GET), verified against a digest reference."""
        return self._manifest(reference, self._pull)

    def _manifest(self, reference: str, wanted: Scopes) -> Manifest:
        answer = self._transport.request(
            "GET",
            self._manifest_url(reference),
            scopes=wanted,
            what=f"the registry does not have {self._shown(reference)}",
            ok=(200,),
            headers=_ACCEPT,
            limit=self._transport.limits.manifest,
        )
        where = redact(answer.url)
        said = answer.header("Docker-Content-Digest")
        expected = reference if is_digest(reference) else (said if is_digest(said) else None)
        algorithm = expected.partition(":")[0] if expected else "sha256"
        digest = digest_of(answer.body, algorithm)
        if expected is not None and digest != expected:
            raise IntegrityError(
                "a manifest is not the one that was asked for",
                where=where,
                got=digest,
                wanted=expected,
            )
        document = parse_object(answer.body, where=where)
        media_type = check_shape(document, answer.header("Content-Type"), where=where)
        return Manifest(Descriptor(media_type, digest, len(answer.body)), answer.body)

    def blob(self, descriptor: Descriptor) -> BinaryIO:
        """Return a stream of a blob, verified while read, continued over broken connections."""
        from lading_oci.blobs import BlobSource  # not for the seal's look-up

        source = BlobSource(self._transport, self._blob_url(descriptor), self._pull, descriptor)
        where = f"{self.name}@{descriptor.digest}"
        return content.verifying_stream(source, descriptor, where=where)

    def read_blob(self, descriptor: Descriptor, *, limit: int) -> bytes:
        """Return a whole verified blob; no request when the descriptor carries its data."""
        content.check_limit(descriptor, limit)
        if descriptor.data is not None and matches(descriptor, descriptor.data):
            return descriptor.data
        return content.read_verified(self.blob(descriptor), descriptor, limit=limit)

    def tags(self) -> list[str]:
        """Return all tags, all pages, in the registry's order."""
        limits = self._transport.limits
        url: str | None = f"/v2/{self._repository}/tags/list"
        found: dict[str, None] = {}
        for _ in range(limits.tag_pages):
            answer = self._transport.request(
                "GET",
                str(url),
                scopes=self._pull,
                what="the registry does not list the tags",
                ok=(200,),
                limit=limits.manifest,
            )
            page = parse_object(answer.body, where=redact(answer.url)).get("tags") or []
            if not isinstance(page, list):
                raise MalformedError("a list of tags is not a list", where=redact(answer.url))
            found.update(dict.fromkeys(tag for tag in page if isinstance(tag, str)))
            url = next_page(answer.url, answer.header_all("Link"))
            if url is None:
                return list(found)
            if len(found) > limits.tags:
                break
        raise LimitExceeded("a repository has too many tags", where=self.name)

    def referrers(
        self, digest: str, *, artifact_type: str | None = None, exhaustive: bool = False
    ) -> list[Descriptor]:
        """Return the referrers of a digest, newest first: one GET where there is the API.

        The referrers tag is read too when the registry has no API, when the API knows nothing
        of the wanted kind (a registry that was upgraded without indexing), and always when
        ``exhaustive``.
        """
        listed = referrers.from_api(
            self._transport, self._repository, digest, self._pull, self._capability
        )
        found = {one.digest: one for one in listed or []}
        if exhaustive or not _of_type(found.values(), artifact_type):
            entries, _ = referrers.tag_entries(self.manifest, digest, where=self.name)
            for descriptor in referrers.readable(entries, self.name):
                found.setdefault(descriptor.digest, descriptor)
        return referrers.newest_first(self._settled(found, artifact_type))

    def _settled(
        self, found: Mapping[str, Descriptor], artifact_type: str | None
    ) -> list[Descriptor]:
        result: list[Descriptor] = []
        read = 0
        for descriptor in found.values():
            settled: Descriptor | None = descriptor
            if referrers.says_too_little(descriptor, artifact_type):
                read += 1
                if read > self._transport.limits.referrers_settled:
                    raise LimitExceeded(
                        "too many referrers do not say what they are", where=self.name
                    )
                settled = referrers.settle(descriptor, self.manifest)
            if settled is not None and artifact_type in {None, settled.artifact_type}:
                result.append(settled)
        return result

    def _manifest_url(self, reference: str) -> str:
        if not is_digest(reference) and not is_tag(reference):
            raise ReferenceInvalid(
                "this is neither a tag nor a digest", where=self.name, got=repr(reference)[:200]
            )
        return f"/v2/{self._repository}/manifests/{reference}"

    def _blob_url(self, descriptor: Descriptor) -> str:
        return f"/v2/{self._repository}/blobs/{check_digest(descriptor.digest)}"

    def _shown(self, reference: str) -> str:
        return f"{self.name}{'@' if is_digest(reference) else ':'}{reference}"


def _of_type(found: Iterable[Descriptor], artifact_type: str | None) -> bool:
    return any(artifact_type in {None, one.artifact_type} for one in found)
