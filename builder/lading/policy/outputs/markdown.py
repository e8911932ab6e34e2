"""A verdict as Markdown, for GitHub's step summary and merge request notes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lading.policy.outputs.table import printable

if TYPE_CHECKING:
    from lading.policy.verdict import RuleResult, Verdict

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&@-])")
_MOST = 20  # violations of one rule that are shown


def markdown(verdict: Verdict) -> str:
    """Return a heading, a table of rules, and the violations."""
    answer = "passed ✅" if verdict.passed else "failed ❌"
    lines = [
        f"### Policy {_plain(verdict.policy.uri)}: {answer}",
        "",
        f"{_plain(verdict.subject)} `{verdict.digest}`  ",
        f"policy `sha256:{verdict.policy.sha256}`",
        "",
        "| rule | result | ATLAS |",
        "|---|---|---|",
        *(f"| {_plain(one.rule)} | {_state(one)} | {', '.join(one.atlas)} |"
          for one in verdict.results),
    ]  # fmt: skip
    for one in verdict.results:
        if one.violations:
            lines += ["", f"**{_plain(one.rule)}**", ""]
            lines += [f"- {_plain(each.message)}" for each in one.violations[:_MOST]]
            rest = len(one.violations) + one.more - _MOST
            if rest > 0:
                lines.append(f"- and {rest} more")
    return "\n".join(lines) + "\n"


def _state(one: RuleResult) -> str:
    if one.deferred:
        return "judged at deploy"
    return "ok" if one.passed else f"{one.level}: {len(one.violations) + one.more}"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))
