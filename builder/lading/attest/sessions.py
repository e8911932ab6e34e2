"""HTTP sessions for signing services: every call ends, answers are bounded, nothing is followed.

sigstore-python's clients set no timeouts, read answers of any size and follow redirects; these
sessions are put in place of theirs.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from lading.errors import RegistryError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["bound", "bounded_session", "describe"]

_CHUNK: Final = 64 * 1024


def bounded_session() -> requests.Session:
    """Return a new session with all the bounds."""
    return bound(requests.Session())


def bound(session: requests.Session) -> requests.Session:
    """Put the bounds on ``session`` and return it.

    A redirect is an error: an identity token goes to the service it was meant for and no further.
    Credentials from ``~/.netrc`` would replace the token in the request, so they are left out.
    """
    session.max_redirects = 0
    session.auth = _leave_alone
    for scheme in ("https://", "http://"):
        session.mount(scheme, _BoundedAdapter())
    return session


def describe(error: requests.RequestException) -> str:
    """Return what went wrong in one line, with the service's own words where it has sent some."""
    response = error.response
    if response is None:
        return f"{type(error).__name__}: {error}"[:300]
    try:
        document = response.json()
        message = document.get("message") if isinstance(document, dict) else None
    except ValueError:
        message = None
    text = message if isinstance(message, str) else response.text
    return f"HTTP {response.status_code}: {' '.join(text.split())}"[:500]


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _BoundedAdapter(HTTPAdapter):
    """Sends with timeouts and reads at most ``LIMITS.service_answer`` bytes before a deadline."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002 - the signature is requests'
        timeout: Any = None,  # noqa: ARG002 - ours hold, whatever the caller says
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request; the answer's body is in memory when this returns."""
        deadline = time.monotonic() + LIMITS.service_seconds
        response = super().send(
            request,
            stream=True,
            timeout=(LIMITS.connect_seconds, LIMITS.read_seconds),
            verify=verify,
            cert=cert,
            proxies=proxies,
        )
        try:
            body = _read(response, deadline)
        except urllib3.exceptions.HTTPError as e:
            raise requests.ConnectionError(e, request=request) from e
        finally:
            response.raw.close()
        response.raw = io.BytesIO(body)
        return response


def _read(response: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.raw.stream(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > LIMITS.service_answer:
            raise RegistryError(
                "a signing service's answer is too large",
                where=response.url,
                wanted=f"at most {LIMITS.service_answer} bytes",
            )
        if time.monotonic() > deadline:
            raise RegistryError(
                "a signing service did not finish its answer in time",
                where=response.url,
                wanted=f"within {LIMITS.service_seconds:.0f} s",
            )
    return bytes(body)
