"""Predicate types of reports: the field's own where there is one, else ours."""

from __future__ import annotations

from typing import Final

from lading.attest.predicates import OPENVEX, SARIF, TEST_RESULT
from lading.attest.predicates import SHORT_NAMES as _ATTESTATIONS

__all__ = [
    "CYCLONEDX_VEX",
    "GARAK",
    "GRYPE",
    "LM_EVAL",
    "MODELSCAN",
    "OPENVEX",
    "PICKLESCAN",
    "SARIF",
    "SHORT_NAMES",
    "TEST_RESULT",
    "TRIVY",
    "resolve",
]

#: Vulnerabilities in CycloneDX, disclosed (VDR) or assessed (VEX); never the type of a BOM, or
#: attaching one would replace it.
CYCLONEDX_VEX: Final = "https://cyclonedx.org/vex"

_OURS: Final = "https://lading.dev/report/"
GARAK: Final = _OURS + "garak/v1"
GRYPE: Final = _OURS + "grype/v1"
LM_EVAL: Final = _OURS + "lm-eval/v1"
MODELSCAN: Final = _OURS + "modelscan/v1"
PICKLESCAN: Final = _OURS + "picklescan/v1"
TRIVY: Final = _OURS + "trivy/v1"

SHORT_NAMES: Final = {
    **_ATTESTATIONS,
    "cyclonedx-vdr": CYCLONEDX_VEX,
    "cyclonedx-vex": CYCLONEDX_VEX,
    "garak": GARAK,
    "grype": GRYPE,
    "junit": TEST_RESULT,
    "lm-eval": LM_EVAL,
    "modelscan": MODELSCAN,
    "picklescan": PICKLESCAN,
    "trivy": TRIVY,
}


def resolve(name: str) -> str:
    """Return the predicate type for a short name of a report or attestation, or the URI itself."""
    return SHORT_NAMES.get(name, name)
