"""TLS contexts: the system's CAs, ``SSL_CERT_FILE``, and Docker's and podman's ``certs.d``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lading_oci.errors import TransportError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

__all__ = ["client_context", "speaks_tls"]


def _certs_directories(authority: str) -> Iterator[Path]:
    """Yield the existing ``certs.d/<host[:port]>`` directories for a registry.

    ``*.crt`` are CAs to trust, ``NAME.cert`` with ``NAME.key`` a client certificate
    (containers-certs.d(5), Docker's "Verify repository client with certificates").
    """
    home = Path.home() if "HOME" in os.environ else None
    config = Path(os.environ["XDG_CONFIG_HOME"]) if os.environ.get("XDG_CONFIG_HOME") else None
    if config is None and home is not None:
        config = home / ".config"
    roots = [Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d")]
    if config is not None:
        roots += [config / "docker" / "certs.d", config / "containers" / "certs.d"]
    for root in roots:
        directory = root / authority
        if directory.is_dir():
            yield directory


def client_context(authority: str, *, verify: bool = True) -> ssl.SSLContext:
    """Return a context for connections to ``authority``.

    OpenSSL itself honours ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``; where no CA at all is found
    (Python from python.org on macOS) certifi's are taken if it is installed.

    Raises:
        TransportError: a certificate file of ``certs.d`` cannot be read.
    """
    import ssl  # 15 ms that plain-http and layouts need not pay

    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for directory in _certs_directories(authority):
        _add_directory(context, directory)
    # counted, because get_ca_certs() reads every one of them, which takes milliseconds
    found = context.cert_store_stats()["x509_ca"]
    if verify and not found and not os.environ.get("SSL_CERT_DIR"):
        _add_certifi(context)
    return context


def speaks_tls(host: str, port: int, *, seconds: float) -> bool:
    """Say whether a TLS handshake is answered; no certificate is checked and nothing sent."""
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout=seconds) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False


def _add_directory(context: ssl.SSLContext, directory: Path) -> None:
    try:
        for path in sorted(directory.iterdir()):
            if path.suffix == ".crt":
                context.load_verify_locations(cafile=path)
            elif path.suffix == ".cert":
                context.load_cert_chain(path, path.with_suffix(".key"))
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise TransportError(
            "a certificate for this registry cannot be used",
            where=str(directory),
            got=str(error)[:200],
            hint="*.crt are CA certificates; NAME.cert needs NAME.key beside it",
        ) from None


def _add_certifi(context: ssl.SSLContext) -> None:
    try:
        import certifi  # optional, and only where the system has no CAs
    except ImportError:
        return
    context.load_verify_locations(cafile=certifi.where())
