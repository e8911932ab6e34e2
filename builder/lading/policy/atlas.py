"""MITRE ATLAS: the mitigations that evidence and rules can serve, and what they answer.

Identifiers, names and the techniques of each mitigation are those of ATLAS data 5.6.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MITIGATIONS", "NOT_COVERED", "TECHNIQUES", "Mitigation"]

TECHNIQUES: Final = {
    "AML.T0002.001": "Acquire Public AI Artifacts: Models",
    "AML.T0007": "Discover AI Artifacts",
    "AML.T0010": "AI Supply Chain Compromise",
    "AML.T0010.001": "AI Supply Chain Compromise: AI Software",
    "AML.T0010.002": "AI Supply Chain Compromise: Data",
    "AML.T0010.003": "AI Supply Chain Compromise: Model",
    "AML.T0011": "User Execution",
    "AML.T0011.000": "User Execution: Unsafe AI Artifacts",
    "AML.T0011.001": "User Execution: Malicious Package",
    "AML.T0015": "Evade AI Model",
    "AML.T0018": "Manipulate AI Model",
    "AML.T0018.000": "Manipulate AI Model: Poison AI Model",
    "AML.T0018.001": "Manipulate AI Model: Modify AI Model Architecture",
    "AML.T0018.002": "Manipulate AI Model: Embed Malware",
    "AML.T0019": "Publish Poisoned Datasets",
    "AML.T0020": "Poison Training Data",
    "AML.T0043": "Craft Adversarial Data",
    "AML.T0058": "Publish Poisoned Models",
    "AML.T0059": "Erode Dataset Integrity",
}


@dataclass(frozen=True, slots=True)
class Mitigation:
    """One mitigation: the techniques of ATLAS that it answers here, how, and what it leaves."""

    name: str
    techniques: tuple[str, ...]
    evidence: str
    limits: str


MITIGATIONS: Final[dict[str, Mitigation]] = {
    "AML.M0005": Mitigation(
        "Control Access to AI Models and Data at Rest",
        ("AML.T0010.002", "AML.T0010.003", "AML.T0018", "AML.T0018.000", "AML.T0020"),
        "Signed digests of every file of a model or data set: what was changed at rest no longer "
        "verifies. Who may approve is a list of signers.",
        "Reading is not controlled: access rights and encryption of the storage stay yours.",
    ),
    "AML.M0007": Mitigation(
        "Sanitize Training Data",
        ("AML.T0010.002", "AML.T0018.000", "AML.T0020", "AML.T0059"),
        "Signed data sets (one changed row no longer verifies) and signed reports of whatever "
        "tool sanitised or tested them.",
        "Data is not searched for poison here; a policy can only require the report of a tool "
        "that does.",
    ),
    "AML.M0008": Mitigation(
        "Validate AI Model",
        ("AML.T0010.003", "AML.T0018.000", "AML.T0018.002"),
        "Signed evaluation, robustness, fairness and red-team reports (lm-eval, garak, JUnit, any "
        "JSON) with bounds of their numbers.",
        "The evaluation itself is run by others, and is as good as its tests.",
    ),
    "AML.M0011": Mitigation(
        "Restrict Library Loading",
        ("AML.T0011", "AML.T0011.000", "AML.T0011.001"),
        "The formats of models, whether loading them runs code, every global that a pickle would "
        "import, and the packages in the image.",
        "What a program imports when it runs is not watched.",
    ),
    "AML.M0013": Mitigation(
        "Code Signing",
        ("AML.T0010.001", "AML.T0010.003", "AML.T0011.000", "AML.T0011.001", "AML.T0018",
         "AML.T0018.000", "AML.T0018.001", "AML.T0018.002"),
        "Signatures by a key or a keyless identity over the image's digests, its BOM and its "
        "models; verified before every use.",
        "A signature says who, not that the content is good; a stolen key signs as well.",
    ),
    "AML.M0014": Mitigation(
        "Verify AI Artifacts",
        ("AML.T0002.001", "AML.T0010", "AML.T0010.002", "AML.T0011", "AML.T0011.000",
         "AML.T0019"),
        "Digests of all files against what was attested, licence and source of each model, "
        "drift against the previous release, freshness.",
        "A model that was poisoned before it was approved verifies.",
    ),
    "AML.M0016": Mitigation(
        "Vulnerability Scanning",
        ("AML.T0011", "AML.T0011.000", "AML.T0011.001"),
        "Pickles walked step by step; signed reports of trivy, grype, modelscan, picklescan and "
        "SARIF tools, with VEX applied.",
        "No vulnerability database is shipped: scanners are yours, their reports are judged.",
    ),
    "AML.M0023": Mitigation(
        "AI Bill of Materials",
        ("AML.T0010", "AML.T0011", "AML.T0011.000", "AML.T0011.001", "AML.T0019", "AML.T0020",
         "AML.T0058"),
        "One signed CycloneDX document of models, data sets, base models and packages, each fact "
        "with where it came from.",
        "What no file and no card says (how a model was trained, on what else) is not in it.",
    ),
    "AML.M0025": Mitigation(
        "Maintain AI Dataset Provenance",
        ("AML.T0010.002", "AML.T0018.000", "AML.T0019", "AML.T0020", "AML.T0059"),
        "Signed data sets with their source and commit; the data sets that a card declares; "
        "drift of data between releases.",
        "Provenance inside a data set (who wrote which row) is not recorded.",
    ),
}  # fmt: skip

NOT_COVERED: Final[dict[str, str]] = {
    "AML.T0015": "Evasion of a deployed model: nothing here sees inputs. Drift and unsafe-global "
    "findings only tell that a model or its pipeline changed.",
    "AML.T0043": "Adversarial inputs: a robustness report can be required, inputs are not judged.",
    "AML.T0007": "Discovery of artifacts: a registry's readers can read attestations too.",
}
