"""Predicate types: what a statement says about its subjects.

The URIs are those other tools match exactly (DESIGN, "Formats, exact"); the BOM's has no version.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CYCLONEDX",
    "OMS_SIGNATURE",
    "OPENVEX",
    "SARIF",
    "SHORT_NAMES",
    "SLSA_PROVENANCE_V1",
    "SLSA_VSA_V1",
    "SPDX_DOCUMENT",
    "TEST_RESULT",
    "resolve",
]

CYCLONEDX: Final = "https://cyclonedx.org/bom"
SPDX_DOCUMENT: Final = "https://spdx.dev/Document"
SLSA_PROVENANCE_V1: Final = "https://slsa.dev/provenance/v1"
SLSA_VSA_V1: Final = "https://slsa.dev/verification_summary/v1"
OMS_SIGNATURE: Final = "https://model_signing/signature/v1.0"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
OPENVEX: Final = "https://openvex.dev/ns/v0.2.0"
SARIF: Final = "https://in-toto.io/attestation/static-analysis/sarif/v2.1.0"

SHORT_NAMES: Final = {
    "cyclonedx": CYCLONEDX,
    "bom": CYCLONEDX,
    "spdx": SPDX_DOCUMENT,
    "slsaprovenance1": SLSA_PROVENANCE_V1,
    "provenance": SLSA_PROVENANCE_V1,
    "vsa": SLSA_VSA_V1,
    "seal": SLSA_VSA_V1,
    "oms": OMS_SIGNATURE,
    "test-result": TEST_RESULT,
    "openvex": OPENVEX,
    "sarif": SARIF,
}


def resolve(name: str) -> str:
    """Return the predicate type for a short name (``cyclonedx``, ``vsa``) or the URI itself."""
    return SHORT_NAMES.get(name, name)
