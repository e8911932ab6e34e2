"""Every kind of rule; one file per thing that is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lading.policy.rules.attestations import Freshness, RequiredAttestations, Signers
from lading.policy.rules.drift import Drift
from lading.policy.rules.licences import DatasetLicenses, ModelLicenses, PackageLicenses
from lading.policy.rules.models import (
    AttestedDatasets,
    AttestedModels,
    ModelCards,
    ModelFormats,
    ModelSafety,
    ModelSources,
)
from lading.policy.rules.packages import BaseImages, Packages
from lading.policy.rules.rego import Rego
from lading.policy.rules.reported import Reports
from lading.policy.rules.vulnerabilities import Vulnerabilities

if TYPE_CHECKING:
    from lading.policy.rules.interface import Rule

__all__ = ["RULES"]

RULES: Final[dict[str, type[Rule]]] = {
    one.name: one
    for one in (
        RequiredAttestations,
        Signers,
        Freshness,
        AttestedModels,
        AttestedDatasets,
        ModelSources,
        ModelLicenses,
        ModelFormats,
        ModelSafety,
        ModelCards,
        DatasetLicenses,
        Packages,
        PackageLicenses,
        BaseImages,
        Vulnerabilities,
        Reports,
        Drift,
        Rego,
    )
}
