"""Keys, statements and bundles for the tests of ``lading.attest``, made once a session."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from lading.attest import keys
from lading.attest.signers.key import KeySigner
from lading.attest.statement import Subject, build_statement

if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE = "sha256:" + "a1" * 32
OTHER_IMAGE = "sha256:" + "b2" * 32
CYCLONEDX = "https://cyclonedx.org/bom"
VSA = "https://slsa.dev/verification_summary/v1"


def pair(name: str = "alice", kind: keys.KeyKind = "p256") -> keys.KeyPair:
    """Return the same new key pair for the same name, so that tests need few of them."""
    return _pair(name, kind)


@cache
def _pair(name: str, kind: keys.KeyKind) -> keys.KeyPair:
    return keys.generate(kind)


def private(name: str = "alice", kind: keys.KeyKind = "p256") -> keys.PrivateKey:
    return keys.load_private(pair(name, kind).private_pem)


def public(name: str = "alice", kind: keys.KeyKind = "p256") -> keys.PublicKey:
    return keys.load_public(pair(name, kind).public_pem)


def signer(name: str = "alice", kind: keys.KeyKind = "p256") -> KeySigner:
    return KeySigner(private(name, kind))


def statement(
    *digests: str,
    predicate_type: str = CYCLONEDX,
    time: str | None = "2026-01-01T00:00:00Z",
    **predicate: Any,
) -> bytes:
    """Return a statement about ``digests`` (default: ``IMAGE``)."""
    subjects = [Subject("image", dict([digest.split(":")])) for digest in (digests or (IMAGE,))]
    metadata = {"metadata": {"timestamp": time}} if time else {}
    return build_statement(
        subjects, predicate_type, {"bomFormat": "CycloneDX", **metadata, **predicate}
    )


def bundle(content: bytes | None = None, *, name: str = "alice") -> bytes:
    return signer(name).sign(content if content is not None else statement())


def edited(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Return a bundle's JSON after ``change`` was applied to the parsed document."""
    document = json.loads(content)
    change(document)
    return json.dumps(document).encode()


def signed_anyway(payload: bytes, *, name: str = "alice", payload_type: str | None = None) -> bytes:
    """Return a bundle with a good signature over any payload, as a hostile key holder makes it."""
    from lading.attest.dsse import PAYLOAD_TYPE, pae
    from lading.attest.signatures import sign

    kind = payload_type or PAYLOAD_TYPE

    def change(document: dict[str, Any]) -> None:
        envelope = document["dsseEnvelope"]
        envelope["payload"] = base64.b64encode(payload).decode()
        envelope["payloadType"] = kind
        signature = sign(private(name), pae(kind, payload))
        envelope["signatures"][0]["sig"] = base64.b64encode(signature).decode()

    return edited(bundle(name=name), change)
