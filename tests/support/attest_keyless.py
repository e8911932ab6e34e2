"""Keyless signing and verification by a local Sigstore, and how a bundle is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from lading.attest import trust
from lading.attest.identities import TrustedIdentity
from lading.attest.signers.keyless import KeylessSigner
from lading.attest.tokens import IdentityToken, read_token
from lading.attest.verifiers.keyless import KeylessVerifier
from lading.errors import VerificationError
from support.attest_samples import statement

if TYPE_CHECKING:
    from local_sigstore.local import LocalSigstore

BUILDER = "builder@example.com"
MATERIAL = "verificationMaterial"
ONE_ENTRY = "the attestation must have exactly one transparency log entry"


def token(local: LocalSigstore, **claims: Any) -> IdentityToken:
    return read_token(local.issuer.token(**claims), now=datetime.now(UTC))


def sign(local: LocalSigstore, content: bytes | None = None) -> bytes:
    config = trust.client_trust_config(local.write("config.json", local.trust_config()))
    return KeylessSigner(config, token(local)).sign(content or statement())


def verifier(local: LocalSigstore, *rules: TrustedIdentity) -> KeylessVerifier:
    root = trust.trusted_root(local.write("root.json", local.trusted_root()))
    return KeylessVerifier(root, rules or [TrustedIdentity.exact(BUILDER, local.issuer.url)])


def refusal(local: LocalSigstore, bundle: bytes, *rules: TrustedIdentity) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        verifier(local, *rules).verify(bundle)
    return caught.value


def code(local: LocalSigstore, bundle: bytes) -> str:
    return refusal(local, bundle).code
