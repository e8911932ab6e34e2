"""A whole Sigstore on loopback: OIDC issuer, CT log, Fulcio, Rekor v2 and a timestamp authority.

Fulcio, Rekor and the timestamp authority are the real programs (``tools/gotools.json``, group
``sigstore``); issuer and CT log are :mod:`support.attest_oidc` and :mod:`support.attest_ctlog`.
The trust configuration is written by hand from their public keys, in the formats of sigstore's
protobuf-specs (``sigstore_trustroot.proto``), so that nothing but this module vouches for it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import parts
from support.attest_ctlog import CtLog, running_log
from support.attest_oidc import Issuer, running_issuer
from support.processes import free_port, http_answers, running

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LocalSigstore", "running_sigstore"]

DER = serialization.Encoding.DER
PEM = serialization.Encoding.PEM
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
PASSWORD = "test-only"
REKOR_ORIGIN = "rekor-local"
LONGEST_WAIT = 900.0  # seconds
START = "2020-01-01T00:00:00Z"


@dataclass
class LocalSigstore:
    """The running services' addresses and keys. ``ca_key`` signs what an attacker could not."""

    directory: Path
    issuer: Issuer
    ct_log: CtLog
    fulcio_url: str
    rekor_url: str
    tsa_url: str
    ca_certificate: x509.Certificate
    ca_key: ec.EllipticCurvePrivateKey
    rekor_key: ed25519.Ed25519PrivateKey
    tsa_chain: list[x509.Certificate]

    def trusted_root(self) -> dict[str, Any]:
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self._log(self.rekor_url, self.rekor_key.public_key(), "PKIX_ED25519")],
            "certificateAuthorities": [_authority(self.fulcio_url, [self.ca_certificate])],
            "ctlogs": [
                self._log(self.ct_log.url, self.ct_log.key.public_key(), "PKIX_ECDSA_P256_SHA_256")
            ],
            "timestampAuthorities": [_authority(self.tsa_url, self.tsa_chain)],
        }

    def signing_config(self) -> dict[str, Any]:
        def service(url: str, version: int) -> dict[str, Any]:
            return {
                "url": url,
                "majorApiVersion": version,
                "validFor": {"start": START},
                "operator": "local",
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service(self.fulcio_url, 1)],
            "oidcUrls": [service(self.issuer.url, 1)],
            "rekorTlogUrls": [service(self.rekor_url, 2)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [service(f"{self.tsa_url}/api/v1/timestamp", 1)],
            "tsaConfig": {"selector": "ANY"},
        }

    def trust_config(self) -> dict[str, Any]:
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": self.signing_config(),
        }

    def write(self, name: str, document: dict[str, Any]) -> Path:
        path = self.directory / name
        path.write_text(json.dumps(document))
        return path

    @staticmethod
    def _log(url: str, key: Any, details: str) -> dict[str, Any]:
        spki = key.public_bytes(DER, SPKI)
        digest = hashes.Hash(hashes.SHA256())
        if isinstance(key, ed25519.Ed25519PublicKey):
            # Rekor v2 names itself by its checkpoint key (c2sp.org/signed-note, Ed25519)
            digest.update(REKOR_ORIGIN.encode() + b"\n\x01" + key.public_bytes_raw())
            url = url.replace(url.split("//")[1], REKOR_ORIGIN)
        else:
            digest.update(spki)
        return {
            "baseUrl": url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64.b64encode(spki).decode(),
                "keyDetails": details,
                "validFor": {"start": START},
            },
            "logId": {"keyId": base64.b64encode(digest.finalize()).decode()},
        }


def _authority(url: str, chain: list[x509.Certificate]) -> dict[str, Any]:
    raw = [{"rawBytes": base64.b64encode(c.public_bytes(DER)).decode()} for c in chain]
    subject = {"organization": "local", "commonName": "local"}
    return {
        "subject": subject,
        "uri": url,
        "certChain": {"certificates": raw},
        "validFor": {"start": START},
    }


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
