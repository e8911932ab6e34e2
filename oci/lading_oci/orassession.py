"""One upload session driven by the ``oras`` library over our own transport."""

from __future__ import annotations

import io
import os
import re
import threading
from typing import TYPE_CHECKING, Any, BinaryIO

from lading_oci.errors import (
    BrokenStream,
    IntegrityError,
    OciError,
    ResponseError,
    TransportError,
)
from lading_oci.exchange import TRANSIENT, Retries
from lading_oci.urls import join, origin_of, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lading_oci.auth import Scopes
    from lading_oci.interface import Descriptor
    from lading_oci.responses import Answer
    from lading_oci.transport import Transport

__all__ = ["run_session"]

_RANGE = re.compile(r"(?:bytes=)?(\d{1,19})-(\d{1,19})\Z")
_PIECE = 1024 * 1024
#: Answers to a chunk after which the session says how far it has come.
_RESUMABLE = TRANSIENT - {429} | {416}


def run_session(
    transport: Transport,
    repository: str,
    scopes: Scopes,
    descriptor: Descriptor,
    source: bytes | Callable[[], BinaryIO],
    *,
    session: str | None,
) -> None:
    """Upload one blob; ``session`` is a session's URL that was opened already.

    Raises:
        OciError: it failed; nothing is stored then, and it can be started again.
    """
    bridge = _Bridge(transport, scopes, descriptor, session)
    registry, container = _oras(transport, repository, bridge)
    layer = {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest,
        "size": descriptor.size,
    }
    feed = _Feed(source)
    try:
        if descriptor.size <= transport.limits.whole_put:
            registry.put_upload(feed.path, container, layer)
        else:
            registry.chunked_upload(feed.path, container, layer, chunk_size=transport.limits.chunk)
    except ValueError as error:  # oras' way to say that there was no Location
        raise ResponseError(
            "the registry opened no upload session", status=202, where=registry.prefix
        ) from error
    finally:
        feed.close()


def _oras(transport: Transport, repository: str, bridge: _Bridge) -> tuple[Any, Any]:
    import oras.container  # 200 ms, and only uploads need it
    import oras.provider

    authority = transport.origin.authority
    registry = oras.provider.Registry(
        hostname=authority, insecure=transport.origin.scheme == "http"
    )
    # Methods of this one object, not of the class: other users of oras are not affected.
    registry.do_request = bridge
    registry._get_location = bridge.location  # noqa: SLF001 - it mishandles relative URLs
    container = oras.container.Container("name", registry=authority)
    # Set, not parsed: its grammar takes "localhost/x" for a repository on another host.
    container.registry = authority
    container.namespace, _, container.repository = repository.rpartition("/")
    return registry, container


class _Feed:
    """Runs ``source`` into a pipe; ``path`` is what ``open`` takes for its reading end."""

    def __init__(self, source: bytes | Callable[[], BinaryIO]) -> None:
        self._source = source
        self._error: BaseException | None = None
        self._reading_end, self._writing_end = os.pipe()
        self.path = f"/dev/fd/{self._reading_end}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        source = self._source
        try:
            with (
                open(self._writing_end, "wb", buffering=0) as pipe,  # noqa: PTH123 - a descriptor
                io.BytesIO(source) if isinstance(source, bytes) else source() as stream,
            ):
                while piece := stream.read(_PIECE):
                    view = memoryview(piece)
                    while view:
                        view = view[pipe.write(view) :]
        except BrokenPipeError:
            pass  # the upload failed and reads no more; its own error says why
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error

    def close(self) -> None:
        """Stop feeding; raise what went wrong while the source was read."""
        os.close(self._reading_end)
        self._thread.join()
        if self._error is not None:
            raise self._error


class _Bridge:
    """Stands in for ``oras.provider.Registry.do_request``."""

    def __init__(
        self, transport: Transport, scopes: Scopes, descriptor: Descriptor, session: str | None
    ) -> None:
        self._transport = transport
        self._scopes = scopes
        self._descriptor = descriptor
        self._session = session

    def __call__(
        self,
        url: str,
        method: str = "GET",
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: object,
    ) -> Any:  # a requests.Response
        """Send one request of the session; only successes come back."""
        self._check(url)
        if method == "PATCH":
            return self._patch(url, data or b"", dict(headers or {}))
        if method == "POST" and self._session is not None:
            opened, self._session = self._session, None
            return _response(202, {"Location": opened}, url)
        if method == "PUT" and data is not None:  # the whole blob: Content-Length says so
            self._check_size(data)
        answer = self._transport.request(
            method,
            url,
            scopes=self._scopes,
            what="the registry does not take this blob",
            ok=(202,) if method == "POST" else (200, 201, 202, 204),
            headers={**(headers or {}), "Content-Type": "application/octet-stream"},
            body=data,
            # A PUT that broke has left a session behind in an unknown state.
            retry=method == "POST",
        )
        return _response(answer.status, {"Location": _location(answer)}, url)

    @staticmethod
    def location(response: Any, _container: object) -> str:  # requests.Response
        """Return the session's URL; absolute already. Stands in for ``_get_location``."""
        return str(response.headers.get("Location", ""))

    def _check(self, url: str) -> None:
        if origin_of(url).scheme == "http" and self._transport.origin.scheme == "https":
            raise TransportError(
                "the registry wants an upload over plain HTTP",
                where=redact(url),
                hint="a proxy before the registry must set X-Forwarded-Proto",
            )

    def _check_size(self, data: bytes) -> None:
        """Send nothing that is shorter than announced: the registry would wait for the rest."""
        if len(data) != self._descriptor.size:
            raise IntegrityError(
                "what is to be pushed is not what its descriptor says",
                got=f"{len(data)} bytes",
                wanted=f"{self._descriptor.digest}, {self._descriptor.size} bytes",
            )

    def _patch(self, url: str, chunk: bytes, headers: dict[str, str]) -> Any:
        """Send one chunk; after a broken connection or a 5xx send what of it did not arrive."""
        start = int(headers.get("Content-Range", "0-").partition("-")[0])
        end = start + len(chunk)
        retries = self._retries()
        position = start
        while True:
            rest = chunk[position - start :]
            try:
                answer = self._transport.request(
                    "PATCH",
                    url,
                    scopes=self._scopes,
                    what="the registry does not take a part of this blob",
                    ok=(201, 202, 204),
                    headers={
                        "Content-Type": "application/octet-stream",
                        "Content-Range": f"{position}-{end - 1}",
                    },
                    body=rest,
                    retry=False,
                )
                return _response(202, {"Location": _location(answer) or url}, url)
            except (BrokenStream, ResponseError) as error:
                if isinstance(error, ResponseError) and error.status not in _RESUMABLE:
                    raise
                retries.pause(error)
                reached = position
                url, position = self._position(url, start, end, error)
                if position == end:
                    return _response(202, {"Location": url}, url)
                if position > reached:  # progress: later breaks start counting anew
                    retries = self._retries()

    def _retries(self) -> Retries:
        limits = self._transport.limits
        return Retries(limits, limits.total_seconds * limits.attempts)

    def _position(self, url: str, start: int, end: int, error: OciError) -> tuple[str, int]:
        """Ask how far a session has come (distribution-spec, "Resuming an upload")."""
        answer = self._transport.request(
            "GET",
            url,
            scopes=self._scopes,
            what="the registry has lost an upload session",
            ok=(202, 204),
        )
        match = _RANGE.match(answer.header("Range").strip())
        reached = int(match.group(2)) + 1 if match else 0
        if reached == 1 and start == 0:
            reached = 0  # "0-0" is also what registries say of an empty session
        if not start <= reached <= end:
            raise error
        return _location(answer) or url, reached


def _location(answer: Answer) -> str:
    location = answer.header("Location")
    return join(answer.url, location) if location else ""


def _response(status: int, headers: dict[str, str], url: str) -> Any:
    import requests  # oras has loaded it

    response = requests.Response()
    response.status_code = status
    response.headers.update({key: value for key, value in headers.items() if value})
    response.url = url
    response.raw = io.BytesIO()
    return response
