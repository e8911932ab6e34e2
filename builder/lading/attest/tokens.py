"""OIDC identity tokens: what they will make public, and where automation has them lying ready.

Specification: OpenID Connect Core 1.0, section 2 (ID token); Fulcio ``docs/oidc.md`` (which claim
becomes the certificate's identity). A token's claims are read without checking its signature:
Fulcio checks it. They are read to refuse a useless token early and to say what will be published.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from lading.attest.interface import SignerIdentity
from lading.attest.strict_json import StrictJsonError, parse_object
from lading.errors import InputError
from lading.limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["AUDIENCE", "IdentityToken", "ambient_token", "read_token"]

AUDIENCE: Final = "sigstore"
_GITHUB: Final = "https://token.actions.githubusercontent.com"
_BUILDKITE: Final = "https://agent.buildkite.com"
_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """A token and what Fulcio will publish for it: in the certificate and its log, for ever.

    ``expires`` is in seconds since 1970.
    """

    raw: str = field(repr=False)
    identity: SignerIdentity
    expires: float


def read_token(raw: str, *, now: datetime, nonce: str | None = None) -> IdentityToken:
    """Return the token in ``raw``, a JSON Web Token.

    ``nonce`` is what the request for it had, so that nobody slips in a token of another request.

    Raises:
        InputError: malformed, for another audience or request, expired, or with an unverified
            e-mail.
    """
    claims = _claims(raw.strip())
    if nonce is not None and claims.get("nonce") != nonce:
        raise InputError("the identity token answers another request")
    audience = claims.get("aud")
    if AUDIENCE not in (audience if isinstance(audience, list) else [audience]):
        raise InputError(
            "the identity token is for another audience", got=str(audience)[:80], wanted=AUDIENCE
        )
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise InputError("the identity token names no issuer")
    expiry = claims.get("exp")
    if not isinstance(expiry, int | float) or expiry <= now.timestamp():
        raise InputError(
            "the identity token has expired", hint="get a new one; they live for minutes"
        )
    name = _published_name(claims, issuer)
    identity = SignerIdentity("keyless", name, _origin(claims) or issuer)
    return IdentityToken(raw.strip(), identity, float(expiry))


def ambient_token(*, now: datetime) -> IdentityToken | None:
    """Return the identity of the automation we run in, None when it gives none.

    GitHub Actions, GitLab CI/CD, Google Cloud, Buildkite and CircleCI.

    Raises:
        InputError: it should give one and does not (for example a missing permission).
    """
    from sigstore.oidc import IdentityError, detect_credential  # 300 ms; keyless only

    try:
        raw = _in_time(partial(detect_credential, AUDIENCE))
    except IdentityError as e:
        raise InputError(
            "this automation's identity token cannot be had",
            got=" ".join(str(e).split())[:300],
            hint="on GitHub the job needs `permissions: id-token: write`; on GitLab an "
            "`id_tokens:` entry SIGSTORE_ID_TOKEN with `aud: sigstore`; on Google Cloud the "
            "machine needs a service account",
        ) from e
    return None if raw is None else read_token(raw, now=now)


def _in_time(ask: Callable[[], str | None]) -> str | None:
    """Return what ``ask`` returns: it may run an agent's program, and waits for that for ever."""
    answers: list[str | None] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(ask())
        except Exception as e:  # noqa: BLE001 - raised again below, in the thread that asks
            errors.append(e)

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(LIMITS.service_seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise InputError(
            "this automation did not give its identity token in time",
            wanted=f"an answer within {LIMITS.service_seconds:g} s",
            hint="give one with --identity-token or LADING_IDENTITY_TOKEN",
        )
    return answers[0]


def _claims(raw: str) -> dict[str, Any]:
    parts = raw.split(".")
    if len(raw) > LIMITS.identity_token or len(parts) != _PARTS:
        raise InputError("this is not an identity token", wanted="a JSON Web Token")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True)
        return parse_object(content, limit=LIMITS.identity_token)
    except (binascii.Error, ValueError, StrictJsonError) as e:
        raise InputError("the identity token is malformed", wanted="a JSON Web Token") from e


def _published_name(claims: dict[str, Any], issuer: str) -> str:
    """Return the identity that Fulcio will write for these claims, by the kind of issuer."""
    rule = _BY_ISSUER.get(issuer)
    name = rule(claims) if rule is not None else None
    if name is None and claims.get("ci_config_ref_uri"):  # GitLab, also self-hosted
        name = f"https://{claims['ci_config_ref_uri']}"
    if name is None and "email" in claims:
        if claims.get("email_verified") is not True:
            raise InputError(
                "the identity token's e-mail address is not verified by its issuer",
                got=str(claims["email"])[:160],
                hint="verify the address with the identity provider; Fulcio refuses it otherwise",
            )
        name = claims["email"]
    if name is None:
        name = claims.get("sub")
    if not isinstance(name, str) or not name:
        raise InputError("the identity token names nobody", wanted="a sub or email claim")
    return name


def _origin(claims: dict[str, Any]) -> str | None:
    """Return whom a federating issuer (Sigstore's own) has asked: Fulcio publishes that one."""
    federated = claims.get("federated_claims")
    origin = federated.get("connector_id") if isinstance(federated, dict) else None
    return origin if isinstance(origin, str) and origin else None


def _github(claims: dict[str, Any]) -> str | None:
    reference = claims.get("job_workflow_ref")
    return f"https://github.com/{reference}" if reference else None


def _buildkite(claims: dict[str, Any]) -> str | None:
    organization, pipeline = claims.get("organization_slug"), claims.get("pipeline_slug")
    return f"https://buildkite.com/{organization}/{pipeline}" if organization else None


_BY_ISSUER: Final[dict[str, Callable[[dict[str, Any]], str | None]]] = {
    _GITHUB: _github,
    _BUILDKITE: _buildkite,
}
