"""Rules over verified evidence: one YAML file, one verdict.

:func:`read_policy` takes a file's bytes into a :class:`Policy`; :func:`judge` says what it says of
:class:`Evidence`. Nothing here reads files, registries or clocks; only :mod:`lading.policy.opa`,
which is handed in, runs a program. ``docs/policy.md`` lists the rules.
"""

from __future__ import annotations

from lading.policy.document import Policy, read_policy
from lading.policy.evidence import Attested, Evidence
from lading.policy.verdict import RuleResult, Verdict, Violation, judge

__all__ = [
    "Attested",
    "Evidence",
    "Policy",
    "RuleResult",
    "Verdict",
    "Violation",
    "judge",
    "read_policy",
]
