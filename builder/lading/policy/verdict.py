"""What a policy says of evidence: each rule's answer, and the answer of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lading.errors import LadingError
from lading.inventory import Level
from lading.limits import LIMITS
from lading.policy.evidence import Missing
from lading.policy.rules.interface import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lading.attest.vsa import PolicyId
    from lading.policy.document import Policy
    from lading.policy.evidence import Evidence
    from lading.policy.rules.interface import Rule

__all__ = ["RuleResult", "Verdict", "Violation", "judge"]


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a rule did not accept. ``rule`` is the rule's id, ``kind`` its kind."""

    rule: str
    kind: str
    level: Level
    message: str
    subject: str | None
    atlas: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return JSON data."""
        return {
            "rule": self.rule,
            "kind": self.kind,
            "level": str(self.level),
            "message": self.message,
            "subject": self.subject,
            "atlas": list(self.atlas),
        }


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule and what it did not accept.

    ``more`` violations are not listed; a ``deferred`` rule judged nothing yet.
    """

    rule: str
    kind: str
    level: Level
    atlas: tuple[str, ...]
    violations: tuple[Violation, ...]
    more: int = 0
    deferred: bool = False

    @property
    def passed(self) -> bool:
        """Whether it accepts everything that it judged."""
        return not self.violations

    def to_json(self) -> dict[str, Any]:
        """Return JSON data."""
        return {
            "id": self.rule,
            "kind": self.kind,
            "level": str(self.level),
            "atlas": list(self.atlas),
            "passed": self.passed,
            "deferred": self.deferred,
            "violations": len(self.violations) + self.more,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """A policy's answer about one subject."""

    policy: PolicyId
    subject: str
    digest: str
    results: tuple[RuleResult, ...]

    @property
    def passed(self) -> bool:
        """Yes, unless a rule of level error is violated; a policy without rules says no."""
        refused = (one for one in self.results if one.level is Level.ERROR and not one.passed)
        return bool(self.results) and next(refused, None) is None

    @property
    def complete(self) -> bool:
        """Whether every rule was judged: only then may a seal say that the policy passed."""
        return not any(one.deferred for one in self.results)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Every violation, errors first."""
        found = (violation for one in self.results for violation in one.violations)
        return tuple(sorted(found, key=lambda one: one.level is not Level.ERROR))

    def to_json(self) -> dict[str, Any]:
        """Return the ``policy`` object of ``verify``'s and ``build``'s documents."""
        return {
            "verdict": "PASSED" if self.passed else "FAILED",
            "name": self.policy.uri,
            "digest": f"sha256:{self.policy.sha256}",
            "violations": [one.to_json() for one in self.violations],
            "rules": [one.to_json() for one in self.results],
        }


def judge(policy: Policy, evidence: Evidence) -> Verdict:
    """Return the policy's verdict. A rule that cannot be judged is violated.

    An error that is a defect of ours is raised as it is: no verdict is no yes.
    """
    results = tuple(_result(rule, evidence) for rule in policy.rules)
    return Verdict(policy.identity, evidence.subject, evidence.digest, results)


def _result(rule: Rule, evidence: Evidence) -> RuleResult:
    if evidence.before_push and rule.when == "deploy":
        return RuleResult(rule.id, rule.name, rule.level, rule.atlas, (), deferred=True)
    violations: list[Violation] = []
    more = 0
    for one in _complaints(rule, evidence):
        if len(violations) < LIMITS.policy_violations:
            violations.append(
                Violation(rule.id, rule.name, rule.level, one.message, one.subject, rule.atlas)
            )
        else:
            more += 1
    return RuleResult(rule.id, rule.name, rule.level, rule.atlas, tuple(violations), more)


def _complaints(rule: Rule, evidence: Evidence) -> Iterator[Complaint]:
    try:
        yield from rule.check(evidence)
    except Missing as reason:
        yield Complaint(str(reason))
    except LadingError as error:
        got = f" ({error.got})" if error.got else ""
        yield Complaint(f"{error.what}{got}")
