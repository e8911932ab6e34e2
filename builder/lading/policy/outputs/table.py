"""A verdict as lines for a person at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lading.policy.verdict import RuleResult, Verdict

__all__ = ["printable", "table"]


def table(verdict: Verdict) -> str:
    """Return one line for each rule, and its violations below it."""
    width = max((len(one.rule) for one in verdict.results), default=0)
    lines = [
        f"policy    {verdict.policy.uri} (sha256:{verdict.policy.sha256})",
        f"verdict   {'PASSED' if verdict.passed else 'FAILED'}",
    ]
    for one in verdict.results:
        lines.append(f"  {_state(one):<8}  {one.rule:<{width}}  {', '.join(one.atlas)}".rstrip())
        lines += [f"            {printable(each.message)}" for each in one.violations]
        if one.more:
            lines.append(f"            and {one.more} more")
    return "\n".join(lines) + "\n"


def _state(one: RuleResult) -> str:
    if one.deferred:
        return "later"
    return "ok" if one.passed else str(one.level)


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: names come from images."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )
