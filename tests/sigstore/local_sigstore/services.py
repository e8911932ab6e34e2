"""A whole Sigstore on loopback: OIDC issuer, CT log, Fulcio, Rekor v2 and a timestamp authority.

Fulcio, Rekor and the timestamp authority are the real programs (``tools/gotools.json``, group
``sigstore``); the issuer is :mod:`local_sigstore.oidc`, the CT log TesseraCT or
:mod:`local_sigstore.ct_log`. ``README.md`` beside this package says how the parts fit together.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import parts
from local_sigstore.ct_log import CtLog, running_log
from local_sigstore.local import REKOR_ORIGIN, LocalSigstore
from local_sigstore.oidc import Issuer, running_issuer
from support.processes import free_port, http_answers, running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["running_sigstore"]

PEM = serialization.Encoding.PEM
PASSWORD = "test-only"
LONGEST_WAIT = 900.0  # seconds


@contextmanager
def running_sigstore(directory: Path) -> Iterator[LocalSigstore]:
    """Start all services, the issuer first; stop them when the block ends."""
    fulcio, rekor, tsa = (
        parts.require(name) for name in ("fulcio", "rekor-server", "timestamp-server")
    )
    ca_certificate, ca_key = _make_ca(directory)
    rekor_key = _make_rekor_key(directory)
    with ExitStack() as stack:
        issuer = stack.enter_context(running_issuer())
        ct_log = stack.enter_context(_ct_log(directory))
        fulcio_url = stack.enter_context(_fulcio(str(fulcio), directory, issuer, ct_log))
        rekor_url = stack.enter_context(_rekor(str(rekor), directory))
        tsa_url = stack.enter_context(_tsa(str(tsa), directory))
        with urllib.request.urlopen(f"{tsa_url}/api/v1/timestamp/certchain", timeout=5) as answer:
            tsa_chain = x509.load_pem_x509_certificates(answer.read())
        yield LocalSigstore(
            *(directory, issuer, ct_log, fulcio_url, rekor_url, tsa_url),
            *(ca_certificate, ca_key, rekor_key, tsa_chain),
        )


def _make_ca(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "local"),
            x509.NameAttribute(NameOID.COMMON_NAME, "local fulcio"),
        ]
    )
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        *(False, False, False, False, False, True, True),
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "ca.pem").write_bytes(certificate.public_bytes(PEM))
    (directory / "ca.key").write_bytes(
        key.private_bytes(
            PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
    )
    return certificate, key


def _make_rekor_key(directory: Path) -> ed25519.Ed25519PrivateKey:
    key = ed25519.Ed25519PrivateKey.generate()
    (directory / "rekor.key").write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return key


@contextmanager
def _ct_log(directory: Path) -> Iterator[CtLog]:
    """Serve TesseraCT; only where it cannot be built, a stand-in that signs timestamps alike."""
    program = parts.find("tesseract")
    if program is None and not parts.expected("tesseract"):
        with running_log() as log:
            yield log
        return
    port = free_port()
    log = CtLog(f"http://127.0.0.1:{port}", real=True)
    key = directory / "ct.key"
    key.write_bytes(
        log.key.private_bytes(
            PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    command = [str(parts.require("tesseract")), f"--http_endpoint=127.0.0.1:{port}"]
    command += ["--origin=ct.local.example", f"--private_key={key}"]
    command += [f"--storage_dir={directory / 'ct'}", f"--roots_pem_file={directory / 'ca.pem'}"]
    command += ["--batch_max_age=20ms", "--checkpoint_interval=200ms"]
    ready = lambda: http_answers(port, "/ct/v1/get-roots")  # noqa: E731
    with running(command, ready=ready, log=directory / "ct.log", cwd=directory):
        yield log


@contextmanager
def _fulcio(program: str, directory: Path, issuer: Issuer, ct_log: CtLog) -> Iterator[str]:
    http, grpc, metrics = free_port(), free_port(), free_port()
    entry = {"IssuerURL": issuer.url, "ClientID": "sigstore", "Type": "email"}
    (directory / "fulcio.json").write_text(json.dumps({"OIDCIssuers": {issuer.url: entry}}))
    command = [program, "serve", "--ca=fileca", "--fileca-watch=false"]
    command += [f"--fileca-cert={directory / 'ca.pem'}", f"--fileca-key={directory / 'ca.key'}"]
    command += [f"--fileca-key-passwd={PASSWORD}", f"--ct-log-url={ct_log.url}"]
    command += ["--host=127.0.0.1", f"--port={http}", "--grpc-host=127.0.0.1"]
    command += [f"--grpc-port={grpc}", f"--metrics-port={metrics}"]
    command += [f"--legacy-unix-domain-socket=@lading-fulcio-{os.getpid()}-{http}"]
    command += [f"--config-path={directory / 'fulcio.json'}"]
    ready = lambda: http_answers(http, "/healthz")  # noqa: E731
    with running(command, ready=ready, log=directory / "fulcio.log", cwd=directory):
        yield f"http://127.0.0.1:{http}"


@contextmanager
def _rekor(program: str, directory: Path) -> Iterator[str]:
    http, grpc, metrics = free_port(), free_port(), free_port()
    command = [program, "serve", f"--hostname={REKOR_ORIGIN}", "--checkpoint-interval=200ms"]
    command += [f"--storage-dir={directory / 'rekor'}", f"--http-port={http}"]
    command += [f"--signer-filepath={directory / 'rekor.key'}", f"--grpc-port={grpc}"]
    command += [f"--http-metrics-port={metrics}", "--batch-max-age=20ms"]
    ready = lambda: http_answers(http, "/healthz")  # noqa: E731
    with running(command, ready=ready, log=directory / "rekor.log", cwd=directory):
        yield f"http://127.0.0.1:{http}"


@contextmanager
def _tsa(program: str, directory: Path) -> Iterator[str]:
    port = free_port()
    command = [program, "serve", "--host=127.0.0.1", f"--port={port}"]
    command += ["--timestamp-signer=memory", "--disable-ntp-monitoring"]
    ready = lambda: http_answers(port, "/ping")  # noqa: E731
    with (
        _one_at_a_time(),
        running(command, ready=ready, log=directory / "tsa.log", cwd=directory),
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for another run of these tests: the authority's port for metrics is always 2112."""
    path = Path(tempfile.gettempdir()) / "lading-tests-timestamp-server.lock"
    end = time.monotonic() + LONGEST_WAIT
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(1)
        yield
