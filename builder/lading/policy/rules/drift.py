"""What changed since the previous release, and must not have changed unannounced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lading.bom.diff import diff
from lading.bom.read import read
from lading.policy.components import components
from lading.policy.evidence import Missing
from lading.policy.options import TEXTS, choice, choices, option
from lading.policy.rules.interface import Complaint, Rule, fits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lading.bom.diff import Diff
    from lading.policy.evidence import Evidence

__all__ = ["Drift"]

#: None is what nobody judged: not known to be safe, as what cannot be scanned.
_WORST: Final = {"safe": 0, None: 1, "unscannable": 1, "suspicious": 2, "dangerous": 3}
_CHANGES: Final = (
    "dataset-changed",
    "license-changed",
    "model-added",
    "model-removed",
    "package-added",
    "safety-worsened",
    "unsafe-global-added",
    "weights-changed",
)
_UNSAFE: Final = ("pickle-dangerous-global", "pickle-suspicious-global",
                  "pickle-unresolved-global", "pickle-patches-global")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Drift(Rule):
    """Changes since the previous release that are not accepted."""

    name: ClassVar[str] = "drift"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0014", "AML.M0023", "AML.M0025")

    deny: tuple[str, ...] = option(
        choices(_CHANGES),
        "Changes that are refused. weights-changed means: while name and version stayed the same.",
        default=("weights-changed", "model-added", "unsafe-global-added", "safety-worsened"),
    )
    without_previous: str = option(
        choice(("allow", "deny")),
        "What to do when no previous BOM is given (--previous): deny (default) or allow.",
        default="deny",
    )
    exclude: tuple[str, ...] = option(
        TEXTS, "Names (patterns) of models, data sets or packages that are left out.", default=()
    )

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield the changes that are refused."""
        if evidence.previous is None:
            if self.without_previous == "allow":
                return
            raise Missing("there is no BOM of the previous release to compare with")
        before, after = evidence.previous, evidence.document
        found = diff(read(_bytes(before)), read(_bytes(after)))
        for change, name, text in (*_changes(found), *_new_globals(before, after)):
            if change in self.deny and not fits(name, self.exclude):
                yield Complaint(text, name)


def _bytes(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True).encode()


def _changes(found: Diff) -> Iterator[tuple[str, str, str]]:
    models, datasets = found.models, found.datasets
    for _, one in models.unannounced:
        text = f"the weights of {one.name} changed, its version did not"
        yield "weights-changed", one.name, text
    for one in models.added:
        yield "model-added", one.name, f"the model {one.name} is new"
    for one in models.removed:
        yield "model-removed", one.name, f"the model {one.name} is gone"
    for a, b in (*models.licenses_changed, *datasets.licenses_changed):
        text = f"the licence of {b.name} was {_words(a.licenses)}, and is {_words(b.licenses)}"
        yield "license-changed", b.name, text
    for a, b in models.verdicts_changed:
        if _rank(b.verdict) > _rank(a.verdict):
            was, now = (one.verdict or "not judged" for one in (a, b))
            text = f"the model {b.name} was {was}, and is {now}"
            yield "safety-worsened", b.name, text
    for _, one in datasets.unannounced:
        text = f"the data set {one.name} changed, its version did not"
        yield "dataset-changed", one.name, text
    for package in found.packages.added:
        yield "package-added", package.name, f"the package {package.name} ({package.kind}) is new"


def _rank(verdict: str | None) -> int:
    return _WORST.get(verdict, len(_WORST))


def _words(licenses: Iterable[str]) -> str:
    return " and ".join(licenses) or "unknown"


def _new_globals(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Yield what a model's pickles import now that is not known to be harmless, and is new.

    New in this model: what another one imported already was accepted for that one.
    """
    known = set(_unsafe(before))
    for name, message in sorted(set(_unsafe(after))):
        if (name, message) not in known:
            yield "unsafe-global-added", name, f"new in the model {name}: {message}"


def _unsafe(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (model, finding) without the place in the file, which moves with every training."""
    for one in components(document):
        for finding in one.findings:
            if finding.get("id") in _UNSAFE:
                message = str(finding.get("message"))
                yield one.name, message.partition(" at byte ")[0]
