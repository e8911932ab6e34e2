"""Sending blobs: one request where the registry allows it, else an upload session by ``oras``.

The ``oras`` library drives the sessions (POST, PUT; POST, PATCH…, PUT) and nothing more. Its
requests go through :class:`lading_oci.transport.Transport`, so authentication, timeouts,
proxies and certificates are the same as everywhere, and its own retries (131 s of sleep), token
cache and configuration reading never run. It opens what it uploads by path or file descriptor:
it gets the reading end of a pipe, so that no blob touches the disk or is held in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlencode

from lading_oci.auth import scopes
from lading_oci.errors import BrokenStream, IntegrityError, OciError, ResponseError
from lading_oci.exchange import TRANSIENT, Retries
from lading_oci.manifests import matches
from lading_oci.urls import join

if TYPE_CHECKING:
    from collections.abc import Callable

    from lading_oci.auth import Scopes
    from lading_oci.interface import Descriptor
    from lading_oci.transport import Transport

__all__ = ["Uploads"]

_OCTETS = {"Content-Type": "application/octet-stream"}
#: Answers of registries that do not take a blob within the POST.
_NO_SINGLE_POST = frozenset({400, 405, 411, 415, 416, 422, 501})
#: A session that is gone or out of step: a new one helps.
_SESSION_LOST = frozenset({404, 408, 409, 416, 500, 502, 503, 504})


class Uploads:
    """Upload sessions of one repository."""

    def __init__(self, transport: Transport, repository: str) -> None:
        self._transport = transport
        self._repository = repository
        self._scopes: Scopes = scopes(repository, "pull", "push")

    def has(self, descriptor: Descriptor) -> bool:
        """Say whether the repository has the blob (one HEAD; a redirect means yes)."""
        answer = self._transport.request(
            "HEAD",
            f"/v2/{self._repository}/blobs/{descriptor.digest}",
            scopes=self._scopes,
            what="the registry does not say whether it has a blob",
            ok=(200, 301, 302, 303, 307, 308, 404),
            follow=False,
        )
        length = answer.header("Content-Length")
        if answer.status == 200 and length.isdecimal():
            return int(length) == descriptor.size
        return answer.status != 404

    def send(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        *,
        mount_from: str | None = None,
    ) -> bool:
        """Store a blob that is not known to be there; return whether its bytes were sent.

        Raises:
            IntegrityError: ``source`` is not what the descriptor says.
            OciError: the registry did not take it.
        """
        if isinstance(source, bytes) and not matches(descriptor, source):
            raise IntegrityError(
                "what is to be pushed is not what its descriptor says",
                got=f"{len(source)} bytes",
                wanted=f"{descriptor.digest}, {descriptor.size} bytes",
            )
        session: str | None = None
        if mount_from is not None:
            mounted, session = self._mount(descriptor, mount_from)
            if mounted:
                return False
        elif isinstance(source, bytes) and len(source) <= self._transport.limits.single_post:
            stored, session = self._single_post(descriptor, source)
            if stored:
                return True
        self._by_session(descriptor, source, session)
        return True

    def _start(self, query: dict[str, str]) -> str:
        url = f"/v2/{self._repository}/blobs/uploads/"
        return f"{url}?{urlencode(query)}" if query else url

    def _mount(self, descriptor: Descriptor, source: str) -> tuple[bool, str | None]:
        """Ask for a mount from another repository; return (done, session opened instead).

        Who may push here may perhaps not read there: a refusal costs the bytes, not the push.
        """
        wanted = self._scopes | scopes(source, "pull")
        try:
            answer = self._transport.request(
                "POST",
                self._start({"mount": descriptor.digest, "from": source}),
                scopes=wanted,
                what="the registry starts no upload",
                ok=(201, 202),
            )
        except ResponseError as refusal:
            if refusal.status in TRANSIENT:
                raise
            return False, None
        if answer.status == 201:
            return True, None
        return False, self._location(answer.url, answer.header("Location"))

    def _single_post(self, descriptor: Descriptor, content: bytes) -> tuple[bool, str | None]:
        """Send a small blob within the POST; return (done, session opened instead)."""
        answer = self._transport.request(
            "POST",
            self._start({"digest": descriptor.digest}),
            scopes=self._scopes,
            what="the registry starts no upload",
            ok=_NO_SINGLE_POST | {201, 202},
            headers=_OCTETS,
            body=content,
        )
        if answer.status == 202:
            return False, self._location(answer.url, answer.header("Location"))
        return answer.status == 201, None

    @staticmethod
    def _location(url: str, location: str) -> str | None:
        return join(url, location) if location else None

    def _by_session(
        self,
        descriptor: Descriptor,
        source: bytes | Callable[[], BinaryIO],
        session: str | None,
    ) -> None:
        from lading_oci.orassession import run_session  # oras takes 200 ms

        limits = self._transport.limits
        retries = Retries(limits, limits.stream_seconds)
        while True:
            try:
                run_session(
                    self._transport,
                    self._repository,
                    self._scopes,
                    descriptor,
                    source,
                    session=session,
                )
            except OciError as error:
                session = None
                if not _worth_repeating(error):
                    raise
                if self.has(descriptor):  # the last answer was lost, not the blob
                    return
                retries.pause(error)
            else:
                return


def _worth_repeating(error: OciError) -> bool:
    if isinstance(error, ResponseError):
        return error.status in _SESSION_LOST
    return isinstance(error, BrokenStream)
