"""Predicate types: what a statement says about its subjects.

The URIs are those other tools match exactly (DESIGN, "Formats, exact"); the BOM's has no version.
"""

from __future__ import annotations

from typing import Final

from lading.errors import UsageError

__all__ = [
    "CYCLONEDX",
    "CYCLONEDX_VEX",
    "GARAK",
    "GRYPE",
    "LM_EVAL",
    "MODELSCAN",
    "OMS_SIGNATURE",
    "OPENVEX",
    "PICKLESCAN",
    "SARIF",
    "SHORT_NAMES",
    "SLSA_PROVENANCE_V1",
    "SLSA_VSA_V1",
    "SPDX_DOCUMENT",
    "TEST_RESULT",
    "TRIVY",
    "asked",
    "resolve",
    "short",
]

CYCLONEDX: Final = "https://cyclonedx.org/bom"
SPDX_DOCUMENT: Final = "https://spdx.dev/Document"
SLSA_PROVENANCE_V1: Final = "https://slsa.dev/provenance/v1"
SLSA_VSA_V1: Final = "https://slsa.dev/verification_summary/v1"
OMS_SIGNATURE: Final = "https://model_signing/signature/v1.0"
TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
OPENVEX: Final = "https://openvex.dev/ns/v0.2.0"
SARIF: Final = "https://in-toto.io/attestation/static-analysis/sarif/v2.1.0"
#: Vulnerabilities in CycloneDX, disclosed (VDR) or assessed (VEX); never the type of a BOM, or
#: attaching one would replace it.
CYCLONEDX_VEX: Final = "https://cyclonedx.org/vex"

# Of reports that have no type of the field's own.
_OURS: Final = "https://lading.dev/report/"
GARAK: Final = _OURS + "garak/v1"
GRYPE: Final = _OURS + "grype/v1"
LM_EVAL: Final = _OURS + "lm-eval/v1"
MODELSCAN: Final = _OURS + "modelscan/v1"
PICKLESCAN: Final = _OURS + "picklescan/v1"
TRIVY: Final = _OURS + "trivy/v1"

#: The first name of each is the one that is shown.
SHORT_NAMES: Final = {
    "bom": CYCLONEDX,
    "cyclonedx": CYCLONEDX,
    "spdx": SPDX_DOCUMENT,
    "provenance": SLSA_PROVENANCE_V1,
    "slsaprovenance1": SLSA_PROVENANCE_V1,
    "seal": SLSA_VSA_V1,
    "vsa": SLSA_VSA_V1,
    "oms": OMS_SIGNATURE,
    "test-result": TEST_RESULT,
    "openvex": OPENVEX,
    "sarif": SARIF,
    "cyclonedx-vex": CYCLONEDX_VEX,
    "cyclonedx-vdr": CYCLONEDX_VEX,
    "garak": GARAK,
    "grype": GRYPE,
    "junit": TEST_RESULT,
    "lm-eval": LM_EVAL,
    "modelscan": MODELSCAN,
    "picklescan": PICKLESCAN,
    "trivy": TRIVY,
}


def resolve(name: str) -> str:
    """Return the predicate type for a short name (``cyclonedx``, ``vsa``) or the URI itself."""
    return SHORT_NAMES.get(name, name)


def asked(name: str) -> str:
    """Return the predicate type that somebody asks for, by a short name or as a URI.

    Raises:
        UsageError: a word that is neither.
    """
    if ":" in name or name in SHORT_NAMES:
        return resolve(name)
    import difflib

    close = difflib.get_close_matches(name, SHORT_NAMES, n=1)
    raise UsageError(
        "--type is neither a type of attestations nor a URI",
        got=name,
        wanted=", ".join(sorted(SHORT_NAMES)) + ", or a URI",
        hint=f"Did you mean {close[0]!r}?" if close else None,
    )


def short(predicate_type: str) -> str:
    """Return the name that people know a predicate type by, else its URI."""
    return next(
        (name for name, uri in SHORT_NAMES.items() if uri == predicate_type), predicate_type
    )
