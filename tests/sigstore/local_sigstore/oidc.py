"""A small real OIDC issuer on loopback: discovery, keys, tokens, the code and the device flow.

OpenID Connect Core 1.0 (ID token), Discovery 1.0, RFC 7636 (PKCE), RFC 8628 (device flow). The
person who would log in is the ``claims`` that the test gives.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from support.oci_server import Reply, Request, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Issuer", "running_issuer"]

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Issuer:
    """What the issuer knows: its key, who is logged in, and the flows under way."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = rsa.generate_private_key(65537, 2048)
        self.claims: dict[str, Any] = {"email": "builder@example.com", "email_verified": True}
        self.codes: dict[str, tuple[str, str]] = {}  # code → PKCE challenge, nonce
        self.devices: dict[str, int] = {}  # device code → polls that are still answered "pending"
        self.pending_polls = 1
        self.deny: str | None = None

    def token(self, *, lifetime: float = 300, **changes: Any) -> str:
        """Return a signed ID token for whoever is logged in; ``...`` leaves a claim out."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": "sigstore",
            "iat": now,
            "nbf": now,
            "exp": int(now + lifetime),
            "sub": self.claims.get("email", "subject"),
            **self.claims,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not ...}
        return jwt.encode(kept, self.key, algorithm="RS256", headers={"kid": "1"})

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/device/code",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, Any]:
        key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**key, "kid": "1", "use": "sig", "alg": "RS256"}]}

    def authorize(self, query: dict[str, list[str]]) -> str:
        """Return where the browser of a person who agreed is sent."""
        code = secrets.token_urlsafe()
        self.codes[code] = query["code_challenge"][0], query["nonce"][0]
        back = {"code": code, "state": query["state"][0]}
        return f"{query['redirect_uri'][0]}?{urlencode(back)}"

    def device(self) -> dict[str, Any]:
        code = secrets.token_urlsafe()
        self.devices[code] = self.pending_polls
        return {
            "device_code": code,
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{self.url}/device",
            "verification_uri_complete": f"{self.url}/device?user_code=WDJB-MJHT",
            "expires_in": 60,
            "interval": 0,
        }

    def exchange(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if self.deny:
            return 400, {"error": self.deny, "error_description": "the person said no"}
        claims: dict[str, Any] = {}
        if form["grant_type"][0] == DEVICE_GRANT:
            code = form["device_code"][0]
            if self.devices[code] > 0:
                self.devices[code] -= 1
                return 400, {"error": "authorization_pending"}
        else:
            verifier = hashlib.sha256(form["code_verifier"][0].encode()).digest()
            wanted = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
            challenge, claims["nonce"] = self.codes.pop(form["code"][0])
            if challenge != wanted:
                return 400, {"error": "invalid_grant"}
        token = self.token(**claims)
        return 200, {"access_token": token, "id_token": token, "token_type": "Bearer"}


def _answer(issuer: Issuer, request: Request) -> Reply:
    match request.method, request.path:
        case "GET", "/.well-known/openid-configuration":
            return _json(200, issuer.configuration())
        case "GET", "/keys":
            return _json(200, issuer.keys())
        case "GET", "/auth":
            return Reply(302, headers={"Location": issuer.authorize(request.query)})
        case "POST", "/token":
            return _json(*issuer.exchange(parse_qs(request.body.decode())))
        case "POST", "/device/code":
            return _json(200, issuer.device())
    return _json(404, {})


def _json(status: int, document: dict[str, Any]) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """Serve an issuer on a free loopback port until the block ends."""
    issuer = Issuer("")
    with serve(partial(_answer, issuer)) as server:
        issuer.url = f"http://{server.host}"
        yield issuer
