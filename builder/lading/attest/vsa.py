"""The seal: a SLSA verification summary (VSA v1) over the other attestations of an image.

https://slsa.dev/spec/v1.1/verification_summary. It says that whoever signs it has looked at
exactly these attestations (by the digest of their bundles) under exactly this policy (by digest),
and whether they passed. It is small enough to ride in an annotation of its own referrer, which a
registry copies into its list of referrers: verification is then one request.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from lading.errors import VerificationError
from lading.records import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

__all__ = ["ATTESTED_POLICY", "SEAL_ANNOTATION", "PolicyId", "Vsa", "build_vsa", "read_vsa"]

SEAL_ANNOTATION: Final = "dev.lading.seal"
_VERIFIER_ID: Final = "https://lading.dev/verifier/v1"
_RESULTS: Final = frozenset({"PASSED", "FAILED"})


@record
class PolicyId:
    """A policy by name and by the SHA-256 (hexadecimal) of its bytes."""

    uri: str
    sha256: str


_ATTESTED_TEXT: Final = b"A CycloneDX BOM was made from the image's own bytes, valid, and signed.\n"

#: What holds without a policy file: the image was inspected and its BOM signed.
ATTESTED_POLICY: Final = PolicyId(
    "https://lading.dev/policy/attested/v1", hashlib.sha256(_ATTESTED_TEXT).hexdigest()
)


@record
class Vsa:
    """A parsed summary. ``inputs`` are bundle digests, ``sha256:…``."""

    passed: bool
    policy: PolicyId
    resource_uri: str
    inputs: frozenset[str]


def build_vsa(
    *,
    resource_uri: str,
    policy: PolicyId,
    passed: bool,
    inputs: Iterable[str],
    verifier_version: str,
    now: datetime,
) -> dict[str, Any]:
    """Return the predicate. ``inputs`` are bundle digests; ``now`` has a time zone, UTC."""
    return {
        "verifier": {"id": _VERIFIER_ID, "version": {"lading": verifier_version}},
        "timeVerified": now.replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        "resourceUri": resource_uri,
        "policy": {"uri": policy.uri, "digest": {"sha256": policy.sha256}},
        "inputAttestations": [
            {"digest": {"sha256": digest.removeprefix("sha256:")}} for digest in sorted(set(inputs))
        ],
        "verificationResult": "PASSED" if passed else "FAILED",
        "verifiedLevels": [],
    }


def read_vsa(predicate: Mapping[str, Any]) -> Vsa:
    """Read a verified statement's predicate; whatever is missing makes it no seal.

    Raises:
        VerificationError: ``seal``: it is not a summary of this shape.
    """
    try:
        if predicate["verifier"]["id"] != _VERIFIER_ID:
            raise TypeError(f"verifier {_VERIFIER_ID}")
        policy = predicate["policy"]
        result = _text(predicate["verificationResult"])
        inputs = frozenset(
            f"sha256:{_text(one['digest']['sha256'])}" for one in predicate["inputAttestations"]
        )
        found = Vsa(
            passed=result == "PASSED",
            policy=PolicyId(_text(policy["uri"]), _text(policy["digest"]["sha256"])),
            resource_uri=_text(predicate["resourceUri"]),
            inputs=inputs,
        )
    except (KeyError, TypeError) as error:
        raise VerificationError(
            "the seal is not a verification summary", code="seal", got=f"no {error}"
        ) from error
    if result not in _RESULTS or not inputs:
        raise VerificationError(
            "the seal is not a verification summary",
            code="seal",
            got=f"{result!r}, {len(inputs)} attestations",
            wanted="PASSED or FAILED, over at least one attestation",
        )
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value
