"""Requests that survive what networks do: retries with jitter, redirects, bounded bodies.

Everything this client sends can be repeated (GET and HEAD change nothing, PUT and POST store
content under its digest), so a cut connection, 429 and 5xx are retried; other 4xx are not.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lading_oci.errors import BrokenStream, LimitExceeded, OciError, TransportError
from lading_oci.limits import LIMITS, Limits
from lading_oci.responses import Answer, failure
from lading_oci.urls import Origin, is_loopback, join, origin_of, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from lading_oci.connections import Connections, Opened

    #: Returns the Authorization header for an origin, or None when it gets none.
    Authorize = Callable[[Origin], str | None]

__all__ = ["TRANSIENT", "Exchanger", "Retries"]

#: Statuses that another attempt may change.
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SLOWEST = 64 * 1024  # bytes per second that a link must carry at least


class Retries:
    """How often and how long: full jitter, exponential, within one budget of seconds."""

    def __init__(self, limits: Limits, seconds: float) -> None:
        self._limits = limits
        self._count = 0
        self._deadline = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left, never less than a tenth."""
        return max(0.1, self._deadline - time.monotonic())

    def pause(self, error: OciError, told: float | None = None) -> None:
        """Sleep before the next attempt; ``told`` is the server's Retry-After in seconds.

        Raises:
            OciError: ``error`` itself, when there is no attempt or no time left.
        """
        self._count += 1
        most = min(self._limits.backoff_most, self._limits.backoff_first * 2.0 ** (self._count - 1))
        import random  # only when something failed

        wait = random.uniform(0.1, 1.0) * most  # noqa: S311 - jitter, not a secret
        if told is not None:
            if told > self._limits.retry_after_most:
                raise error
            wait += told
        if self._count >= self._limits.attempts or wait >= self._deadline - time.monotonic():
            raise error
        time.sleep(wait)


def retry_after(value: str) -> float | None:
    """Return a ``Retry-After`` in seconds from now (RFC 9110, 10.2.3), or None."""
    value = value.strip()
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return float(value)
    if not value:
        return None
    from email.utils import parsedate_to_datetime  # loaded by http.client

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


class Exchanger:
    """Retries and redirects over :class:`Connections`; knows nothing of registries."""

    def __init__(
        self, connections: Connections, *, insecure: bool = False, limits: Limits = LIMITS
    ) -> None:
        self._connections = connections
        self._insecure = insecure
        self._limits = limits

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limit: int,
        authorize: Authorize | None = None,
        ok: Collection[int] = (),
        retry: bool = True,
        follow: bool = True,
    ) -> Answer:
        """Return the answer with its body read; any status that retrying does not change.

        ``ok`` are statuses that are never retried. ``limit`` bounds the body of a 2xx answer;
        of others the first ``error_body`` bytes count. Without ``retry`` only 429 is repeated:
        the server has not begun to work on such a request. Without ``follow`` a redirect is
        the answer.

        Raises:
            TransportError: no answer after the last attempt.
            RateLimited: 429 after the last attempt.
            ResponseError: 5xx after the last attempt.
            LimitExceeded: the body is longer than ``limit``.
        """
        retries = Retries(self._limits, self._limits.total_seconds + len(body or b"") / _SLOWEST)
        while True:
            try:
                opened = self._follow(
                    method,
                    url,
                    headers,
                    body,
                    authorize,
                    retries.left,
                    follow=follow,
                    repeatable=retry,
                )
                answer = self._read(method, opened, limit)
            except BrokenStream as error:
                if not retry:
                    raise
                retries.pause(error)
                continue
            repeatable = TRANSIENT if retry else {429}
            if answer.status not in repeatable or answer.status in ok:
                return answer
            refused = failure(answer, "the registry could not answer")
            retries.pause(refused, retry_after(answer.header("Retry-After")))

    def open(
        self, url: str, *, headers: Mapping[str, str], authorize: Authorize | None = None
    ) -> Opened:
        """GET with the body unread: for blobs. Any status that retrying does not change.

        Raises:
            OciError: as :meth:`request`.
        """
        retries = Retries(self._limits, self._limits.total_seconds)
        while True:
            try:
                opened = self._follow(
                    "GET", url, headers, None, authorize, self._limits.stream_seconds
                )
            except BrokenStream as error:
                retries.pause(error)
                continue
            if opened.status not in TRANSIENT:
                return opened
            answer = self._read("GET", opened, self._limits.error_body)
            refused = failure(answer, "the registry could not answer")
            retries.pause(refused, retry_after(answer.header("Retry-After")))

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        authorize: Authorize | None,
        total: float,
        *,
        follow: bool = True,
        repeatable: bool = True,
    ) -> Opened:
        start = origin_of(url)
        for _ in range(self._limits.redirects + 1):
            origin = origin_of(url)
            sent = dict(headers)
            # Asked for each hop: a credential goes to the origin it belongs to, nowhere else.
            authorization = authorize(origin) if authorize is not None else None
            if authorization is not None:
                sent["Authorization"] = authorization
            opened = self._connections.send(
                method, url, sent, body, total=total, repeatable=repeatable
            )
            location = opened.header("Location")
            moved = opened.status in _REDIRECTS and bool(location)
            if not (moved and follow and method in {"GET", "HEAD"}):
                return opened
            opened.read(self._limits.error_body)  # so that the connection can be used again
            url = self._next(start, opened.url, location)
        raise TransportError(
            "too many redirects", where=redact(url), wanted=f"at most {self._limits.redirects}"
        )

    def _next(self, start: Origin, url: str, location: str) -> str:
        following = join(url, location)
        origin = origin_of(following)
        if origin.scheme == "http" and origin != start and not self._insecure:
            trusted = start.scheme == "http" and is_loopback(origin.host)
            if not trusted:
                raise TransportError(
                    "the registry redirects to plain HTTP",
                    where=redact(url),
                    got=redact(following),
                    hint="if that is meant, allow it with --insecure",
                )
        return following

    def _read(self, method: str, opened: Opened, limit: int) -> Answer:
        success = 200 <= opened.status < 300
        bound = limit if success else self._limits.error_body
        body = b"" if method == "HEAD" else opened.read(bound)
        if method == "HEAD":
            opened.read(0)
        if body is None:
            if success:
                raise LimitExceeded(
                    "an answer is longer than it may be",
                    where=redact(opened.url),
                    wanted=f"at most {bound} bytes",
                )
            body = b""
        return Answer(method, opened.url, opened.status, body, opened)
