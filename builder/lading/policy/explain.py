"""Which MITRE ATLAS mitigations a policy serves, by which rules, and what is left open."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from lading.policy.atlas import MITIGATIONS, NOT_COVERED, TECHNIQUES
from lading.policy.rules import RULES

if TYPE_CHECKING:
    from lading.policy.document import Policy

__all__ = ["explain", "explain_text"]


def explain(policy: Policy | None) -> dict[str, Any]:
    """Return JSON data: each mitigation with its techniques, evidence, limits and rules.

    Without a policy, the rules are the kinds that could serve it.
    """
    if policy is None:
        rules = [(name, cls.serves) for name, cls in RULES.items()]
    else:
        rules = [(one.id, one.atlas) for one in policy.rules]
    return {
        "policy": None
        if policy is None
        else {"name": policy.name, "digest": f"sha256:{policy.identity.sha256}"},
        "mitigations": [
            {
                "id": name,
                "name": one.name,
                "techniques": [{"id": each, "name": TECHNIQUES[each]} for each in one.techniques],
                "evidence": one.evidence,
                "limits": one.limits,
                "rules": [rule for rule, serves in rules if name in serves],
            }
            for name, one in MITIGATIONS.items()
        ],
        "not_covered": [
            {"id": name, "name": TECHNIQUES[name], "why": why} for name, why in NOT_COVERED.items()
        ],
    }


def explain_text(policy: Policy | None) -> str:
    """Return the same for a person."""
    found = explain(policy)
    what = "rules that can serve it" if policy is None else "rules"
    lines: list[str] = []
    for one in found["mitigations"]:
        techniques = ", ".join(each["id"] for each in one["techniques"])
        lines.append(f"{one['id']}  {one['name']}")
        lines += _paragraph(what, ", ".join(one["rules"]) or "none: this policy leaves it open")
        lines += _paragraph("answers", techniques)
        lines += _paragraph("evidence", one["evidence"])
        lines += _paragraph("leaves", one["limits"])
    lines.append("Not covered")
    for one in found["not_covered"]:
        lines += _paragraph(one["id"], one["why"])
    return "\n".join(lines) + "\n"


def _paragraph(head: str, text: str) -> list[str]:
    return textwrap.wrap(f"{head}: {text}", 96, initial_indent="    ", subsequent_indent="      ")
