"""HTTP to one registry: authentication over :mod:`lading_oci.exchange`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lading_oci.auth import Authenticator
from lading_oci.connections import Connections, Opened
from lading_oci.errors import TransportError
from lading_oci.exchange import Exchanger
from lading_oci.limits import LIMITS, Limits
from lading_oci.responses import Answer, failure
from lading_oci.urls import Origin, is_loopback, join, origin_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from lading_oci.auth import Scopes
    from lading_oci.credentials import Credential

__all__ = ["Transport"]

T = TypeVar("T", "Answer", Opened)

_USER_AGENT = "lading/1"
_CHALLENGES = 2  # a kept token that the server no longer takes, then a new one


class Transport:
    """Requests to one registry, authenticated, retried, bounded; safe with threads.

    ``authority`` is ``host[:port]``. A loopback host is spoken to in plain HTTP, and in TLS when it
    wants that; any other host in TLS, and with ``insecure`` whatever its certificate, or in plain
    HTTP when it knows no TLS. ``credential`` is called once, when the registry asks who we are.
    ``on_request`` sees method and URL of every exchange.
    """

    def __init__(
        self,
        authority: str,
        *,
        credential: Callable[[], Credential | None],
        insecure: bool = False,
        limits: Limits = LIMITS,
        on_request: Callable[[str, str], None] | None = None,
    ) -> None:
        self.limits = limits
        host = origin_of(f"https://{authority}").host
        self._authority = authority
        self.base = f"{'http' if is_loopback(host) else 'https'}://{authority}"
        # What may turn out to be wrong, until the first answer.
        self._assumed = insecure or is_loopback(host)
        self._connections = Connections(
            limits=limits,
            unverified=self.origin.authority if insecure else None,
            on_request=on_request,
        )
        self._exchanger = Exchanger(self._connections, insecure=insecure, limits=limits)
        self._auth = Authenticator(self._exchanger, credential, insecure=insecure, limits=limits)

    @property
    def origin(self) -> Origin:
        """Scheme, host and port of the registry, as far as they are known by now."""
        return origin_of(self.base)

    def request(
        self,
        method: str,
        url: str,
        *,
        scopes: Scopes,
        what: str,
        ok: Collection[int],
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int | None = None,
        retry: bool = True,
        follow: bool = True,
    ) -> Answer:
        """Return the answer when its status is in ``ok``; ``url`` may be relative to the registry.

        ``what`` is the sentence of the error otherwise; ``limit`` bounds the answer's body
        (default: an error body). ``retry=False`` is for what must not be repeated blindly (a
        chunk), ``follow=False`` for where a redirect is answer enough.

        Raises:
            OciError: see :meth:`lading_oci.exchange.Exchanger.request`; a ResponseError for any
                status that is not in ``ok``.
        """
        used: list[str | None] = [None]
        for attempt in range(_CHALLENGES + 1):
            answer = self._settling(
                lambda: self._exchanger.request(
                    method,
                    join(self.base, url),
                    headers=self._headers(headers),
                    body=body,
                    limit=self.limits.error_body if limit is None else limit,
                    authorize=self._authorizer(scopes, used),
                    ok=ok,
                    retry=retry,
                    follow=follow,
                )
            )
            if not self._again(answer, scopes, used[0], attempt):
                break
        if answer.status not in ok:
            raise failure(answer, what)
        return answer

    def open(
        self,
        url: str,
        *,
        scopes: Scopes,
        what: str,
        ok: Collection[int] = (200,),
        headers: Mapping[str, str] | None = None,
    ) -> Opened:
        """GET ``url`` and return the answer with its body unread.

        Raises:
            OciError: as :meth:`request`.
        """
        used: list[str | None] = [None]
        for attempt in range(_CHALLENGES + 1):
            opened = self._settling(
                lambda: self._exchanger.open(
                    join(self.base, url),
                    headers=self._headers(headers),
                    authorize=self._authorizer(scopes, used),
                )
            )
            if opened.status in ok:
                return opened
            body = opened.read(self.limits.error_body) or b""
            answer = Answer("GET", opened.url, opened.status, body, opened)
            if not self._again(answer, scopes, used[0], attempt):
                break
        raise failure(answer, what)

    def close(self) -> None:
        """Close idle connections."""
        self._connections.close()

    def _settling(self, exchange: Callable[[], T]) -> T:
        """Run an exchange; when plain HTTP or TLS was assumed wrongly, once more in the other."""
        if not self._assumed:
            return exchange()
        base = self.base
        try:
            answer = exchange()
        except TransportError:
            if not self._changed(base):
                raise
            return exchange()
        if answer.status == 400 and self._changed(base):  # a TLS port's answer to plain HTTP
            return exchange()
        self._assumed = False
        return answer

    def _changed(self, base: str) -> bool:
        """Change the scheme that ``base`` assumes; say whether there is something to try again."""
        if self.base == base and self._assumed:
            self._assumed = False
            if self.origin.scheme == "https":
                self.base = f"http://{self._authority}"  # insecure only
            elif self._speaks_tls():
                self.base = f"https://{self._authority}"
        return self.base != base

    def _speaks_tls(self) -> bool:
        from lading_oci.tls import speaks_tls  # rare

        origin = self.origin
        seconds = min(self.limits.connect_seconds, self.limits.read_seconds)
        return speaks_tls(origin.host, origin.port, seconds=seconds)

    def _headers(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        # A registry that compressed on the fly would make every digest wrong.
        return {"User-Agent": _USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}

    def _authorizer(self, scopes: Scopes, used: list[str | None]) -> Callable[[Origin], str | None]:
        def authorize(origin: Origin) -> str | None:
            if origin != self.origin:
                return None
            used[0] = self._auth.header(scopes)
            return used[0]

        return authorize

    def _again(self, answer: Answer, scopes: Scopes, used: str | None, attempt: int) -> bool:
        if answer.status != 401 or attempt >= _CHALLENGES:
            return False
        if origin_of(answer.url) != self.origin:
            return False  # a storage host's refusal says nothing about our credentials
        return self._auth.challenged(answer, scopes, used)
