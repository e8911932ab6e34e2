"""The addresses and keys of the local Sigstore, and the trust configuration that follows from them.

Written by hand from the services' public keys, in the formats of sigstore's protobuf-specs
(``sigstore_trustroot.proto``), so that nothing but this module vouches for it.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

    from local_sigstore.ct_log import CtLog
    from local_sigstore.oidc import Issuer

__all__ = ["REKOR_ORIGIN", "LocalSigstore", "described_log", "service"]

DER = serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
REKOR_ORIGIN = "rekor-local"
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
        ct_key = self.ct_log.key.public_key()
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [described_log(self.rekor_url, self.rekor_key.public_key(), "PKIX_ED25519")],
            "certificateAuthorities": [_authority(self.fulcio_url, [self.ca_certificate])],
            "ctlogs": [described_log(self.ct_log.url, ct_key, "PKIX_ECDSA_P256_SHA_256")],
            "timestampAuthorities": [_authority(self.tsa_url, self.tsa_chain)],
        }

    def signing_config(self) -> dict[str, Any]:
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


def service(url: str, version: int) -> dict[str, Any]:
    """Return a signing configuration's description of a service."""
    return {
        "url": url,
        "majorApiVersion": version,
        "validFor": {"start": START},
        "operator": "local",
    }


def described_log(url: str, key: Any, details: str) -> dict[str, Any]:
    """Return a root of trust's description of a log."""
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
