"""Keyless bundles that no honest client makes: from a real CA key, log and timestamp authority.

Each flaw is one argument; without any the bundle is a good one, which a test checks first, so
that a refusal is the flaw's doing.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from lading.attest.bundle import Bundle
from lading.attest.dsse import PAYLOAD_TYPE, Envelope, pae

if TYPE_CHECKING:
    from local_sigstore.ct_log import CtLog
    from local_sigstore.local import LocalSigstore

__all__ = ["Flaws", "certified", "forge", "log_entry", "timestamp"]

ISSUER_V2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
DER = serialization.Encoding.DER


@dataclass(frozen=True)
class Flaws:
    """What is wrong with a forged bundle; the defaults are what Fulcio would do."""

    names: tuple[x509.GeneralName, ...] = (x509.RFC822Name("builder@example.com"),)
    issuer: str | None = None
    starts: timedelta = timedelta(minutes=-1)
    lives: timedelta = timedelta(minutes=10)
    usage: ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING
    ct_log: CtLog | None = None
    with_sct: bool = True
    ca_key: ec.EllipticCurvePrivateKey | None = None
    logged: bool = True
    stamped: bool = True
    signature: bytes | None = None
    extensions: tuple[x509.UnrecognizedExtension, ...] = field(default=())


def forge(local: LocalSigstore, statement: bytes, flaws: Flaws | None = None) -> bytes:
    """Return a bundle over ``statement`` with the given flaws."""
    flaws = flaws or Flaws()
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certified(local, key, flaws)
    signature = flaws.signature or key.sign(pae(PAYLOAD_TYPE, statement), ec.ECDSA(hashes.SHA256()))
    envelope = Envelope(statement, PAYLOAD_TYPE, signature)
    return Bundle(
        envelope,
        certificate=certificate.public_bytes(DER),
        log_entries=(log_entry(local, envelope, certificate),) if flaws.logged else (),
        timestamps=(timestamp(local, signature),) if flaws.stamped else (),
    ).to_bytes()


def certified(
    local: LocalSigstore, key: ec.EllipticCurvePrivateKey, flaws: Flaws
) -> x509.Certificate:
    """Return a certificate as Fulcio makes them, with its SCT, but for the flaws."""
    ca_key = flaws.ca_key or local.ca_key
    builder = _leaf(local, key, flaws)
    if flaws.with_sct:
        log = flaws.ct_log or local.ct_log
        precertificate = builder.add_extension(x509.PrecertPoison(), critical=True).sign(
            ca_key, hashes.SHA256()
        )
        chain = [precertificate, local.ca_certificate]
        answer = log.add_pre_chain(
            [base64.b64encode(one.public_bytes(DER)).decode() for one in chain]
        )
        sct = b"\x00" + base64.b64decode(answer["id"])
        sct += int(answer["timestamp"]).to_bytes(8, "big") + b"\x00\x00"
        sct += base64.b64decode(answer["signature"])
        listed = len(sct).to_bytes(2, "big") + sct
        tls = len(listed).to_bytes(2, "big") + listed
        octets = b"\x04" + (bytes([len(tls)]) if len(tls) < 0x80 else b"\x81" + bytes([len(tls)]))
        builder = builder.add_extension(
            x509.UnrecognizedExtension(SCT_LIST, octets + tls), critical=False
        )
    return builder.sign(ca_key, hashes.SHA256())


def _leaf(
    local: LocalSigstore, key: ec.EllipticCurvePrivateKey, flaws: Flaws
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) + flaws.starts
    issuer = (flaws.issuer or local.issuer.url).encode()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(local.ca_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(local.ca_certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + flaws.lives)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([flaws.usage]), critical=False)
        .add_extension(authority, critical=False)
        .add_extension(x509.SubjectAlternativeName(flaws.names), critical=True)
        .add_extension(
            x509.UnrecognizedExtension(ISSUER_V2, b"\x0c" + bytes([len(issuer)]) + issuer),
            critical=False,
        )
    )
    for extension in flaws.extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder


def log_entry(
    local: LocalSigstore, envelope: Envelope, certificate: x509.Certificate
) -> dict[str, object]:
    """Put the envelope into the log and return its entry as a bundle has it."""
    from sigstore._internal.rekor.client_v2 import RekorV2Client
    from sigstore.dsse import Envelope as SigstoreEnvelope
    from sigstore_models.intoto import Envelope as Message

    client = RekorV2Client(local.rekor_url)
    message = SigstoreEnvelope(Message.from_dict(envelope.to_json()))
    entry = client.create_entry(client._build_dsse_request(message, certificate))
    client._session.close()
    return dict(entry._inner.to_dict())


def timestamp(local: LocalSigstore, signature: bytes) -> bytes:
    """Return an RFC 3161 response over ``signature``."""
    from sigstore._internal.timestamp import TimestampAuthorityClient

    client = TimestampAuthorityClient(f"{local.tsa_url}/api/v1/timestamp")
    response = client.request_timestamp(signature)
    client._session.close()
    return bytes(response.as_bytes())
