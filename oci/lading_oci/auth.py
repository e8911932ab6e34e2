"""Authentication to one registry: Basic, or bearer tokens by scope.

Distribution token specification ("Token Authentication", "OAuth2 token authentication"). A
token is kept for (registry, scopes) until shortly before it expires. Nothing here is logged, and
errors carry no secret.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from lading_oci.errors import MalformedError, OciError, TransportError
from lading_oci.jsontext import parse_object
from lading_oci.limits import LIMITS, Limits
from lading_oci.responses import Answer, failure
from lading_oci.urls import is_loopback, origin_of, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lading_oci.challenges import Challenge
    from lading_oci.credentials import Credential
    from lading_oci.exchange import Exchanger

    #: (repository, action) pairs; actions are ``pull`` and ``push``.
    Scopes = frozenset[tuple[str, str]]

__all__ = ["Authenticator", "scopes"]

_CLIENT = "lading"


def scopes(repository: str, *actions: str) -> Scopes:
    """Return the scopes for actions on one repository."""
    return frozenset((repository, action) for action in actions)


class _Token(NamedTuple):
    value: str
    until: float  # time.monotonic()


class Authenticator:
    """The credentials of one registry and the tokens got with them; safe with threads."""

    def __init__(
        self,
        exchanger: Exchanger,
        credential: Callable[[], Credential | None],
        *,
        insecure: bool = False,
        limits: Limits = LIMITS,
    ) -> None:
        self._exchanger = exchanger
        self._find = credential
        self._insecure = insecure
        self._limits = limits
        self._lock = threading.RLock()
        self._found = False
        self._credential: Credential | None = None
        self._basic = False
        self._bearer: Challenge | None = None
        self._tokens: dict[Scopes, _Token] = {}

    def header(self, wanted: Scopes) -> str | None:
        """Return the Authorization header for a request, as far as is known without asking.

        Once the registry has shown that it wants bearer tokens, one for new scopes is fetched
        here, before the request would be refused.

        Raises:
            OciError: the token server does not answer as needed.
        """
        with self._lock:
            if self._basic:
                credential = self._own()
                return credential.basic() if credential is not None else None
            token = self._kept(wanted)
            if token is None and self._bearer is not None:
                token = self._fetch(self._bearer, wanted)
            return f"Bearer {token}" if token is not None else None

    def challenged(self, answer: Answer, wanted: Scopes, used: str | None) -> bool:
        """Take in a 401; return whether repeating the request makes sense.

        Raises:
            OciError: the token server does not answer as needed.
        """
        from lading_oci.challenges import parse_challenges  # many registries never ask

        offers = parse_challenges(answer.header_all("WWW-Authenticate"))
        with self._lock:
            bearer = next((one for one in offers if one.scheme == "bearer"), None)
            if bearer is not None:
                if used is not None and used == self._current(wanted):
                    self._drop(wanted)
                self._basic = False
                # The scope is that of one request; realm and service serve all of them.
                self._bearer = bearer._replace(parameters={**bearer.parameters, "scope": ""})
                token = self._kept(wanted) or self._fetch(bearer, wanted)
                return f"Bearer {token}" != used
            if any(one.scheme == "basic" for one in offers) and self._own() is not None:
                self._basic = True
                return used is None or not used.startswith("Basic ")
        return False

    def _own(self) -> Credential | None:
        if not self._found:
            self._credential = self._find()
            self._found = True
        return self._credential

    def _current(self, wanted: Scopes) -> str | None:
        token = self._kept(wanted)
        return f"Bearer {token}" if token is not None else None

    def _kept(self, wanted: Scopes) -> str | None:
        now = time.monotonic()
        for have, token in list(self._tokens.items()):
            if token.until <= now:
                del self._tokens[have]
            elif have >= wanted:
                return token.value
        return None

    def _drop(self, wanted: Scopes) -> None:
        for have in [have for have in self._tokens if have >= wanted]:
            del self._tokens[have]

    def _fetch(self, challenge: Challenge, wanted: Scopes) -> str:
        realm = challenge.parameters.get("realm", "")
        self._check_realm(realm)
        service = challenge.parameters.get("service", "")
        texts = _texts(wanted)
        asked = challenge.parameters.get("scope", "").split()
        texts += [text for text in asked if text not in texts and not _covered(text, wanted)]
        credential = self._own()
        if credential is not None and credential.identity_token is not None:
            answer = self._post(realm, service, texts, credential.identity_token)
        else:
            answer = self._get(realm, service, texts, credential)
        if answer.status != 200:
            raise failure(answer, "the registry's token server gives no token")
        token = self._parse(answer)
        self._tokens[wanted] = token
        return token.value

    def _check_realm(self, realm: str) -> None:
        origin = origin_of(realm)
        if origin.scheme != "https" and not (self._insecure or is_loopback(origin.host)):
            raise TransportError(
                "the registry sends us to a token server over plain HTTP",
                where=redact(realm),
                hint="if that is meant, allow it with --insecure",
            )

    def _get(
        self, realm: str, service: str, texts: list[str], credential: Credential | None
    ) -> Answer:
        from urllib.parse import urlencode  # bearer registries only

        query: list[tuple[str, str]] = [("service", service)] if service else []
        query += [("scope", text) for text in texts]
        if credential is not None and credential.username:
            query.append(("account", credential.username))
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(query)}"
        origin = origin_of(realm)
        return self._exchanger.request(
            "GET",
            url,
            headers={"Accept": "application/json"},
            limit=self._limits.token_answer,
            authorize=lambda hop: (
                credential.basic() if credential is not None and hop == origin else None
            ),
        )

    def _post(self, realm: str, service: str, texts: list[str], refresh: str) -> Answer:
        from urllib.parse import urlencode

        form = {
            "grant_type": "refresh_token",
            "service": service,
            "client_id": _CLIENT,
            "scope": " ".join(texts),
            "refresh_token": refresh,
        }
        return self._exchanger.request(
            "POST",
            realm,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(form).encode("ascii"),
            limit=self._limits.token_answer,
        )

    def _parse(self, answer: Answer) -> _Token:
        where = redact(answer.url)
        try:
            document = parse_object(answer.body, limit=self._limits.token_answer)
        except OciError:
            # The parser's text could quote the token.
            raise MalformedError("the token server answers no JSON object", where=where) from None
        value = document.get("token") or document.get("access_token")
        if (
            not isinstance(value, str)
            or not 0 < len(value) <= self._limits.token_length
            or not all(0x21 <= ord(character) <= 0x7E for character in value)
        ):
            raise MalformedError("the token server gives no usable token", where=where)
        seconds = document.get("expires_in")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or seconds <= 0:
            seconds = self._limits.token_seconds
        # A tenth early, so that it does not expire on its way.
        return _Token(value, time.monotonic() + min(float(seconds), 86_400.0) * 0.9)


def _texts(wanted: Scopes) -> list[str]:
    by_repository: dict[str, list[str]] = {}
    for repository, action in sorted(wanted):
        by_repository.setdefault(repository, []).append(action)
    return [f"repository:{name}:{','.join(actions)}" for name, actions in by_repository.items()]


def _covered(text: str, wanted: Iterable[tuple[str, str]]) -> bool:
    """Say whether a challenge's scope asks for nothing that ``wanted`` has not."""
    kind, _, rest = text.partition(":")
    name, _, actions = rest.rpartition(":")
    have = set(wanted)
    return kind == "repository" and all((name, one) in have for one in actions.split(","))
