"""One HTTP exchange: connections that are kept, deadlines, bodies whose length is checked.

No retries, redirects or authentication here; those are in ``exchange`` and ``transport``.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, cast

from lading_oci.errors import BrokenStream, MalformedError, TransportError
from lading_oci.limits import LIMITS, Limits
from lading_oci.proxies import proxy_for
from lading_oci.sockets import DeadlineSocket
from lading_oci.urls import Origin, origin_of, redact, target_of

if TYPE_CHECKING:
    import http.client
    import socket
    import ssl
    from collections.abc import Callable, Mapping

__all__ = ["Connections", "Opened"]


class Opened:
    """An answer whose body has not been read yet. Read it to its end, or :meth:`close` it."""

    def __init__(
        self, response: http.client.HTTPResponse, url: str, done: Callable[[bool], None]
    ) -> None:
        self.status = response.status
        self.url = url
        self._response = response
        self._done: Callable[[bool], None] | None = done
        self._left = response.length  # None: chunked, or until the connection closes

    def header(self, name: str) -> str:
        """Return a header's value, or the empty string."""
        return self._response.headers.get(name, "") or ""

    def header_all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return self._response.headers.get_all(name) or []

    @property
    def length(self) -> int | None:
        """The bytes that are still to come, when the server said."""
        return self._left

    def readinto(self, buffer: memoryview, /) -> int:
        """Read into ``buffer``; 0 at the end.

        Raises:
            BrokenStream: the connection was cut before the end, or fell silent.
        """
        import http.client  # loaded already when there is a response

        if self._done is None or not len(buffer):
            return 0
        try:
            count = self._response.readinto(buffer)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.close()
            raise BrokenStream(
                "an answer broke off", where=redact(self.url), got=_text(error)
            ) from None
        if self._left is not None:
            self._left -= count
        if count == 0 and self._left:
            self.close()
            raise BrokenStream(
                "an answer broke off",
                where=redact(self.url),
                got=f"{self._left} bytes less than announced",
            )
        if count == 0 or self._left == 0:
            self._finish(keep=True)
        return count

    def read(self, limit: int) -> bytes | None:
        """Return the whole body and finish, or None when it is longer than ``limit``."""
        body = bytearray()
        buffer = memoryview(bytearray(min(limit + 1, 64 * 1024)))
        if self._left is not None and self._left > limit:
            self.close()
            return None
        while count := self.readinto(buffer):
            body += buffer[:count]
            if len(body) > limit:
                self.close()
                return None
        self._finish(keep=True)
        return bytes(body)

    def close(self) -> None:
        """Give the connection up unless the body was read to its end."""
        self._finish(keep=False)

    def _finish(self, *, keep: bool) -> None:
        if self._done is not None:
            done, self._done = self._done, None
            keep = keep and not self._response.will_close
            self._response.close()
            done(keep)


class Connections:
    """A pool of connections by origin, safe with threads.

    ``unverified`` is the authority whose certificate is not checked, None for none of them.
    ``on_request`` is called with method and URL once for every exchange (tests count with it).
    """

    def __init__(
        self,
        *,
        limits: Limits = LIMITS,
        unverified: str | None = None,
        on_request: Callable[[str, str], None] | None = None,
    ) -> None:
        self._limits = limits
        self._unverified = unverified
        self._on_request = on_request
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        # Callers may forget close(); a socket that is merely collected warns.
        weakref.finalize(self, _close_all, self._idle)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        total: float,
        repeatable: bool = True,
    ) -> Opened:
        """Send one request and return the answer with its body unread.

        A kept connection that turns out to be closed is replaced and the request sent again,
        unless it is not ``repeatable``: the server may have begun to work on it.

        Raises:
            BrokenStream: the connection was cut; the request may be repeated.
            TransportError: no connection (name, refusal, TLS, proxy, timeout).
        """
        if self._on_request is not None:
            self._on_request(method, url)
        origin = origin_of(url)
        target = target_of(url)
        proxy = proxy_for(origin) if origin.scheme == "http" else None
        if proxy:
            target = f"http://{origin.authority}{target}"
            headers = {**headers, **_proxy_headers(proxy)}
        connection = self._take(origin)
        reused = connection is not None
        while True:
            if connection is None:
                connection = self._connect(origin, url)
            try:
                response = self._exchange(connection, method, target, headers, body, total)
            except BrokenStream:
                connection.close()
                if not (reused and repeatable):
                    raise
                # The server closed an idle connection: that says nothing about this request.
                connection, reused = None, False
                continue
            except BaseException:
                connection.close()
                raise
            return Opened(response, url, self._returner(origin, connection))

    def close(self) -> None:
        """Close idle connections."""
        with self._lock:
            _close_all(self._idle)

    def _take(self, origin: Origin) -> http.client.HTTPConnection | None:
        with self._lock:
            group = self._idle.get(origin)
            return group.pop() if group else None

    def _returner(
        self, origin: Origin, connection: http.client.HTTPConnection
    ) -> Callable[[bool], None]:
        def done(keep: bool) -> None:  # called positionally, once
            with self._lock:
                group = self._idle.setdefault(origin, [])
                if keep and len(group) < self._limits.idle_connections:
                    group.append(connection)
                    return
            connection.close()

        return done

    def _connect(self, origin: Origin, url: str) -> http.client.HTTPConnection:
        import http.client  # 25 ms that layouts need not pay

        try:
            connection = self._new(origin)
            connection.connect()
            sock = connection.sock
            sock.settimeout(self._limits.read_seconds)
            wrapped = DeadlineSocket(sock, self._limits.read_seconds)
            connection.sock = cast("socket.socket", wrapped)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _no_connection(error, origin, url) from None
        return connection

    def _new(self, origin: Origin) -> http.client.HTTPConnection:
        import http.client

        timeout = self._limits.connect_seconds
        proxy = proxy_for(origin)
        via = origin_of(proxy) if proxy else origin
        connection: http.client.HTTPConnection
        if origin.scheme == "https":
            context = self._context(origin.authority)
            connection = http.client.HTTPSConnection(
                via.host, via.port, timeout=timeout, context=context
            )
            if proxy:
                connection.set_tunnel(origin.host, origin.port, headers=_proxy_headers(proxy))
        else:
            connection = http.client.HTTPConnection(via.host, via.port, timeout=timeout)
        return connection

    def _context(self, authority: str) -> ssl.SSLContext:
        from lading_oci.tls import client_context  # https only

        with self._lock:
            context = self._contexts.get(authority)
            if context is None:
                context = client_context(authority, verify=authority != self._unverified)
                self._contexts[authority] = context
            return context

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        total: float,
    ) -> http.client.HTTPResponse:
        import http.client

        cast("DeadlineSocket", connection.sock).start(total)
        connection.auto_open = 0  # a cut connection is our business, not to be reopened silently
        where = f"{connection.host}:{connection.port}"
        try:
            try:
                connection.request(method, target, body=body, headers=dict(headers))
            except (BrokenPipeError, ConnectionResetError):
                # A server may answer and close before it has read the whole body.
                if body is None:
                    raise
            return connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            raise BrokenStream(
                "the registry did not answer", where=where, got=_text(error)
            ) from None
        except ValueError as error:
            raise MalformedError("a request or answer is malformed", where=where) from error


def _close_all(idle: dict[Origin, list[http.client.HTTPConnection]]) -> None:
    for group in idle.values():
        for connection in group:
            connection.close()
    idle.clear()


def _proxy_headers(proxy: str) -> dict[str, str]:
    import base64  # only behind a proxy with a password
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def _text(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (str(error) or type(error).__name__)[:200]


def _no_connection(error: Exception, origin: Origin, url: str) -> TransportError:
    import socket  # loaded by http.client already
    import ssl

    if isinstance(error, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)):
        return BrokenStream("the connection was cut", where=redact(url), got=_text(error))
    hint = None
    if isinstance(error, ssl.SSLCertVerificationError):
        what = "the registry's certificate is not trusted"
        hint = (
            "give its CA by SSL_CERT_FILE, or put it into "
            f"/etc/docker/certs.d/{origin.authority}/ca.crt"
        )
    elif isinstance(error, ssl.SSLError):
        what = "no TLS connection to the registry"
        hint = "if it speaks plain HTTP, allow that with --insecure"
    elif isinstance(error, socket.gaierror):
        what, hint = "the registry's name does not resolve", "check the name and the network"
    elif isinstance(error, ConnectionRefusedError):
        what, hint = "nothing listens at the registry's address", "is it running, on this port?"
    else:
        what, hint = "no connection to the registry", "check the network and proxy settings"
    return TransportError(what, where=redact(url), got=_text(error), hint=hint)
