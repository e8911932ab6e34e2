"""A machine of Google Cloud, as far as a program can tell: its name, and its metadata server.

Google's documents "Detecting if you're running on Compute Engine" and "Verifying VM identity": the
firmware's product name, and ``http://metadata``, which answers only to ``Metadata-Flavor: Google``.
Both are put before one process alone, in a mount namespace (``unshare --mount``) with another
``/etc/hosts`` and ``/sys/class``; the servers are on a loopback address of their own.
"""

from __future__ import annotations

import json
import random
import shutil
import ssl
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support.oci_server import Reply, Request, Server, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["ACCOUNT", "IMPERSONATED", "GoogleCloud", "google_cloud"]

ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default"
IMPERSONATED = "robot@project.iam.gserviceaccount.com"
CREDENTIALS = "iamcredentials.googleapis.com"
#: What is seen where: the hosts of the first argument, the product name of the second.
_IN_PLACE = """
mount --bind "$1" /etc/hosts && mount -t tmpfs none /sys/class && mkdir -p /sys/class/dmi/id &&
cp "$2" /sys/class/dmi/id/product_name && shift 2 && exec "$@"
"""


@dataclass
class GoogleCloud:
    """The machine. ``under`` runs a command on it, in the environment ``env``.

    ``refusal`` is what its service accounts answer instead of tokens.
    """

    under: tuple[str, ...]
    env: dict[str, str]
    token: Callable[[], str]
    refusal: Reply | None = None
    servers: list[Server] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """``METHOD path`` of all requests, in order of the servers."""
        return [line for server in self.servers for line in server.lines]

    def metadata(self, request: Request) -> Reply:
        """Answer as the metadata server does."""
        if request.headers.get("metadata-flavor") != "Google":
            return Reply(403, b"Missing Metadata-Flavor:Google header.")
        if request.path == f"{ACCOUNT}/token":
            return self.refusal or _json({"access_token": "secret", "token_type": "Bearer"})
        if request.path != f"{ACCOUNT}/identity" or request.query.get("audience") != ["sigstore"]:
            return Reply(400, b"non-empty audience parameter required")
        return self.refusal or Reply(200, self.token().encode())

    def credentials(self, request: Request) -> Reply:
        """Answer as the service that gives one account's token to another one's."""
        wanted = f"/v1/projects/-/serviceAccounts/{IMPERSONATED}:generateIdToken"
        if request.path != wanted or request.headers.get("authorization") != "Bearer secret":
            return Reply(403, b"permission iam.serviceAccounts.getOpenIdToken denied")
        if json.loads(request.body) != {"audience": "sigstore", "includeEmail": True}:
            return Reply(400, b"no such audience")
        return _json({"token": self.token()})


@contextmanager
def google_cloud(
    directory: Path, token: Callable[[], str], *, product: str = "Google Compute Engine"
) -> Iterator[GoogleCloud]:
    """Give a machine whose service account has the identity in ``token()``.

    The test is skipped, with the reason, where namespaces or the servers' ports cannot be had.
    """
    address = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(1, 254)}"
    (directory / "hosts").write_text(
        f"127.0.0.1 localhost\n{address} metadata metadata.google.internal {CREDENTIALS}\n"
    )
    (directory / "product").write_text(f"{product}\n")
    places = (str(directory / "hosts"), str(directory / "product"))
    under = ("unshare", "--map-root-user", "--mount", "sh", "-c", _IN_PLACE, "sh", *places)
    _allowed(under)
    tls, authority = _tls(directory)
    machine = GoogleCloud(under, {"SSL_CERT_FILE": str(authority)}, token)
    with ExitStack() as stack:
        for answer, port, context in (
            (machine.metadata, 80, None),
            (machine.credentials, 443, tls),
        ):
            try:
                server = serve(answer, address=(address, port), tls=context)
                machine.servers.append(stack.enter_context(server))
            except PermissionError as error:
                pytest.skip(f"port {port} of {address} cannot be had: {error}")
        yield machine


def _allowed(under: tuple[str, ...]) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there is no `unshare` here")
    tried = subprocess.run([*under, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"mount namespaces are not allowed here: {tried.stderr.strip()}")


def _json(document: dict[str, str]) -> Reply:
    return Reply(200, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _tls(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context for Google's credentials service, and who vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, CREDENTIALS)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(CREDENTIALS)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    authority = directory / "google.pem"
    authority.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "google.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, directory / "google.key")
    return context, authority
