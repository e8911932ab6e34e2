"""A verdict as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lading.policy.atlas import MITIGATIONS

if TYPE_CHECKING:
    from lading.policy.verdict import RuleResult, Verdict, Violation

__all__ = ["sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(verdict: Verdict) -> str:
    """Return the document: one reporting descriptor for each rule, one result a violation."""
    run = {
        "tool": {"driver": {"name": "lading", "rules": [_rule(one) for one in verdict.results]}},
        "results": [
            _result(each, at, verdict)
            for at, one in enumerate(verdict.results)
            for each in one.violations
        ],
        "properties": {
            "policy": verdict.policy.uri,
            "policyDigest": f"sha256:{verdict.policy.sha256}",
            "verdict": "PASSED" if verdict.passed else "FAILED",
        },
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, ensure_ascii=True, indent=2) + "\n"


def _rule(one: RuleResult) -> dict[str, Any]:
    names = [f"{each} {MITIGATIONS[each].name}" for each in one.atlas if each in MITIGATIONS]
    return {
        "id": one.rule,
        "name": one.kind,
        "shortDescription": {"text": f"lading policy rule {one.kind}"},
        "defaultConfiguration": {"level": str(one.level)},
        "properties": {"tags": ["supply-chain", *one.atlas], "atlas": names},
    }


def _result(one: Violation, at: int, verdict: Verdict) -> dict[str, Any]:
    names = [{"name": one.subject or verdict.subject, "fullyQualifiedName": verdict.digest}]
    return {
        "ruleId": one.rule,
        "ruleIndex": at,
        "level": str(one.level),
        "message": {"text": one.message},
        "locations": [{"logicalLocations": names}],
        "partialFingerprints": {"lading/v1": f"{one.rule}:{one.subject or ''}"},
    }
