"""A small server with the REST API of Azure Key Vault and of Microsoft's sign-in, and real keys.

It is ours and no code of Microsoft's: it knows what is needed to sign with a key, asks for a token
as Key Vault does (a challenge that names where tokens are), gives one for the client secret, and
refuses with the codes of Microsoft's documentation. Both names are served on one port, with TLS.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import ssl
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from support.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LOGIN", "VAULT", "AzureVault", "serve_azure"]

VAULT = "acme.vault.azure.net"
LOGIN = "login.microsoftonline.com"
_KEY = re.compile(r"/keys/([^/]+)(?:/(?!sign$)([^/]*))?(/sign)?")
# curve → (its class, algorithm, digest, octets of a coordinate)
_CURVES: dict[str, tuple[Any, str, Any, int]] = {
    "P-256": (ec.SECP256R1, "ES256", hashes.SHA256, 32),
    "P-384": (ec.SECP384R1, "ES384", hashes.SHA384, 48),
    "P-521": (ec.SECP521R1, "ES512", hashes.SHA512, 66),
}


@dataclass
class AzureVault:
    """The vault: versions of keys by name, types of what is no EC key, and keys it fails at."""

    tenant: str
    client: str
    secret: str
    token: str
    port: int = 0
    tokens: int = 0  # that were given
    keys: dict[str, list[tuple[str, ec.EllipticCurvePrivateKey]]] = field(default_factory=dict)
    other_kinds: dict[str, str] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def new_version(self, name: str, curve: str = "P-256") -> ec.EllipticCurvePublicKey:
        """Make a key, or the next version of it; return its public half."""
        versions = self.keys.setdefault(name, [])
        key = ec.generate_private_key(_CURVES[curve][0]())
        version = hashlib.sha256(f"{name} {len(versions)}".encode()).hexdigest()[:32]
        versions.append((version, key))
        return key.public_key()

    def versions(self, name: str) -> list[str]:
        """Return the versions of a key, oldest first."""
        return [version for version, _ in self.keys[name]]

    def find(self, name: str, version: str) -> tuple[str, ec.EllipticCurvePrivateKey] | None:
        """Return a version and its key; without a version, the newest."""
        versions = self.keys.get(name, [])
        if not version:
            return versions[-1] if versions else None
        return next((one for one in versions if one[0] == version), None)


@contextmanager
def serve_azure(vault: AzureVault, certificates: Path) -> Iterator[None]:
    """Run the server, with the certificate in ``certificates``, until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.block_on_close = False  # clients keep their connections for as long as they live
    vault.port = server.server_address[1]
    server.vault = vault  # type: ignore[attr-defined]
    with serving(server):
        yield


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_request: object) -> None:
        """Say nothing: clients that do not trust the certificate are asked for, too."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    @property
    def _vault(self) -> AzureVault:
        return self.server.vault  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        self._route(b"")

    def do_POST(self) -> None:
        self._route(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _route(self, body: bytes) -> None:
        url = urllib.parse.urlsplit(self.path)
        if self.headers["Host"] == LOGIN:
            self._login(url, body)
        elif self.headers["Host"] == VAULT:
            self._key(url, body)
        else:
            self._refuse(421, "MisdirectedRequest")

    def _login(self, url: urllib.parse.SplitResult, body: bytes) -> None:
        tenant = f"https://{LOGIN}/{self._vault.tenant}"
        if url.path.endswith("/discovery/instance"):
            alias = {"preferred_network": LOGIN, "preferred_cache": LOGIN, "aliases": [LOGIN]}
            found = f"{tenant}/v2.0/.well-known/openid-configuration"
            self._say(200, {"tenant_discovery_endpoint": found, "metadata": [alias]})
        elif url.path.endswith("/.well-known/openid-configuration"):
            self._say(
                200,
                {
                    "issuer": f"{tenant}/v2.0",
                    "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                    "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                },
            )
        else:
            self._give_token(urllib.parse.parse_qs(body.decode()))

    def _give_token(self, form: dict[str, list[str]]) -> None:
        vault = self._vault
        asked = {name: values[0] for name, values in form.items()}
        if (asked.get("client_id"), asked.get("client_secret")) != (vault.client, vault.secret):
            wrong = "AADSTS7000215: Invalid client secret provided."
            self._say(401, {"error": "invalid_client", "error_description": wrong})
        elif "https://vault.azure.net/.default" not in asked.get("scope", "").split():
            self._say(400, {"error": "invalid_scope", "error_description": "AADSTS70011"})
        else:
            vault.tokens += 1
            token = {"token_type": "Bearer", "expires_in": 3599, "access_token": vault.token}
            self._say(200, token)

    def _key(self, url: urllib.parse.SplitResult, body: bytes) -> None:
        vault = self._vault
        if self.headers.get("Authorization") != f"Bearer {vault.token}":
            where = f"https://{LOGIN}/{vault.tenant}"
            challenge = f'Bearer authorization="{where}", resource="https://vault.azure.net"'
            self._say(401, {}, {"WWW-Authenticate": challenge})
            return
        asked = _KEY.fullmatch(url.path)
        name, version, sign = asked.groups(default="") if asked else ("", "", "")
        found = vault.find(name, version)
        if name in vault.broken:
            self._refuse(503, "ServiceUnavailable")
        elif name in vault.other_kinds:
            key = {"kid": f"https://{VAULT}/keys/{name}/1", "kty": vault.other_kinds[name]}
            self._say(200, {"key": {**key, "n": "AQAB", "e": "AQAB"}, "attributes": {}})
        elif found is None:
            self._refuse(404, "KeyNotFound")
        elif sign and self.command == "POST":
            self._sign(name, *found, json.loads(body))
        else:
            self._say(200, _key_bundle(name, *found))

    def _sign(
        self, name: str, version: str, key: ec.EllipticCurvePrivateKey, asked: dict[str, str]
    ) -> None:
        _, algorithm, digest, size = _CURVES[_curve(key)]
        value = base64.urlsafe_b64decode(asked["value"] + "==")
        if asked["alg"] != algorithm or len(value) != digest.digest_size:
            self._refuse(400, "BadParameter")
            return
        r, s = decode_dss_signature(key.sign(value, ec.ECDSA(Prehashed(digest()))))
        raw = r.to_bytes(size, "big") + s.to_bytes(size, "big")
        kid = f"https://{VAULT}/keys/{name}/{version}"
        self._say(200, {"kid": kid, "value": _encoded(raw)})

    def _refuse(self, status: int, code: str) -> None:
        self._say(status, {"error": {"code": code, "message": f"{code}: {self.path}"}})

    def _say(
        self, status: int, document: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        length = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in {**length, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _key_bundle(name: str, version: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    numbers, size = key.public_key().public_numbers(), _CURVES[_curve(key)][3]
    return {
        "key": {
            "kid": f"https://{VAULT}/keys/{name}/{version}",
            "kty": "EC",
            "crv": _curve(key),
            "key_ops": ["sign", "verify"],
            "x": _encoded(numbers.x.to_bytes(size, "big")),
            "y": _encoded(numbers.y.to_bytes(size, "big")),
        },
        "attributes": {"enabled": True, "created": 1767225600, "updated": 1767225600},
    }


def _curve(key: ec.EllipticCurvePrivateKey) -> str:
    return f"P-{key.curve.key_size}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
