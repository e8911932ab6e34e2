"""Asking a person for an identity token: in a browser, or on another device.

Specification: OpenID Connect Core 1.0, section 3.1 (code flow); RFC 7636 (PKCE); RFC 8252
(redirect to loopback); RFC 8628 (device flow). Both flows end: by an answer, by a no, or after
``LIMITS.login_seconds``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from lading.attest.strict_json import StrictJsonError, parse_object
from lading.attest.tokens import AUDIENCE, IdentityToken, read_token
from lading.errors import InputError, RegistryError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import requests

__all__ = ["browser_token", "device_token"]

_DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
_SCOPE: Final = "openid email"
_PENDING: Final = frozenset({"authorization_pending", "slow_down"})
_PAGE: Final = b"<!doctype html><title>lading</title><p>Done: this window can be closed.</p>"


def browser_token(
    issuer: str,
    *,
    now: Callable[[], datetime],
    show: Callable[[str], None],
    open_url: Callable[[str], bool] = webbrowser.open,
    client_id: str = AUDIENCE,
) -> IdentityToken:
    """Open the person's browser at ``issuer`` and return the token it sends back to loopback.

    ``show`` is given what the person should read: the address, when no browser opens.

    Raises:
        InputError: the person or the issuer said no, or nothing came in time.
        RegistryError: the issuer did not answer as needed.
    """
    with _session() as session:
        configuration = _configuration(session, issuer)
        secret, state, nonce = (secrets.token_urlsafe(32) for _ in range(3))
        digest = hashlib.sha256(secret.encode()).digest()
        with _Redirect() as redirect:
            query = {
                "response_type": "code",
                "client_id": client_id,
                "scope": _SCOPE,
                "redirect_uri": redirect.uri,
                "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
                "code_challenge_method": "S256",
                "state": state,
                "nonce": nonce,
            }
            url = f"{_endpoint(configuration, 'authorization_endpoint')}?{urlencode(query)}"
            if not open_url(url):
                show(f"Open this address in a browser to sign in:\n  {url}")
            code = _code(redirect.wait(), state)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect.uri,
            "client_id": client_id,
            "code_verifier": secret,
        }
        answer = _post(session, _endpoint(configuration, "token_endpoint"), form)
    return _token(answer, now(), nonce)


def device_token(
    issuer: str,
    *,
    now: Callable[[], datetime],
    show: Callable[[str], None],
    client_id: str = AUDIENCE,
) -> IdentityToken:
    """Show a code to type in on another device and return the token once that was done.

    Raises:
        InputError: the person or the issuer said no, or nothing was typed in time.
        RegistryError: the issuer did not answer as needed, or has no device flow.
    """
    with _session() as session:
        configuration = _configuration(session, issuer)
        start = {"client_id": client_id, "scope": _SCOPE}
        asked = _post(session, _endpoint(configuration, "device_authorization_endpoint"), start)
        place = asked.get("verification_uri_complete") or asked.get("verification_uri")
        show(f"Open {place} on any device and confirm the code {asked.get('user_code')}.")
        form = {
            "grant_type": _DEVICE_GRANT,
            "device_code": str(asked.get("device_code")),
            "client_id": client_id,
        }
        answer = _poll(session, _endpoint(configuration, "token_endpoint"), form, asked)
    return _token(answer, now())


def _poll(
    session: requests.Session, url: str, form: dict[str, str], asked: dict[str, Any]
) -> dict[str, Any]:
    """Ask until the person has answered, no more often than told (RFC 8628, section 3.5)."""
    interval = _seconds(asked.get("interval"), 5.0)
    lifetime = _seconds(asked.get("expires_in"), LIMITS.login_seconds)
    end = time.monotonic() + min(LIMITS.login_seconds, lifetime)
    while time.monotonic() < end:
        time.sleep(min(interval, LIMITS.login_seconds))
        answer = _post(session, url, form, accept=_PENDING)
        if answer.get("error") not in _PENDING:
            return answer
        interval += 5 if answer["error"] == "slow_down" else 0
    raise _timed_out()


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and value >= 0 else default


def _session() -> requests.Session:
    from lading.attest.sessions import bounded_session  # requests: only when a person signs in

    return bounded_session()


def _configuration(session: requests.Session, issuer: str) -> dict[str, Any]:
    """Return the issuer's discovery document, which must be about that issuer (Discovery 4.3)."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document = _exchange(lambda: session.get(url), url)
    if document.get("issuer") != issuer:
        raise RegistryError(
            "the identity provider's configuration is of another one",
            where=url,
            got=str(document.get("issuer"))[:160],
            wanted=issuer,
        )
    return document


def _endpoint(configuration: dict[str, Any], name: str) -> str:
    url = configuration.get(name)
    if not isinstance(url, str) or urlsplit(url).scheme not in {"https", "http"}:
        raise RegistryError(
            "the identity provider does not offer this way to sign in",
            where=str(configuration.get("issuer")),
            wanted=name,
        )
    return url


def _post(
    session: requests.Session,
    url: str,
    form: dict[str, str],
    *,
    accept: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    answer = _exchange(lambda: session.post(url, data=form), url)
    error = answer.get("error")
    if error is not None and error not in accept:
        raise InputError(
            "the identity provider refused",
            where=url,
            got=f"{error}: {answer.get('error_description', '')}".rstrip(": ")[:300],
        )
    return answer


def _exchange(send: Callable[[], requests.Response], url: str) -> dict[str, Any]:
    """Return the JSON object in an answer; OAuth's own errors are objects too, with status 400."""
    import requests

    from lading.attest.sessions import describe

    try:
        response = send()
        document = parse_object(response.content, limit=LIMITS.service_answer)
        if "error" not in document:
            response.raise_for_status()
    except (requests.RequestException, StrictJsonError) as e:
        got = describe(e) if isinstance(e, requests.RequestException) else e.what
        raise RegistryError(
            "the identity provider did not answer as needed", where=url, got=got
        ) from e
    return document


def _code(answer: dict[str, list[str]] | None, state: str) -> str:
    if answer is None:
        raise _timed_out()
    if "error" in answer:
        raise InputError("the identity provider refused", got=answer["error"][0][:160])
    if not hmac.compare_digest(answer.get("state", [""])[0].encode(), state.encode()):
        raise InputError("the answer in the browser belongs to another sign-in")
    if "code" not in answer:
        raise InputError("the identity provider sent no code")
    return answer["code"][0]


def _token(answer: dict[str, Any], now: datetime, nonce: str | None = None) -> IdentityToken:
    raw = answer.get("id_token")
    if not isinstance(raw, str):
        raise InputError("the identity provider sent no identity token")
    return read_token(raw, now=now, nonce=nonce)


def _timed_out() -> InputError:
    return InputError("nobody signed in in time", wanted=f"within {LIMITS.login_seconds:.0f} s")


class _Redirect:
    """A server on loopback that waits for one redirect of the browser (RFC 8252, section 7.3)."""

    def __init__(self) -> None:
        self._answer: dict[str, list[str]] | None = None
        self._done = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                known = url.path == "/auth/callback" and not outer._done.is_set()
                self.send_response(200 if known else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(_PAGE) if known else 0))
                self.end_headers()
                if known:
                    self.wfile.write(_PAGE)
                    outer._answer = parse_qs(url.query, max_num_fields=32)
                    outer._done.set()

            def log_message(self, *args: object) -> None:
                """The code in the address is a secret for as long as it is valid."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        # "localhost", because that is what providers have registered
        self.uri = f"http://localhost:{self._server.server_port}/auth/callback"

    def __enter__(self) -> _Redirect:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> dict[str, list[str]] | None:
        """Return the redirect's query, None when none came in time."""
        self._done.wait(LIMITS.login_seconds)
        return self._answer
