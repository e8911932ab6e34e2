"""Models: formats, safety, sources, identity, and what their cards say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lading.policy.known import FORMATS
from lading.policy.options import TEXTS, WHOLE_NUMBER, choice, choices, option
from lading.policy.rules.interface import Complaint, Rule, fits, unless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.policy.components import Component
    from lading.policy.evidence import Evidence

__all__ = [
    "AttestedDatasets",
    "AttestedModels",
    "ModelCards",
    "ModelFormats",
    "ModelSafety",
    "ModelSources",
]

_VERDICTS: Final = ("safe", "unscannable", "suspicious", "dangerous")

#: What a card can be asked for, and where the BOM has it.
_CARD: Final = {
    "architecture": ("modelParameters", "modelArchitecture"),
    "architecture-family": ("modelParameters", "architectureFamily"),
    "datasets": ("modelParameters", "datasets"),
    "intended-use": ("considerations", "useCases"),
    "limitations": ("considerations", "technicalLimitations"),
    "metrics": ("quantitativeAnalysis", "performanceMetrics"),
    "task": ("modelParameters", "task"),
}
_EXCLUDE = option(TEXTS, "Names or purls (patterns) that this rule leaves out.", default=())


@dataclass(frozen=True, kw_only=True)
class ModelFormats(Rule):
    """Formats in which weights may be."""

    name: ClassVar[str] = "model-formats"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0011", "AML.M0014")

    allow: tuple[str, ...] = option(
        FORMATS, "Formats that are allowed (safetensors, gguf, onnx …); all by default.", default=()
    )
    deny: tuple[str, ...] = option(FORMATS, "Formats that are refused.", default=())
    exclude: tuple[str, ...] = _EXCLUDE

    @property
    def refuses_nothing(self) -> bool:
        """Whether no list is given."""
        return not (self.allow or self.deny)

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield models in another format, or in none that is known."""
        for one in unless(evidence.models, self.exclude):
            found = one.value("lading:model:format")
            if found is None:
                yield Complaint(f"the format of the model {one.label} is not known", one.label)
            elif fits(found, self.deny) or (self.allow and not fits(found, self.allow)):
                yield Complaint(f"the model {one.label} is in the format {found}", one.label)


@dataclass(frozen=True, kw_only=True)
class ModelSafety(Rule):
    """Whether loading a model may run code, and what it may import."""

    name: ClassVar[str] = "model-safety"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0011", "AML.M0014", "AML.M0016")

    allow: tuple[str, ...] = option(
        choices(_VERDICTS), "Verdicts that are allowed; only safe by default.", default=("safe",)
    )
    deny_globals: tuple[str, ...] = option(
        TEXTS, "Patterns of names that no pickle may import (os.*, *.system).", default=()
    )
    exclude: tuple[str, ...] = _EXCLUDE

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield models with another verdict, or with a denied global."""
        for one in unless(evidence.models, self.exclude):
            verdict = one.value("lading:safety:verdict")
            if verdict is None:
                yield Complaint(f"nobody looked whether {one.label} is safe to load", one.label)
            elif verdict not in self.allow:
                yield Complaint(f"the model {one.label} is {verdict}{_why(one)}", one.label)
            for name in one.fact_texts("globals"):
                if fits(name, self.deny_globals):
                    yield Complaint(f"loading the model {one.label} imports {name}", one.label)


def _why(model: Component) -> str:
    worst = sorted(
        model.findings, key=lambda one: (one.get("level") != "error", str(one.get("message")))
    )
    return f": {worst[0].get('message')}" if worst else ""


@dataclass(frozen=True, kw_only=True)
class ModelSources(Rule):
    """Where models may come from."""

    name: ClassVar[str] = "model-sources"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0014", "AML.M0023")

    allow: tuple[str, ...] = option(
        TEXTS,
        "Patterns of purls, repositories or addresses (pkg:huggingface/acme/*, acme/*).",
        default=(),
    )
    deny: tuple[str, ...] = option(TEXTS, "Patterns that are refused.", default=())
    unknown: str = option(
        choice(("allow", "deny")),
        "Models that say no source: deny (default) or allow.",
        default="deny",
    )
    exclude: tuple[str, ...] = _EXCLUDE

    @property
    def refuses_nothing(self) -> bool:
        """Whether no list is given, and no source is as good as any."""
        return self.unknown == "allow" and not (self.allow or self.deny)

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield models from elsewhere."""
        for one in unless(evidence.models, self.exclude):
            sources = [
                *([one.purl] if one.purl else []),
                *one.fact_texts("repository"),
                *one.fact_texts("source_url"),
                *([value] if (value := one.value("lading:model:distribution")) else []),
            ]
            if not sources:
                if self.unknown == "deny":
                    yield Complaint(f"the model {one.label} says no source", one.label)
            elif any(fits(source, self.deny) for source in sources) or (
                self.allow and not any(fits(source, self.allow) for source in sources)
            ):
                yield Complaint(f"the model {one.label} comes from {sources[0]}", one.label)


@dataclass(frozen=True, kw_only=True)
class AttestedModels(Rule):
    """Only models whose files have the digests of attested ones."""

    name: ClassVar[str] = "attested-models"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0005", "AML.M0013", "AML.M0014")

    exclude: tuple[str, ...] = _EXCLUDE

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield models that no attestation knows."""
        for one in unless(evidence.models, self.exclude):
            if not one.identified:
                yield Complaint(f"the model {one.label} is none that was attested", one.label)


@dataclass(frozen=True, kw_only=True)
class AttestedDatasets(Rule):
    """Only data sets whose files have the digests of attested ones."""

    name: ClassVar[str] = "attested-datasets"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0005", "AML.M0007", "AML.M0014", "AML.M0025")

    exclude: tuple[str, ...] = _EXCLUDE

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield data sets that no attestation knows."""
        for one in unless(evidence.datasets, self.exclude):
            if not one.identified:
                yield Complaint(f"the data set {one.label} is none that was attested", one.label)


@dataclass(frozen=True, kw_only=True)
class ModelCards(Rule):
    """What a model's card must say, and within which bounds."""

    name: ClassVar[str] = "model-cards"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0023", "AML.M0025")

    require: tuple[str, ...] = option(
        choices(("license", *_CARD)), "What must be known of every model.", default=()
    )
    tasks: tuple[str, ...] = option(TEXTS, "Tasks that are allowed (patterns).", default=())
    architectures: tuple[str, ...] = option(
        TEXTS, "Architecture families that are allowed (patterns).", default=()
    )
    max_parameters: int | None = option(
        WHOLE_NUMBER, "The most parameters a model may have.", default=None
    )
    exclude: tuple[str, ...] = _EXCLUDE

    @property
    def refuses_nothing(self) -> bool:
        """Whether nothing is asked for."""
        asked = self.require or self.tasks or self.architectures
        return not asked and self.max_parameters is None

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield models whose card is silent, or says something else."""
        for one in unless(evidence.models, self.exclude):
            for message in self._problems(one):
                yield Complaint(f"the model {one.label} {message}", one.label)

    def _problems(self, model: Component) -> Iterator[str]:
        for wanted in self.require:
            if not (model.licenses if wanted == "license" else _said(model, wanted)):
                yield f"does not say its {wanted}"
        for wanted, patterns in (("task", self.tasks), ("architecture-family", self.architectures)):
            found = _said(model, wanted)
            if patterns and not fits(found, patterns):
                yield f"has the {wanted} {found}" if found else f"does not say its {wanted}"
        if self.max_parameters is not None:
            count = model.fact("parameters")
            if not isinstance(count, str) or not count.isdigit():
                yield "does not say how many parameters it has"
            elif int(count) > self.max_parameters:
                yield f"has {int(count):,} parameters, more than {self.max_parameters:,}"


def _said(model: Component, wanted: str) -> Any:
    section, name = _CARD[wanted]
    found = model.card.get(section)
    return found.get(name) if isinstance(found, dict) else None
