"""Reports of tests, scans and evaluations: that they are there, and what their numbers may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lading.attest.predicates import resolve
from lading.policy.known import ATTESTATION
from lading.policy.options import DURATION, NUMBERS, TEXT, duration_text, option
from lading.policy.reported import newest_reports
from lading.policy.rules.interface import Complaint, Rule, fits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from lading.policy.evidence import Evidence

__all__ = ["Reports"]


@dataclass(frozen=True, kw_only=True)
class Reports(Rule):
    """Reports of one type, and bounds of their numbers."""

    name: ClassVar[str] = "reports"
    usually: ClassVar[str] = "deploy"
    serves: ClassVar[tuple[str, ...]] = ("AML.M0008", "AML.M0016")

    type: str = option(ATTESTATION, "sarif, modelscan, garak, test-result, lm-eval … or a URI.")
    tool: str | None = option(TEXT, "Only of this tool (pattern).", default=None)
    max: Mapping[str, float] | None = option(
        NUMBERS, "The most that a number may be (error: 0).", default=None
    )
    min: Mapping[str, float] | None = option(
        NUMBERS, "The least that a number may be (hellaswag.acc: 0.5).", default=None
    )
    max_age: timedelta | None = option(DURATION, "Older ones do not count.", default=None)

    def check(self, evidence: Evidence) -> Iterator[Complaint]:
        """Yield numbers out of bounds; a number that is not there is out of bounds."""
        wanted = resolve(self.type)
        found = [
            one
            for one in newest_reports(evidence)
            if one.attested.predicate_type == wanted
            and (self.tool is None or fits(one.summary.tool, [self.tool]))
            and (self.max_age is None or (one.age is not None and one.age <= self.max_age))
        ]
        if not found:
            age = f" of the last {duration_text(self.max_age)}" if self.max_age else ""
            tool = f" by {self.tool}" if self.tool else ""
            yield Complaint(f"there is no report of type {self.type}{tool}{age}", self.type)
        for one in found:
            counts, tool = one.summary.counts, one.summary.tool
            for name, bound in (self.max or {}).items():
                if name not in counts or not counts[name] <= bound:
                    yield Complaint(
                        f"{tool} says {name}: {_said(counts, name)}; at most {bound:g} is allowed",
                        tool,
                    )
            for name, bound in (self.min or {}).items():
                if name not in counts or not counts[name] >= bound:
                    yield Complaint(
                        f"{tool} says {name}: {_said(counts, name)}; at least {bound:g} is wanted",
                        tool,
                    )


def _said(counts: Mapping[str, float], name: str) -> str:
    return f"{counts[name]:g}" if name in counts else "nothing"
